"""How channels vary together over a video, and the distance of a student's and a teacher's way of varying."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from augrgb.losses.parts.precision import at_least_single

_ROUNDING = 1e-10  # variance below this share of the power is what rounding of the mean leaves
_AT_ONCE = 2**20  # bytes of matrices on a CPU: what stays in its cache
_AT_ONCE_ON_DEVICE = 2**28


def centered(x: Tensor, mask: Tensor) -> Tensor:
    """Features c whose product `c^T c` is the covariance of a video's real snippets; zero where they never vary.

    Shape: x (B, T, C), mask (B, T) -> (B, T, C), zero at padding.
    """
    result: Tensor = _Centred.apply(at_least_single(x), mask)  # type: ignore[no-untyped-call]
    return result


def standardised(x: Tensor, mask: Tensor) -> Tensor:
    """The same for the correlation; a channel that never varies correlates with none. Shape: as `centered`."""
    c = centered(x, mask)
    variance = c.square().sum(1, keepdim=True)
    return c * torch.where(variance > 0, variance.clamp(min=1e-30).rsqrt(), 0)


def covariance(x: Tensor, mask: Tensor) -> Tensor:
    """Channel covariance of each video over its real snippets. Shape: x (B, T, C), mask (B, T) -> (B, C, C)."""
    return _products(centered(x, mask))


def correlation(x: Tensor, mask: Tensor) -> Tensor:
    """Correlation of channels. Shape: as `covariance`."""
    return _products(standardised(x, mask))


def unit_covariance(x: Tensor, mask: Tensor) -> Tensor:
    """`covariance` divided by its Frobenius norm, zero where nothing varies. Shape: as `covariance`."""
    z = covariance(x, mask)
    norm = _norms(z)[:, None, None]
    return z.mul_(torch.where(norm > 0, norm.clamp(min=1e-30).reciprocal(), 0))


def products(c: Tensor) -> list[tuple[Tensor, Tensor]]:
    """`c^T c` and its Frobenius norm, by groups of videos whose matrices are looked at together.

    Shape: (B, T, C) -> list of (b, C, C), (b,).
    """
    groups = []
    for rows in _groups(c):
        z = _products(c.detach()[rows])
        groups.append((z, _norms(z)))
    return groups


def distance(
    c: Tensor,
    student: Sequence[tuple[Tensor, Tensor]],
    teacher: Sequence[Tensor],
    counted: Tensor,
    *,
    scaled: bool,
    skip_constant: bool,
) -> Tensor:
    """Mean over counted videos of `||Z_S - Z_G||_F^2 / C^2`, or (`scaled`) of `||Z_S / ||Z_S||_F - Z_G||_F^2`.

    Gradients are formed along with the value, a few matrices at a time: neither differences nor gradients of all
    matrices are ever held. Not differentiable twice.

    Args:
        c: (B, T, C), with `Z_S = c^T c`.
        student: `products(c)`.
        teacher: Z_G of each video, (C, C), divided by its norm if `scaled`.
        counted: (B,) bool.
        scaled: Which distance.
        skip_constant: Leave out videos of which either matrix is zero.
    """
    result: Tensor = _Distance.apply(c, student, teacher, counted, scaled, skip_constant)  # type: ignore[no-untyped-call]
    return result


def _products(c: Tensor) -> Tensor:
    with torch.autocast(c.device.type, enabled=False):
        return torch.bmm(c.transpose(1, 2), c)


def _norms(z: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(z, dim=(1, 2))
    return norms


def _groups(c: Tensor) -> Iterator[slice]:
    B, _, C = c.shape
    limit = _AT_ONCE if c.device.type == "cpu" else _AT_ONCE_ON_DEVICE
    size = max(1, limit // max(1, C * C * c.element_size()))
    return (slice(start, start + size) for start in range(0, B, size))


class _Centred(torch.autograd.Function):
    """Few passes over the features."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor) -> Tensor:
        n = mask.sum(1).clamp(min=1)[:, None, None].to(x.dtype)
        padding = None if bool(mask.all()) else ~mask[..., None]
        if padding is not None:
            x = x.masked_fill(padding, 0)
        mean = x.sum(1, keepdim=True) / n
        c = x - mean
        if padding is not None:
            c = c.masked_fill_(padding, 0)
        spread = torch.linalg.vector_norm(c, dim=(1, 2), keepdim=True).square()
        power = spread + n * mean.square().sum(2, keepdim=True)
        scale = torch.where(spread > _ROUNDING * power, n.rsqrt(), 0)
        ctx.n, ctx.padding, ctx.scale = n, padding, scale
        return c.mul_(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        if ctx.padding is not None:
            gradient = gradient.masked_fill(ctx.padding, 0)
        result = (gradient - gradient.sum(1, keepdim=True) / ctx.n).mul_(ctx.scale)
        return result if ctx.padding is None else result.masked_fill_(ctx.padding, 0), None


class _Distance(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        c: Tensor,
        student: Sequence[tuple[Tensor, Tensor]],
        teacher: Sequence[Tensor],
        counted: Tensor,
        scaled: bool,
        skip_constant: bool,
    ) -> Tensor:
        gradient = torch.empty_like(c) if ctx.needs_input_grad[0] else None
        total, videos = c.new_zeros(()), counted.new_zeros((), dtype=c.dtype)
        with torch.autocast(c.device.type, enabled=False):
            for rows, (zs, norm) in zip(_groups(c), student, strict=True):
                some = teacher[rows]
                zg = some[0][None] if len(some) == 1 else torch.stack(list(some))
                take = counted[rows]
                if skip_constant:
                    take = take & (norm > 0) & (zg.diagonal(dim1=1, dim2=2).sum(1) > 0)
                if scaled:
                    inverse = torch.where(take, norm.clamp(min=1e-30).reciprocal(), 0)
                    alike = (zs * zg).sum((1, 2)) * inverse
                    total += (2 * take - 2 * alike).sum()  # alike is 0 where it does not count
                    factor = 4 * inverse
                    difference = (zs * (alike * inverse)[:, None, None]).sub_(zg)
                else:
                    difference = zs - zg
                    total += (difference.square().sum((1, 2)) * take).sum() / c.shape[2] ** 2
                    factor = take * (4 / c.shape[2] ** 2)
                videos += take.sum()
                if gradient is not None:
                    torch.bmm(c[rows], difference, out=gradient[rows]).mul_(factor[:, None, None])
        videos.clamp_(min=1)
        ctx.gradient, ctx.videos = gradient, videos
        return total / videos

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.gradient * (gradient / ctx.videos), *[None] * 5
