"""Pose induction: features that carry the pose network's, in a form that still tells the classes apart."""

from __future__ import annotations

from typing import Unpack

import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.class_check import check_labels
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional


class PoseInduction(DistillationLoss):
    """Regress a pose network's features through a projection, from which the classes must be predicted as well.

    Reilly and Das, "Just Add pi! Pose Induced Video Transformers for Understanding Activities of Daily Living", CVPR
    2024, the 3D skeleton induction module: mean squared error of the projected features, plus the classification loss
    of a linear layer on the projection, both with weight 1. The 2D module is the pose-aware auxiliary task
    (`distill.joint_cells` of an encoder), published weight 1.6. Both are dropped after training.
    Deviation: on the student's features instead of the tokens of a transformer's last block; binary cross-entropy,
    since a snippet may have several labels or none. The teacher may be of any modality.

    Args:
        dims: Feature widths Cs and Ct, classes K, or by name: `student=128, teacher=256, classes=16`.
        classify: Weight of the classification beside the regression.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T), labels (B, T, K) -> scalar.

    Raises:
        UsageFault: E-MOD-031, the batch has no labels (unless `classify` is 0).
    """

    name = "pose_induction"
    compares = "snippets"
    needs = ("student", "teacher", "classes")

    def __init__(self, dims: StreamDims | None = None, *, classify: float = 1.0, **sizes: Unpack[Sizes]) -> None:
        super().__init__(dims, **sizes)
        self.classify = classify
        self.project = nn.Linear(self.dims.student, self.dims.teacher)
        self.classifier = nn.Linear(self.dims.teacher, self.dims.classes)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        induced = self.project(student.features[batch.mask])  # (N, Ct)
        aligned = mean_or_nothing((induced - teacher.features[batch.mask]).square(), student)
        if self.classify:
            check_labels(self.name, batch, "Or pass classify=0.")
        known = batch.labelled_snippets[batch.mask]  # (N,)
        logits, labels = self.classifier(induced[known]), batch.labels[batch.mask][known]
        errors = F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") if labels.numel() else logits.sum()
        return aligned + self.classify * errors / max(1, labels.numel())


pose_induction = functional(PoseInduction)
