"""Sequence level: how channels vary together over the whole video."""

from __future__ import annotations

from typing import Literal, Unpack

from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.covariance import (
    centered,
    correlation,
    covariance,
    distance,
    products,
    standardised,
    unit_covariance,
)
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.projection import Projection, ProjectionKind

# what is compared of the teacher, and whose products are those of the student
_MATRICES = {
    "paper": (covariance, centered),
    "scale_free": (unit_covariance, centered),
    "correlation": (correlation, standardised),
}


class GlobalRelation(DistillationLoss):
    """Match the channel covariance of each video (Global Contextual Relations).

    Dai et al., ICCV 2021, section 3.3. Z is the covariance (Ct x Ct) over a video's n real snippets, mean removed.
    `paper`: `||Z_S - Z_G||_F^2 / C^2`; `scale_free`: `|| Z_S/||Z_S||_F - Z_G/||Z_G||_F ||_F^2`; `correlation`: the
    paper form on correlation matrices. Mean over videos of at least two snippets; forms that divide leave out videos in
    which student or teacher never varies. Cost O(T C^2).

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        form: Which distance.
        project: Head on the student's features.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "global_relation"
    needs = ("student", "teacher")

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        form: Literal["paper", "scale_free", "correlation"] = "scale_free",
        project: ProjectionKind = "auto",
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.form = form
        self.project = Projection(self.dims.student, self.dims.teacher, project)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        of_teacher, of_student = _MATRICES[self.form]
        student = self.project.of(student)
        c: Tensor = student.shared(of_student, batch.mask, lambda: of_student(student.features, batch.mask))
        zs = student.shared((products, of_student), batch.mask, lambda: products(c))
        zg = teacher.per_video(of_teacher, batch.mask)
        several = batch.mask.sum(1) >= 2
        return distance(c, zs, zg, several, scaled=self.form == "scale_free", skip_constant=self.form != "paper")


global_relation = functional(GlobalRelation)
