"""Boundary level: how much the representation changes from one snippet to the next."""

from __future__ import annotations

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.distillation_loss import DistillationLoss, mean_or_nothing
from augrgb.losses.projection import Projection, ProjectionKind


class BoundarySaliency(DistillationLoss):
    """Match the size of the change between neighbouring snippets (Action Boundary Saliency).

    Dai et al., ICCV 2021, section 3.4. `paper`: `b_t = ||f_(t+1) - f_t||_1 / C`, loss `mean_t (b_t^S - b_t^G)^2`, over
    all neighbours in the batch that are both real. `scale_free`: the same after scaling every f_t to length sqrt(C).
    `per_channel`: `mean_(t,c) (|ds| - |dg|)^2` of the scaled features; the only form that needs equal widths, so the
    only one that projects.

    Args:
        dims: Feature sizes of student (Cs) and teacher (Ct).
        form: Which distance.
        project: Head on the student's features (`per_channel` only).

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "boundary_saliency"

    def __init__(
        self,
        dims: StreamDims,
        *,
        form: Literal["paper", "scale_free", "per_channel"] = "scale_free",
        project: ProjectionKind = "auto",
    ) -> None:
        super().__init__(dims)
        self.form = form
        self.project = Projection(dims.student, dims.teacher, project) if form == "per_channel" else None

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        s, g = student.features, teacher.features
        if self.project is not None:
            s = self.project(s)
        if self.form != "paper":
            s, g = (F.normalize(f, dim=-1) * math.sqrt(f.shape[-1]) for f in (s, g))
        both = batch.mask[:, 1:] & batch.mask[:, :-1]
        change_s, change_g = ((f[:, 1:] - f[:, :-1])[both].abs() for f in (s, g))  # (pairs, C)
        if self.form != "per_channel":
            change_s, change_g = change_s.mean(-1), change_g.mean(-1)
        return mean_or_nothing((change_s - change_g) ** 2, student)
