"""Spatiotemporal semantic alignment: which moments of a video are alike, learned only from a better network."""

from __future__ import annotations

from typing import Unpack

import torch
import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.channel_products import squared_products
from augrgb.losses.parts.class_check import check_classes, check_labels
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional


class Mtut(DistillationLoss):
    """Match the correlation matrices of a video's snippets, with a focal weight against negative transfer.

    Abavisani et al., "Improving the Performance of Unimodal Dynamic Hand-Gesture Recognition with Multimodal
    Training", CVPR 2019: `rho ||corr(F_S) - corr(F_G)||_F^2`, corr(F) = F F^T of rows scaled to length 1, and
    `rho = exp(beta (l_S - l_G)) - 1` where the student's classification loss l_S is larger than the teacher's, else 0.
    Deviation: positions are the snippets of a video, without space; the square is divided by the number of snippets
    squared; the weight is one per video, from the mean binary cross-entropy, and bounded; a video that is not labelled
    has no such losses and weighs 1. Matrices of long videos are never formed: cost O(T C min(T, C)).

    Args:
        dims: Not needed.
        beta: How steeply the weight grows.
        max_weight: Bound of the focal weight.
        focal: False = every video weighs 1.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), logits and labels (B, T, K), mask (B, T) -> scalar.

    Raises:
        UsageFault: E-MOD-008, the teacher does not score these classes (unless `focal` is off).
    """

    name = "mtut"

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        beta: float = 2.0,
        max_weight: float = 10.0,
        focal: bool = True,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.beta, self.max_weight, self.focal = beta, max_weight, focal

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        if self.focal:
            check_classes(self.name, student, teacher)
            check_labels(self.name, batch, "Or pass focal=False.")
        some = batch.mask.any(1)
        mask = batch.mask[some]
        gap = correlation_gap(student.features[some], teacher.features[some], mask)
        if self.focal:
            losses = [_video_loss(output.logits[some], batch.labels[some], mask) for output in (student, teacher)]
            weight = focal_weight(losses[0], losses[1], self.beta).clamp(max=self.max_weight)
            gap = torch.where(batch.labelled[some], weight, 1.0) * gap
        return mean_or_nothing(gap, student)


def correlation_gap(s: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    """`||corr(S) - corr(T)||_F^2 / n^2` of each video with n real positions.

    From `||A A^T - B B^T||^2 = ||A^T A||^2 + ||B^T B||^2 - 2 ||A^T B||^2`.

    Shape: (B, P, Cs), (B, P, Ct), (B, P) -> (B,).
    """
    s, t = (F.normalize(x, dim=-1).masked_fill(~mask[..., None], 0) for x in (s, t))
    of_s, of_t, of_both = squared_products(s, t)
    return (of_s + of_t - 2 * of_both) / mask.sum(1).square()


@torch.no_grad()
def focal_weight(student_loss: Tensor, teacher_loss: Tensor, beta: float) -> Tensor:
    """`exp(beta (l_S - l_G)) - 1` where the teacher is better, else 0. Any shape."""
    return torch.expm1(beta * (student_loss - teacher_loss)).clamp(min=0)


@torch.no_grad()
def _video_loss(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    errors = F.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(-1)
    return errors.masked_fill(~mask, 0).sum(1) / mask.sum(1)


mtut = functional(Mtut)
