"""Activation boundaries: which channels are on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import torch
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.hidden_layers import layer_pairs
from augrgb.losses.parts.projection import Projection


class ActivationBoundaries(DistillationLoss):
    """Push each channel of the student to the side of zero where the teacher's is, by a margin.

    Heo et al., "Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons", AAAI 2019,
    with the published program's scaling (divided by the samples, times 3/1000; layer i of n weighs 2^(i-n+1)).
    Deviation: the samples are real snippets; the layers are temporal-filter outputs, which are taken as they are, with
    a learned projection (without normalization) where widths differ. By default the last layer alone.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        margin: By which to pass the boundary.
        last: How many of the filter's last layers; more than one needs hidden outputs, all of the last one's width.

    Shape: features and hidden (B, T, C), mask (B, T) -> scalar.

    Raises:
        UsageFault: E-CFG-003, no layer; E-MOD-010, the hidden layers are missing.
    """

    name = "ab"
    needs = ("student", "teacher")

    def __init__(
        self, dims: StreamDims | None = None, *, margin: float = 1.0, last: int = 1, **sizes: Unpack[Sizes]
    ) -> None:
        super().__init__(dims, **sizes)
        if last < 1:
            raise UsageFault(
                "E-CFG-003", self.name, f"needs a layer, got last={last}", "last: 1 is the last layer alone."
            )
        self.margin = margin
        self.teacher_layers = last if last > 1 else 0
        self.project = nn.ModuleList(Projection(self.dims.student, self.dims.teacher) for _ in range(last))

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        pairs = layer_pairs(self.name, student, teacher, len(self.project))
        if not batch.mask.any():
            return nothing(student)
        rows = [(project(s[batch.mask]), t[batch.mask]) for project, (s, t) in zip(self.project, pairs, strict=True)]
        return activation_boundaries(rows, self.margin)


def activation_boundaries(pairs: Sequence[tuple[Tensor, Tensor]], margin: float) -> Tensor:
    """Weighted sum over layers of squared distances to the teacher's side of zero, see the class.

    Shape: layers first to last, each a student's and a teacher's (N, ...) -> scalar.
    """
    total = pairs[0][0].new_zeros(())
    for number, (s, t) in enumerate(pairs):
        off = ((s + margin) ** 2) * ((s > -margin) & (t <= 0))
        on = ((s - margin) ** 2) * ((s <= margin) & (t > 0))
        total = total + torch.sum(off + on) * 2.0 ** (number - len(pairs) + 1)
    return total / len(pairs[0][0]) * (3 / 1000)


ab = functional(ActivationBoundaries)
