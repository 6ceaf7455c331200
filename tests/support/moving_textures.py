"""Windows of images whose motion is known."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def texture(height: int = 64, width: int = 80) -> Tensor:
    """A smooth random image (H, W), about unit standard deviation."""
    noise = torch.randn(1, 1, height // 4, width // 4, generator=torch.Generator().manual_seed(0))
    image = F.interpolate(noise, size=(height, width), mode="bicubic", align_corners=False)[0, 0]
    return (image - image.mean()) / image.std()


def moved(right: int, down: int, frames: int = 3) -> Tensor:
    """A window (1, frames, 48, 64, 3) cut from a texture that moves by whole pixels."""
    image = texture()
    cuts = [image[8 - down * t : 56 - down * t, 8 - right * t : 72 - right * t] for t in range(frames)]
    return torch.stack(cuts)[None, ..., None].expand(-1, -1, -1, -1, 3)
