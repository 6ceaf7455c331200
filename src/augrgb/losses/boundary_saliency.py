"""Boundary level: how much the representation changes from one snippet to the next."""

from __future__ import annotations

import math
from typing import Any, Literal, Unpack

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.precision import at_least_single
from augrgb.losses.parts.projection import Projection, ProjectionKind
from augrgb.losses.parts.unit_vectors import unit, unit_snippets


class BoundarySaliency(DistillationLoss):
    """Match the size of the change between neighboring snippets (Action Boundary Saliency).

    Dai et al., ICCV 2021, section 3.4. `paper`: `b_t = ||f_(t+1) - f_t||_1 / C`, loss `mean_t (b_t^S - b_t^G)^2`, over
    all neighbors in the batch that are both real. `scale_free`: the same after scaling every f_t to length sqrt(C).
    `per_channel`: `mean_(t,c) (|ds| - |dg|)^2` of the scaled features; the only form that needs equal widths, so the
    only one that projects.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        form: Which distance.
        project: Head on the student's features (`per_channel` only).

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "boundary_saliency"

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        form: Literal["paper", "scale_free", "per_channel"] = "scale_free",
        project: ProjectionKind = "auto",
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.form = form
        if form == "per_channel":
            self.require("student", "teacher")
        self.project = Projection(self.dims.student, self.dims.teacher, project) if form == "per_channel" else None

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        both = batch.mask[:, 1:] & batch.mask[:, :-1]
        if self.project is not None:
            changes = [
                (f[:, 1:] - f[:, :-1]).abs() * math.sqrt(f.shape[-1])
                for f in (unit_snippets(self.project.of(student)), unit_snippets(teacher))
            ]
            errors = (changes[0] - changes[1]).square().mean(-1)  # (B, T - 1)
        else:
            errors = (self._curve(student) - self._curve(teacher)).square()[:, :-1]
        return torch.where(both, errors, 0).sum() / both.sum().clamp(min=1)

    def _curve(self, output: StreamOutput) -> Tensor:
        if self.form == "paper":
            return output.per_snippet(change)
        if not output.features.requires_grad:
            return output.per_snippet(scaled_change)  # a cached teacher knows it
        shared: Tensor = output.shared(scaled_change, None, lambda: _scaled_change(unit_snippets(output)))
        return shared


def change(x: Tensor) -> Tensor:
    """Mean absolute change of each snippet to the next, 0 at the last. Shape: (B, T, C) -> (B, T)."""
    total: Tensor = _Change.apply(at_least_single(x))  # type: ignore[no-untyped-call]
    return total / x.shape[-1]


def scaled_change(x: Tensor) -> Tensor:
    """`change` of snippets scaled to length sqrt(C). Shape: (B, T, C) -> (B, T)."""
    return _scaled_change(unit(x))


def _scaled_change(units: Tensor) -> Tensor:
    return change(units) * math.sqrt(units.shape[-1])


class _Change(torch.autograd.Function):
    """Sum of absolute changes; the differences are formed again in the backward pass, which is cheaper than reading."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        curve = x.new_zeros(x.shape[:2])
        if x.shape[1] > 1:
            curve[:, :-1] = torch.linalg.vector_norm(x[:, 1:] - x[:, :-1], ord=1, dim=-1)
        return curve

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        sign = (x[:, 1:] - x[:, :-1]).sign_().mul_(gradient[:, :-1, None])
        result = torch.empty_like(x)
        result[:, :1] = 0
        result[:, 1:] = sign
        result[:, :-1] -= sign
        return result


boundary_saliency = functional(BoundarySaliency)
