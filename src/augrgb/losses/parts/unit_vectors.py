"""Snippets scaled to length 1, once for all losses that need them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from augrgb.core.batch import StreamOutput
from augrgb.losses.parts.precision import at_least_single

_SHORTEST = 1e-12  # as in `torch.nn.functional.normalize`


def unit_snippets(output: StreamOutput) -> Tensor:
    """Features scaled to length 1; those of a cached teacher with lengths that are known. Shape: -> (B, T, C)."""
    if output.features.requires_grad:
        return output.per_snippet(unit)
    units: Tensor = output.shared(unit, None, lambda: output.features * output.per_snippet(inverse_length)[..., None])
    return units


def unit(x: Tensor) -> Tensor:
    """Scale the last axis to length 1; zero stays zero. Shape: (..., C) -> (..., C)."""
    result: Tensor = _Unit.apply(at_least_single(x))  # type: ignore[no-untyped-call]
    return result


def inverse_length(x: Tensor) -> Tensor:
    """1 / length of the last axis. Shape: (..., C) -> (...)."""
    lengths: Tensor = torch.linalg.vector_norm(at_least_single(x), dim=-1)
    return lengths.clamp_(min=_SHORTEST).reciprocal_()


class _Unit(torch.autograd.Function):
    """Fewer passes over the features than the same in single steps."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        inverse = inverse_length(x)[..., None]
        y = x * inverse
        ctx.save_for_backward(y, inverse)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        y, inverse = ctx.saved_tensors
        along = (gradient * y).sum(-1, keepdim=True)
        return torch.addcmul(gradient, y, along, value=-1).mul_(inverse)
