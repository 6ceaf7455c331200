"""Attention driven by poses, as a teacher of a snippet encoder's own attention over its map."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss


class PoseAttention(DistillationLoss):
    """The student's attention over its map follows one that a pose network's features drive.

    Das et al., "VPN++: Rethinking Video-Pose Embeddings for Understanding Activities of Daily Living", TPAMI 2022:
    attention-level distillation (VPN-A). The pose-driven attention is a softmax over cells of a linear map of the pose
    features; the student's is a softmax of a linear map of each cell. Either pools the map, and one classifier must
    tell the classes from both, so either is learned from labels; the student's is drawn to the other one, which is
    held still, by the squared difference in units of even attention. Feature-level distillation (VPN-F), a contrast of
    video with pose embeddings against remembered ones, is `crd` with the pose encoder as its teacher.
    Deviation: read from abstract, figures and summaries; the authors' program holds neither distillation. The attention
    is one map for a snippet, not one for space and one for time, and is dropped after training: what remains is what it
    taught the layers below.

    Args:
        dims: The map's channels are the student's width; the teacher's width Ct and classes K.
        cells: Rows times columns of the map.

    Shape: student hidden[0] (B, 1, C, rows, columns), teacher features (B, 1, Ct), labels (B, 1, K) -> scalar.
    """

    name = "attention"

    def __init__(self, dims: StreamDims, *, cells: int) -> None:
        super().__init__(dims)
        self.cells = cells
        self.drive = nn.Linear(dims.teacher, cells)
        self.attend = nn.Linear(dims.student, 1)
        self.classifier = nn.Linear(dims.student, dims.classes)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        seen = student.hidden[0][batch.mask].flatten(2).transpose(1, 2)  # (N, cells, C)
        driven = self.drive(teacher.features[batch.mask]).softmax(-1)  # (N, cells)
        own = self.attend(seen)[..., 0].softmax(-1)
        labels, known = batch.labels[batch.mask], batch.labelled_snippets[batch.mask][:, None]
        apart = ((own - driven.detach()) * self.cells).square()
        loss: Tensor = apart.sum() / max(1, apart.numel())
        for weights in (driven, own):
            logits = self.classifier((weights[..., None] * seen).sum(1))  # (N, K)
            errors = F.binary_cross_entropy_with_logits(logits, labels, reduction="none") * known
            loss = loss + errors.sum() / (known.sum().clamp(min=1) * labels.shape[-1])
        return loss
