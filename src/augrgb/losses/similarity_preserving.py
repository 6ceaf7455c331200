"""Similarity-preserving distillation: which snippets are alike."""

from __future__ import annotations

from typing import Unpack

import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.snippet_sample import snippet_pairs


class SimilarityPreserving(DistillationLoss):
    """Match the row-normalized similarity matrices of the batch.

    Tung and Mori, "Similarity-Preserving Knowledge Distillation", ICCV 2019, eq. 1-4:
    `||G_S - G_T||_F^2 / N^2`, G = F F^T with rows of length 1.
    Deviation: the samples of the batch are its real snippets, at most `max_snippets` of them, drawn at random.

    Args:
        dims: Not needed.
        max_snippets: Size of the random subset; cost grows with its square.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "sp"

    def __init__(self, dims: StreamDims | None = None, *, max_snippets: int = 1024, **sizes: Unpack[Sizes]) -> None:
        super().__init__(dims, **sizes)
        self.max_snippets = max_snippets

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        s, g = snippet_pairs(student, teacher, batch, self.max_snippets)
        return similarity_preserving(s, g) if len(s) else nothing(student)


def similarity_preserving(s: Tensor, t: Tensor) -> Tensor:
    """Mean squared difference of row-normalized F F^T. Shape: (N, Cs), (N, Ct) -> scalar."""
    return (F.normalize(s @ s.T, dim=1) - F.normalize(t @ t.T, dim=1)).square().mean()


sp = functional(SimilarityPreserving)
