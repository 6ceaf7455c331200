"""Relational knowledge distillation: distances and angles between snippets."""

from __future__ import annotations

from typing import Unpack

import torch
import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.snippet_sample import snippet_pairs


class Rkd(DistillationLoss):
    """Match relative distances between pairs of snippets and angles between triples.

    Park et al., "Relational Knowledge Distillation", CVPR 2019, eq. 4-9, with the published weights 25 and 50.
    Deviation: the samples of the batch are its real snippets, at most `max_snippets` of them, drawn at random (the
    angles cost N^3).

    Args:
        dims: Not needed.
        distance_weight, angle_weight: Weights of the two parts; 0 leaves a part out.
        squared: Distances without the root, as one public program has it.
        max_snippets: Size N of the random subset.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "rkd"

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        distance_weight: float = 25.0,
        angle_weight: float = 50.0,
        squared: bool = False,
        max_snippets: int = 64,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.distance_weight, self.angle_weight, self.squared = distance_weight, angle_weight, squared
        self.max_snippets = max_snippets

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        s, g = snippet_pairs(student, teacher, batch, self.max_snippets)
        loss = nothing(student)
        if len(s) < 2:
            return loss
        if self.distance_weight:
            loss = loss + self.distance_weight * distance_wise(s, g, squared=self.squared)
        if self.angle_weight:
            loss = loss + self.angle_weight * angle_wise(s, g)
        return loss


def distance_wise(s: Tensor, t: Tensor, *, squared: bool = False) -> Tensor:
    """Smooth L1 of distances relative to their mean. Shape: (N, Cs), (N, Ct), N >= 2 -> scalar."""
    return F.smooth_l1_loss(_relative_distances(s, squared), _relative_distances(t, squared))


def angle_wise(s: Tensor, t: Tensor) -> Tensor:
    """Smooth L1 of the cosines at x_i between x_j and x_k, all triples. Shape: (N, Cs), (N, Ct) -> scalar."""
    return F.smooth_l1_loss(_angles(s), _angles(t))


def _relative_distances(x: Tensor, squared: bool) -> Tensor:
    power = x.square().sum(1)
    distance = (power[:, None] + power - 2 * x @ x.T).clamp(min=1e-12)
    if not squared:
        distance = distance.sqrt()
    distance = distance.masked_fill(torch.eye(len(x), dtype=torch.bool, device=x.device), 0)
    return distance / distance[distance > 0].mean()


def _angles(x: Tensor) -> Tensor:
    gap = x - x[:, None]  # (N, N, C): x_j - x_i
    length = torch.linalg.vector_norm(gap, dim=-1, keepdim=True)
    unit = gap / torch.where(length > 1e-12, length, 1.0)  # equal points: no direction, and no gradient of 1e12
    return unit @ unit.transpose(1, 2)


rkd = functional(Rkd)
