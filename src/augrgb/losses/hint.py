"""Hint: the classical feature regression."""

from __future__ import annotations

from typing import Unpack

from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional


class Hint(DistillationLoss):
    """Regress the teacher's snippet features from the student's through a learned projection.

    Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015, eq. 3.
    Deviation: on temporal-filter features of every snippet; mean, not half the sum.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        bias: Give the projection a bias.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "hint"
    compares = "snippets"
    needs = ("student", "teacher")

    def __init__(self, dims: StreamDims | None = None, *, bias: bool = True, **sizes: Unpack[Sizes]) -> None:
        super().__init__(dims, **sizes)
        self.project = nn.Linear(self.dims.student, self.dims.teacher, bias=bias)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        s = self.project(student.features[batch.mask])  # (N, Ct), N = real snippets in the batch
        return mean_or_nothing((s - teacher.features[batch.mask]) ** 2, student)


hint = functional(Hint)
