"""Graph distillation: learned edges say from where each snippet learns."""

from __future__ import annotations

from typing import Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.class_check import check_classes
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.projection import Projection


class GraphDistillation(DistillationLoss):
    """Imitate logits and representation by cosine, with edge weights that are learned and differ between snippets.

    Luo et al., "Graph Distillation for Action Detection with Privileged Modalities", ECCV 2018: edge scores from
    embeddings of both modalities' logits and representations, a softmax over the edges scaled by `scale`, the prior
    added to each edge, and a pull of the mean edge towards the prior; weights 10 (logits) and 1 (representation).
    Interpretation: the paper's edges come from several modalities. A loss here sees one teacher, for which a softmax
    over modalities is 1; so the two edges that end in the student are the teacher's logits and the teacher's
    representation. Several teachers each have a graph of their own, weighed by the recipe.
    Deviation: on temporal-filter features of every snippet; a linear projection where widths differ.

    Args:
        dims: Feature widths Cs, Ct and classes K, or by name: `student=128, teacher=256, classes=16`.
        size: Width of the embeddings that the edges come from.
        scale: Of the edge scores inside the softmax.
        pull: Weight of the pull towards the prior (one half each).
        logit_weight, feature_weight: Weights of the two imitations.

    Shape: features (B, T, Cs) and (B, T, Ct), logits (B, T, K), mask (B, T) -> scalar.

    Raises:
        UsageFault: E-MOD-008, the teacher does not score these classes.
    """

    name = "graph_distillation"
    needs = ("student", "teacher", "classes")

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        size: int = 32,
        scale: float = 0.125,
        pull: float = 10.0,
        logit_weight: float = 10.0,
        feature_weight: float = 1.0,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.scale, self.pull = scale, pull
        self.logit_weight, self.feature_weight = logit_weight, feature_weight
        self.embed_logits = nn.Linear(self.dims.classes, size)
        self.embed_student, self.embed_teacher = nn.Linear(self.dims.student, size), nn.Linear(self.dims.teacher, size)
        self.edge = nn.Linear(4 * size, 2)
        self.project = Projection(self.dims.student, self.dims.teacher)

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        check_classes(self.name, student, teacher)
        mask = batch.mask
        if not mask.any():
            return nothing(student)
        s, g = student.features[mask], teacher.features[mask]  # (N, Cs), (N, Ct)
        z_s, z_g = student.logits[mask], teacher.logits[mask]  # (N, K)
        seen = [self.embed_student(s), self.embed_logits(z_s), self.embed_teacher(g), self.embed_logits(z_g)]
        edges: Tensor = (self.scale * self.edge(torch.cat(seen, 1))).softmax(1)  # (N, 2)
        weights = edges + 0.5
        of_logits = weights[:, 0] * (1 - F.cosine_similarity(z_s, z_g, dim=1))
        of_features = weights[:, 1] * (1 - F.cosine_similarity(self.project(s), g, dim=1))
        pull = self.pull * (edges.mean(0) - 0.5).square().sum()
        return self.logit_weight * of_logits.mean() + self.feature_weight * of_features.mean() + pull


graph_distillation = functional(GraphDistillation)
