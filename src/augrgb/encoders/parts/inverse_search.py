"""Optical flow inside a network: dense inverse search, by a few tensor operations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from augrgb.encoders.parts.image_pairs import flow_of_pairs, image_gradients, square_average

_SIDE = 8  # pixels of a patch
_STRIDE = 4  # from patch to patch
_LEAST_GRADIENT = 1e-3  # squared: flat places do not move
_LEAST_GAIN = 1e-6  # mean square: less is rounding, so that a still scene is exactly still
_LEAST_RESIDUAL = 0.1  # a patch that fits better than this gets no more weight
_LARGEST_STEP = 2.0  # pixels a round: a step far beyond is a flat place, not motion
_NEIGHBORS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def inverse_search(
    x: Tensor,
    *,
    finest: int = 1,
    rounds: Sequence[int] = (3, 3),
    propagate: Sequence[int] = (1, 1),
    gradients: bool = False,
) -> Tensor:
    """Displacements of image patches from each image of a window to the next, in pixels to the right and down.

    Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, which OpenCV's DIS is, as a layer without
    weights: on each level of a pyramid, from coarse to fine, patches of 8 x 8 pixels at every fourth pixel look for
    their place in the next image by Gauss-Newton steps, means removed; a patch takes over what a neighbor found
    where it fits better; every pixel averages the patches that cover it, those that fit it there before others.
    Motion then needs not be learned from few videos; compare TVNet (Fan et al., CVPR 2018) and Representation Flow
    (Piergiovanni and Ryoo, CVPR 2019), which unroll other methods, and MotionSqueeze (Kwon et al., ECCV 2020), which
    correlates features.
    Deviations: colors are averaged to gray; all patches search at the same time, so neighbors are asked at once
    instead of in two sweeps; an average over 5 x 5 pixels stands for variational refinement.

    Args:
        x: Windows of images of about unit standard deviation.
        finest: How often the images are halved before patches are searched for in them; the result has their own size.
        rounds: Steps on each level, the coarsest first; each level has twice the size of the one before.
        propagate: In how many of a level's rounds neighbors are asked.
        gradients: Pass gradients on to the images; nothing is learned here, so mostly not needed.

    Shape: (N, window, H, W, C) -> (N, window, H, W, 2); the last image repeats the one before, one image alone has 0.
    """

    def flow(first: Tensor, second: Tensor) -> Tensor:
        one, other = (_pyramid(images, finest, len(rounds)) for images in (first, second))
        found = _pyramid_flow(one, other, rounds, propagate)
        return _resized(found, (first.shape[2], first.shape[3]))

    return flow_of_pairs(x, flow, gradients=gradients)


def _pyramid(image: Tensor, finest: int, levels: int) -> list[Tensor]:
    """From fine to coarse; a level that would have fewer rows or columns than a patch is left out."""
    found = [image]
    while len(found) < finest + levels and min(found[-1].shape[2:]) >= 2 * _SIDE:
        found.append(F.avg_pool2d(found[-1], 2))
    return found[min(finest, len(found) - 1) :]


def _pyramid_flow(first: list[Tensor], second: list[Tensor], rounds: Sequence[int], propagate: Sequence[int]) -> Tensor:
    flow = first[-1].new_zeros(first[-1].shape[0], 2, *first[-1].shape[2:])
    for level in reversed(range(len(first))):
        a, b = first[level], second[level]
        flow = _resized(flow, (a.shape[2], a.shape[3]))
        flow = square_average(_Patches(a, b).search(flow, rounds[-1 - level], propagate[-1 - level]), 5)
    return flow


def _resized(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Flow (n, 2, h, w) on an image of another size, in pixels of that image."""
    height, width = flow.shape[2:]
    if (height, width) == size:
        return flow
    scale = flow.new_tensor([size[1] / width, size[0] / height])
    return F.interpolate(flow, size=size, mode="bilinear", align_corners=False) * scale[:, None, None]


class _Patches:
    """The patches of one level of an image, and where they are in the next one: (n, 1, h, w) each."""

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.size = height, width = a.shape[2], a.shape[3]
        # Repeated at the right and below until whole patches cover it.
        down, right = (max(_SIDE - side, -(side - _SIDE) % _STRIDE) for side in self.size)
        a, self.next = (F.pad(image, (0, right, 0, down), mode="replicate") for image in (a, b))
        self.padded = rows, columns = height + down, width + right
        self.grid = (rows - _SIDE) // _STRIDE + 1, (columns - _SIDE) // _STRIDE + 1
        gx, gy = image_gradients(a)
        cut = _cut(torch.cat([a, gx, gy], dim=1))  # (n, 3, pixels of a patch, patches)
        self.image, gx, gy = (cut - cut.mean(dim=2, keepdim=True)).unbind(dim=1)
        xx, xy, yy = (gx * gx).mean(dim=1), (gx * gy).mean(dim=1), (gy * gy).mean(dim=1)
        xx, yy = xx + _LEAST_GRADIENT, yy + _LEAST_GRADIENT
        determinant = ((xx * yy - xy * xy) * _SIDE**2)[:, None]  # positive: Cauchy and Schwarz
        self.across = (yy[:, None] * gx - xy[:, None] * gy) / determinant
        self.down = (xx[:, None] * gy - xy[:, None] * gx) / determinant
        x = torch.arange(columns, device=a.device, dtype=a.dtype).expand(rows, columns)
        y = torch.arange(rows, device=a.device, dtype=a.dtype)[:, None].expand(rows, columns)
        self.x, self.y = _cut(torch.stack([x, y])[None] + 0.5)[0]

    def search(self, flow: Tensor, rounds: int, propagate: int) -> Tensor:
        """Flow (n, 2, h, w) from flow to begin with."""
        begun = F.avg_pool2d(_padded(flow, self.padded), _SIDE, _STRIDE).flatten(2)
        best = begun, *self._residual(begun)
        for number in range(rounds):
            found, residual, _ = best
            step = torch.stack([(self.across * residual).sum(dim=1), (self.down * residual).sum(dim=1)], dim=1)
            best = self._better(found - step.clamp(-_LARGEST_STEP, _LARGEST_STEP), begun, best)
            for shift in _NEIGHBORS if number < propagate else ():
                best = self._better(best[0].view(-1, 2, *self.grid).roll(shift, dims=(2, 3)).flatten(2), begun, best)
        return self._spread(best[0], best[1])

    def _better(
        self, tried: Tensor, begun: Tensor, best: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Flow, residual, cost of each patch: as tried, where that fits better and is not a patch away from begun."""
        residual, cost = self._residual(tried)
        better = (cost < best[2] - _LEAST_GAIN) & ((tried - begun).square().sum(dim=1) < _SIDE**2)
        wide = better[:, None]
        return (
            torch.where(wide, tried, best[0]),
            torch.where(wide, residual, best[1]),
            torch.where(better, cost, best[2]),
        )

    def _residual(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Next image minus image in every pixel of every patch, means removed, and its mean square."""
        rows, columns = self.padded
        x = (self.x + flow[:, :1]) * (2 / columns) - 1
        y = (self.y + flow[:, 1:]) * (2 / rows) - 1
        grid = torch.stack([x, y], dim=-1)
        seen = F.grid_sample(self.next, grid, mode="bilinear", padding_mode="border", align_corners=False)[:, 0]
        left = seen - seen.mean(dim=1, keepdim=True) - self.image
        return left, left.square().mean(dim=1)

    def _spread(self, flow: Tensor, residual: Tensor) -> Tensor:
        """Of patches (n, 2, patches) to pixels: averages of those that cover a pixel."""
        weight = 1 / residual.abs().clamp(min=_LEAST_RESIDUAL)
        parts = torch.cat([weight * flow[:, :1], weight * flow[:, 1:], weight], dim=1)
        total = F.fold(parts, self.padded, _SIDE, stride=_STRIDE)
        height, width = self.size
        return (total[:, :2] / total[:, 2:])[..., :height, :width]


def _cut(images: Tensor) -> Tensor:
    """(n, C, h, w) -> patches (n, C, pixels of a patch, patches)."""
    columns = F.unfold(images, _SIDE, stride=_STRIDE)
    return columns.view(images.shape[0], images.shape[1], _SIDE**2, columns.shape[2])


def _padded(x: Tensor, size: tuple[int, int]) -> Tensor:
    down, right = size[0] - x.shape[2], size[1] - x.shape[3]
    return F.pad(x, (0, right, 0, down), mode="replicate") if down or right else x
