"""Logit level: the classical knowledge distillation, for several labels at once."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses.distillation_loss import DistillationLoss, mean_or_nothing


class LogitKd(DistillationLoss):
    """Divergence of the student's class probabilities from the teacher's, softened by a temperature.

    Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, with one Bernoulli variable per class in place
    of a softmax: `tau^2 * mean (BCE(q, p) - BCE(p, p))`, p = sigmoid(teacher / tau), q = sigmoid(student / tau). The
    second term has no gradient; it makes the loss 0 at equality.

    Args:
        dims: Not used.
        temperature: tau.
        only_unlabelled: Leave labelled videos to their labels.

    Shape: logits (B, T, K), mask (B, T), labelled (B,) -> scalar.

    Raises:
        UsageFault: E-MOD-008, the teacher says nothing about these classes.
    """

    name = "logit_kd"

    def __init__(self, dims: StreamDims, *, temperature: float = 1.0, only_unlabelled: bool = False) -> None:
        super().__init__(dims)
        self.temperature, self.only_unlabelled = temperature, only_unlabelled

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        if teacher.logits.shape[-1] != student.logits.shape[-1]:
            problem = (
                f"the teacher has logits of {teacher.logits.shape[-1]} classes, the student {student.logits.shape[-1]}"
            )
            raise UsageFault(
                "E-MOD-008", self.name, problem, "Use a loss on features, or a teacher with these classes."
            )
        mask = batch.mask & ~batch.labelled[:, None] if self.only_unlabelled else batch.mask
        s, t = student.logits[mask] / self.temperature, teacher.logits[mask] / self.temperature  # (N, K)
        p = t.sigmoid()
        gap = F.binary_cross_entropy_with_logits(s, p, reduction="none") - F.binary_cross_entropy_with_logits(
            t, p, reduction="none"
        )
        return mean_or_nothing(gap, student) * self.temperature**2
