"""Optical flow inside a network: displacements between consecutive images, by a few tensor operations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from augrgb.encoders.parts.image_pairs import flow_of_pairs, image_gradients, square_average

_ROUNDING = 1e-3  # pixels: less is none, so that a still scene is exactly still
_LARGEST_STEP = 1.5  # pixels a round: a step far beyond is a flat place, not motion


def local_flow(
    x: Tensor, *, levels: int = 3, rounds: int = 1, window: int = 7, flat: float = 0.02, gradients: bool = False
) -> Tensor:
    """Displacements of image patches from each image of a window to the next, in pixels to the right and down.

    Lucas and Kanade, "An Iterative Image Registration Technique with an Application to Stereo Vision", IJCAI 1981,
    coarse to fine (Bouguet 2001): on each level of a pyramid the least-squares displacement of a square of pixels,
    a few rounds of it, the second image warped by what was found so far. As a layer, motion needs not be learned from
    few videos; compare TVNet (Fan et al., CVPR 2018) and Representation Flow (Piergiovanni and Ryoo, CVPR 2019), which
    unroll other methods, and MotionSqueeze (Kwon et al., ECCV 2020), which correlates features.
    Deviations: colors are averaged to gray; a constant on the diagonal pulls flat and noisy places to zero.

    Args:
        x: Windows of images of about unit standard deviation.
        levels: Of the pyramid; each doubles the reach of about `rounds` x 1.5 pixels.
        rounds: On each level.
        window: Side of the squares, pixels of the level.
        flat: The constant, in squared gradients: larger is smoother.
        gradients: Pass gradients on to the images; nothing is learned here, so mostly not needed.

    Shape: (N, window, H, W, C) -> (N, window, H, W, 2); the last image repeats the one before, one image alone has 0.
    """

    def flow(first: Tensor, second: Tensor) -> Tensor:
        found = _pyramid_flow(_pyramid(first, levels), _pyramid(second, levels), rounds, window, flat)
        return torch.where(found.abs() < _ROUNDING, 0.0, found)

    return flow_of_pairs(x, flow, gradients=gradients)


def _pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """From fine to coarse; a level that would have fewer than 8 rows or columns is left out."""
    found = [_smoothed(image)]
    while len(found) < levels and min(found[-1].shape[2:]) >= 16:
        found.append(F.avg_pool2d(_smoothed(found[-1]), 2))
    return found


def _pyramid_flow(first: list[Tensor], second: list[Tensor], rounds: int, window: int, flat: float) -> Tensor:
    flow = first[-1].new_zeros(len(first[-1]), 2, *first[-1].shape[2:])
    for a, b in zip(reversed(first), reversed(second), strict=True):
        if flow.shape[2:] != a.shape[2:]:
            flow = F.interpolate(flow, size=a.shape[2:], mode="bilinear", align_corners=False) * 2
        flow = square_average(_refined(a, b, flow, rounds, window, flat), 3)
    return flow


def _refined(a: Tensor, b: Tensor, flow: Tensor, rounds: int, window: int, flat: float) -> Tensor:
    """A few rounds on one level: (n, 1, h, w) images, (n, 2, h, w) flow."""
    gx, gy = image_gradients(a)
    xx, xy, yy = square_average(torch.cat([gx * gx, gx * gy, gy * gy], dim=1), window).chunk(3, dim=1)
    xx, yy = xx + flat, yy + flat
    determinant = xx * yy - xy * xy  # at least flat squared: Cauchy and Schwarz
    for _ in range(rounds):
        left = _warped(b, flow) - a
        u, v = square_average(torch.cat([gx * left, gy * left], dim=1), window).chunk(2, dim=1)
        step = torch.cat([yy * u - xy * v, xx * v - xy * u], dim=1) / determinant
        flow = flow - step.clamp(-_LARGEST_STEP, _LARGEST_STEP)
    return flow


def _warped(image: Tensor, flow: Tensor) -> Tensor:
    """The image at the places that the flow points to."""
    height, width = image.shape[2:]
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype)
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype)
    x = (columns + flow[:, 0] + 0.5) * (2 / width) - 1
    y = (rows[:, None] + flow[:, 1] + 0.5) * (2 / height) - 1
    grid = torch.stack([x, y], dim=-1)
    return F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _smoothed(x: Tensor) -> Tensor:
    taps = x.new_tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    x = F.conv2d(F.pad(x, (2, 2, 0, 0), mode="replicate"), taps.view(1, 1, 1, 5))
    return F.conv2d(F.pad(x, (0, 0, 2, 2), mode="replicate"), taps.view(1, 1, 5, 1))
