"""Logit level: the classical knowledge distillation, for several labels at once or for one."""

from __future__ import annotations

from typing import Literal, Unpack

import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.class_check import check_classes
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional


class LogitKd(DistillationLoss):
    """Divergence of the student's class probabilities from the teacher's, softened by a temperature.

    Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    `sigmoid`: one Bernoulli variable per class, `tau^2 * mean (BCE(q, p) - BCE(p, p))`, p = sigmoid(teacher / tau),
    q = sigmoid(student / tau); the second term has no gradient, it makes the loss 0 at equality.
    `softmax`: as published, `tau^2 * KL(p || q)` of softmax probabilities, summed over classes, mean over snippets.
    Deviation: the sigmoid form, since a snippet may have several labels or none.

    Args:
        dims: Not needed.
        form: Which probabilities.
        temperature: tau.
        only_unlabelled: Leave labelled videos to their labels.

    Shape: logits (B, T, K), mask (B, T), labelled (B,) -> scalar.

    Raises:
        UsageFault: E-MOD-008, the teacher does not score these classes.
    """

    name = "logit_kd"
    compares = "scores"

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        form: Literal["sigmoid", "softmax"] = "sigmoid",
        temperature: float = 1.0,
        only_unlabelled: bool = False,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.form, self.temperature, self.only_unlabelled = form, temperature, only_unlabelled

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        check_classes(self.name, student, teacher)
        mask = batch.mask & ~batch.labelled[:, None] if self.only_unlabelled else batch.mask
        divergence = softened_kl if self.form == "softmax" else softened_bce
        return mean_or_nothing(divergence(student.logits[mask], teacher.logits[mask], self.temperature), student)


def softened_kl(s: Tensor, t: Tensor, temperature: float) -> Tensor:
    """`tau^2 KL(softmax(t / tau) || softmax(s / tau))` of each row. Shape: (N, K), (N, K) -> (N,)."""
    log_q, log_p = (s / temperature).log_softmax(-1), (t / temperature).log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1) * temperature**2


def softened_bce(s: Tensor, t: Tensor, temperature: float) -> Tensor:
    """`tau^2 KL` of the two Bernoulli variables of each entry. Shape: (N, K), (N, K) -> (N, K)."""
    s, t = s / temperature, t / temperature
    p = t.sigmoid()
    cross, own = (F.binary_cross_entropy_with_logits(x, p, reduction="none") for x in (s, t))
    return (cross - own) * temperature**2


logit_kd = functional(LogitKd)
