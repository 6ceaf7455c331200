"""RGB windows as numbers of about zero mean and unit standard deviation, with or without their own brightness."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Normalize = Literal["none", "window"]
USUAL_MEAN, USUAL_STD = 115.0, 64.0  # of grey levels, over ordinary videos
LEAST_STD = 1.0  # grey levels: what is flatter is noise


def standardized(windows: NDArray[Any], normalize: Normalize) -> Tensor:
    """uint8 to about -1.8 .. 2.2, a function of each window alone.

    `none` keeps brightness and contrast. `window` takes them out: zero mean and unit standard deviation over all
    frames, pixels and colors of a window together, so colors keep their relation and motion keeps its size. A video
    filmed in the dark then looks like one filmed by day, but for its noise.

    Args:
        windows: (N, window, H, W, 3) uint8.
        normalize: `none` or `window`.

    Shape: (N, window, H, W, 3) -> same, float32.
    """
    x = torch.from_numpy(np.ascontiguousarray(windows)).float()
    if normalize == "none":
        return x.sub_(USUAL_MEAN).mul_(1 / USUAL_STD)
    for window in x:
        std, mean = torch.std_mean(window, correction=0)
        window.sub_(mean).div_(std.clamp(min=LEAST_STD))
    return x


def relit(windows: NDArray[Any], normalize: Normalize) -> NDArray[Any]:
    """Windows as images of usual brightness and contrast, for networks that prepare images in their own way.

    Shape: (N, window, H, W, 3) uint8 -> same.
    """
    if normalize == "none":
        return windows
    x = standardized(windows, normalize).mul_(USUAL_STD).add_(USUAL_MEAN)
    return x.round_().clamp_(0, 255).to(torch.uint8).numpy()
