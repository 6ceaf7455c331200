"""Adversarial hallucination: features that a discriminator cannot tell from the teacher's."""

from __future__ import annotations

from typing import Any, Literal, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.class_check import check_labels
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.projection import Projection


class Admd(DistillationLoss):
    """Hallucinate the teacher's features against a discriminator that also names the classes.

    Garcia et al., "Learning with Privileged Information via Adversarial Discriminative Modality Distillation", TPAMI
    2019. The discriminator D has K + 1 outputs: it is to give the classes of the teacher's features, and "hallucinated"
    for the student's; the student is to be given its classes.
    Deviation: K + 1 sigmoids, not a softmax, since a snippet may have several labels; where a snippet is not labelled
    only the last output counts for the teacher's features. One optimizer and one backward pass in place of two taken in
    turn. `reversal`: D's loss on the student's features reaches the student with its sign turned (times
    `strength`), so the student learns to be taken for the teacher, and the classes only through D. `labels`: the
    paper's objective for the student, with D's weights held still in it. The value is D's loss (plus the student's).

    Args:
        dims: Feature widths Cs, Ct and classes K, or by name: `student=128, teacher=256, classes=16`.
        adversary: How the student is trained.
        strength: Of the reversed gradient, or of the student's objective.
        hidden: Width of D's two inner layers.
        project: Head on the student's features.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), labels (B, T, K), mask (B, T) -> scalar.
    """

    name = "admd"
    needs = ("student", "teacher", "classes")

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        adversary: Literal["reversal", "labels"] = "reversal",
        strength: float = 1.0,
        hidden: int = 256,
        project: Literal["auto", "linear", "mlp"] = "auto",
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.adversary, self.strength = adversary, strength
        self.project = Projection(self.dims.student, self.dims.teacher, project)
        self.discriminator = nn.Sequential(
            nn.Linear(self.dims.teacher, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, self.dims.classes + 1),
        )

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        check_labels(self.name, batch)
        mask = batch.mask
        if not mask.any():
            return nothing(student)
        s, g = self.project(student.features[mask]), teacher.features[mask]  # (N, Ct)
        labels = batch.labels[mask]
        no_class, zero = torch.zeros_like(labels), labels.new_zeros(len(labels), 1)
        as_real, as_fake = torch.cat([labels, zero], 1), torch.cat([no_class, zero + 1], 1)
        counts = torch.ones_like(as_real, dtype=torch.bool)
        counts[:, :-1] = batch.labelled[:, None].expand_as(mask)[mask][:, None]
        loss = _misjudged(self.discriminator(g), as_real, counts)
        if self.adversary == "reversal":
            turned: Tensor = _Reversal.apply(s, self.strength)  # type: ignore[no-untyped-call]
            return loss + _misjudged(self.discriminator(turned), as_fake, torch.ones_like(counts))
        loss = loss + _misjudged(self.discriminator(s.detach()), as_fake, torch.ones_like(counts))
        still = {name: value.detach() for name, value in self.discriminator.named_parameters()}
        return loss + self.strength * _misjudged(functional_call(self.discriminator, still, (s,)), as_real, counts)


def _misjudged(logits: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
    """Binary cross-entropy, mean over the outputs that count."""
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")[counts].mean()


class _Reversal(torch.autograd.Function):
    """Identity forwards; the gradient comes back with its sign turned."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


admd = functional(Admd)
