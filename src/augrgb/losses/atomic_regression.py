"""Atomic level without negatives: each student snippet is to point where its teacher snippet points."""

from __future__ import annotations

from typing import Literal, Unpack

import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.projection import Projection, ProjectionKind


class AtomicRegression(DistillationLoss):
    """Regress each (projected) student snippet to its teacher snippet.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        form: `cosine`: `mean_i (1 - cos(s_i, g_i))`; `mse`: `mean_(i,c) (s_ic - g_ic)^2`.
        project: Head on the student's features.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "atomic_regression"
    compares = "snippets"
    needs = ("student", "teacher")

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        form: Literal["cosine", "mse"] = "cosine",
        project: ProjectionKind = "auto",
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.form = form
        self.project = Projection(self.dims.student, self.dims.teacher, project)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        s, g = self.project(student.features[batch.mask]), teacher.features[batch.mask]  # (N, Ct)
        if self.form == "mse":
            return mean_or_nothing((s - g) ** 2, student)
        return mean_or_nothing(1 - (F.normalize(s, dim=-1) * F.normalize(g, dim=-1)).sum(-1), student)


atomic_regression = functional(AtomicRegression)
