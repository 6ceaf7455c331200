"""Decoupled knowledge distillation: classes that are there and classes that are not, weighed apart."""

from __future__ import annotations

from typing import Literal, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.logit_kd import softened_bce
from augrgb.losses.parts.class_check import check_classes, check_labels
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional


class Dkd(DistillationLoss):
    """Divergence from the teacher's class probabilities, that of target and other classes with weights of their own.

    Zhao et al., "Decoupled Knowledge Distillation", CVPR 2022.
    Deviation: the paper has one label. `binary`: each class is a two-class problem, so `tau^2 KL` of its two
    Bernoulli variables; alpha times the mean over (snippet, class) pairs where the class is there, plus beta times the
    mean over all other pairs. `softmax`: the paper's loss with each class that is there as the target in turn, mean
    over these pairs; snippets without any class are left out. Where a snippet is not labelled, the classes that the
    teacher gives more than one half stand for its labels.

    Args:
        dims: Not needed.
        form: Which of the two.
        alpha: Weight of the target classes.
        beta: Weight of the others.
        temperature: tau.

    Shape: logits (B, T, K), labels (B, T, K), mask (B, T), labelled (B,) -> scalar.

    Raises:
        UsageFault: E-MOD-008, the teacher does not score these classes.
    """

    name = "dkd"
    compares = "scores"

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        form: Literal["binary", "softmax"] = "binary",
        alpha: float = 1.0,
        beta: float = 8.0,
        temperature: float = 4.0,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.form, self.alpha, self.beta, self.temperature = form, alpha, beta, temperature

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        check_classes(self.name, student, teacher)
        check_labels(self.name, batch)
        s, t = student.logits[batch.mask], teacher.logits[batch.mask]  # (N, K)
        labelled = batch.labelled_snippets[batch.mask]
        there = torch.where(labelled[:, None], batch.labels[batch.mask] > 0, t > 0)
        if self.form == "softmax":
            rows, targets = there.nonzero(as_tuple=True)
            if s.shape[-1] < 2:  # one class has no rest
                rows, targets = rows[:0], targets[:0]
            values = decoupled_kl(s[rows], t[rows], targets, self.alpha, self.beta, self.temperature)
            return mean_or_nothing(values, student)
        gap = softened_bce(s, t, self.temperature)
        return self.alpha * mean_or_nothing(gap[there], student) + self.beta * mean_or_nothing(gap[~there], student)


def decoupled_kl(s: Tensor, t: Tensor, target: Tensor, alpha: float, beta: float, temperature: float) -> Tensor:
    """The paper's loss: `tau^2 (alpha KL(target against rest) + beta KL(among the rest))` of each row.

    Shape: (N, K), (N, K), target (N,) int64, K >= 2 -> (N,).
    """
    s, t = s / temperature, t / temperature
    hit = F.one_hot(target, s.shape[-1]).bool()

    def split(x: Tensor) -> tuple[Tensor, Tensor]:
        rest = x[~hit].view(len(x), x.shape[1] - 1)
        two = torch.stack([x[hit], rest.logsumexp(1)], 1).log_softmax(1)
        return two, rest.log_softmax(1)

    (two_s, rest_s), (two_t, rest_t) = split(s), split(t)
    of_target = (two_t.exp() * (two_t - two_s)).sum(1)
    of_rest = (rest_t.exp() * (rest_t - rest_s)).sum(1)
    return (alpha * of_target + beta * of_rest) * temperature**2


dkd = functional(Dkd)
