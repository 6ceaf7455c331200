"""D3D: the student predicts the teacher's class scores before they become probabilities."""

from __future__ import annotations

from typing import Unpack

from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.class_check import check_classes
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional


class D3d(DistillationLoss):
    """Squared difference of the student's logits from the teacher's.

    Stroud et al., "D3D: Distilled 3D Networks for Video Action Recognition", WACV 2020: mean squared error of the
    outputs before the softmax, added to the classification loss with weight 1.
    Deviation: logits are those of a sigmoid, since a snippet may have several labels or none.

    Args:
        dims: Not needed.

    Shape: logits (B, T, K), mask (B, T) -> scalar.

    Raises:
        UsageFault: E-MOD-008, the teacher does not score these classes.
    """

    name = "d3d"
    compares = "scores"

    def __init__(self, dims: StreamDims | None = None, **sizes: Unpack[Sizes]) -> None:
        super().__init__(dims, **sizes)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        check_classes(self.name, student, teacher)
        return mean_or_nothing((student.logits[batch.mask] - teacher.logits[batch.mask]).square(), student)


d3d = functional(D3d)
