"""Decomposed cross-modal distillation: motion learned beside appearance, not in its place."""

from __future__ import annotations

from typing import Unpack

import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.class_check import check_classes, check_labels
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing, nothing
from augrgb.losses.parts.functional import functional


class Dcmd(DistillationLoss):
    """Split the student's features: a motion branch follows the teacher, an appearance branch the labels.

    Lee et al., "Decomposed Cross-modal Distillation for RGB-based Temporal Action Detection", CVPR 2023 (arXiv
    2303.17285). From the paper: two branches, each a temporal layer on the same RGB features; the motion branch mimics
    the flow teacher, the appearance branch learns from the labels; both share one detection head, so that they cannot
    differ in the head alone.
    Interpretation (what the abstract and figures leave open): a branch is one linear layer with ReLU on temporal-filter
    features; "mimics" is the mean squared error to the teacher's features plus binary cross-entropy of the shared
    head on the motion branch against the teacher's probabilities; the shared head on the appearance branch has the
    labels. Left out: local attentive fusion and the joint detector, since branches and head are dropped after training
    and the student alone detects.

    Args:
        dims: Feature widths Cs, Ct and classes K, or by name: `student=128, teacher=256, classes=16`.
        feature_weight: Of the squared error.
        appearance_weight: Of the appearance branch.

    Shape: features (B, T, Cs) and (B, T, Ct), logits and labels (B, T, K), mask (B, T) -> scalar.

    Raises:
        UsageFault: E-MOD-008, the teacher does not score these classes.
    """

    name = "dcmd"
    needs = ("student", "teacher", "classes")

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        feature_weight: float = 1.0,
        appearance_weight: float = 1.0,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.feature_weight, self.appearance_weight = feature_weight, appearance_weight
        self.motion = nn.Sequential(nn.Linear(self.dims.student, self.dims.teacher), nn.ReLU())
        self.appearance = nn.Sequential(nn.Linear(self.dims.student, self.dims.teacher), nn.ReLU())
        self.mimic = nn.Linear(self.dims.teacher, self.dims.teacher)
        self.head = nn.Linear(self.dims.teacher, self.dims.classes)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        check_classes(self.name, student, teacher)
        check_labels(self.name, batch)
        mask = batch.mask
        if not mask.any():
            return nothing(student)
        s = student.features[mask]  # (N, Cs)
        motion = self.motion(s)
        error: Tensor = (self.mimic(motion) - teacher.features[mask]).square().mean()
        soft = F.binary_cross_entropy_with_logits(self.head(motion), teacher.logits[mask].sigmoid())
        labelled = batch.labelled[:, None].expand_as(mask)[mask]
        hard = F.binary_cross_entropy_with_logits(self.head(self.appearance(s)), batch.labels[mask], reduction="none")
        return self.feature_weight * error + soft + self.appearance_weight * mean_or_nothing(hard[labelled], student)


dcmd = functional(Dcmd)
