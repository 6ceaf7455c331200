"""MARS: plain feature regression, the usual way to put motion into an RGB stream."""

from __future__ import annotations

from typing import Unpack

from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.projection import Projection


class Mars(DistillationLoss):
    """Squared distance of the student's features from the teacher's, without a learned map where widths agree.

    Crasto et al., "MARS: Motion-Augmented RGB Stream for Action Recognition", CVPR 2019: mean squared error on the
    pooled features before the classifier, times alpha = 50 (here the weight of the term), plus cross-entropy.
    Deviation: on temporal-filter features of every snippet; a linear projection only where widths differ.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "mars"
    compares = "snippets"
    needs = ("student", "teacher")

    def __init__(self, dims: StreamDims | None = None, **sizes: Unpack[Sizes]) -> None:
        super().__init__(dims, **sizes)
        self.project = Projection(self.dims.student, self.dims.teacher)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        s = self.project(student.features[batch.mask])  # (N, Ct)
        return mean_or_nothing((s - teacher.features[batch.mask]) ** 2, student)


mars = functional(Mars)
