"""Where something moves in a window, without a person detector."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PART = 0.25


def moving_part(x: Tensor, part: float = PART) -> Tensor:
    """A soft mask of the pixels that change most from frame to frame: 1 = moves, one mask for all frames of a window.

    After the motion seeds of FAME (Ding et al., "Motion-aware Contrastive Video Representation Learning via
    Foreground-background Merging", CVPR 2022).
    Deviations: changes are averaged over a neighborhood, against noise; the seeds are not refined by color, because
    figures are a few pixels wide here; a window in which nothing changes has an empty mask.

    Args:
        x: Windows (N, window, H, W, C).
        part: Which part of the image counts as moving.

    Shape: (N, window, H, W, C) -> (N, 1, H, W, 1).
    """
    if x.shape[1] < 2:
        return x.new_zeros(len(x), 1, *x.shape[2:4], 1)
    side = max(3, x.shape[2] // 16 | 1)
    change = _blurred(x.diff(dim=1).abs().mean(dim=(1, 4))[:, None], side)
    flat = change.flatten(1)
    rank = min(flat.shape[1] - 1, int((1 - part) * flat.shape[1]))
    level = flat.sort(dim=1).values[:, rank].view(-1, 1, 1, 1)
    moves = ((change >= level) & (change > 0)).to(x)
    return _blurred(moves, side)[:, :, :, :, None]


def _blurred(x: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(F.pad(x, (side // 2,) * 4, mode="replicate"), side, stride=1)


def merged(figure: Tensor, scene: Tensor, mask: Tensor) -> Tensor:
    """The moving part of windows in front of another scene; both (N, window, H, W, C), the mask of `moving_part`."""
    return torch.lerp(scene, figure, mask)
