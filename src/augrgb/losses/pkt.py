"""Probabilistic knowledge transfer: how likely each snippet picks each other one as its neighbour."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.snippet_sample import snippet_pairs

_EPS = 1e-7


class Pkt(DistillationLoss):
    """Divergence between the neighbour probabilities of student and teacher.

    Passalis and Tefas, "Learning Deep Representations with Probabilistic Knowledge Transfer", ECCV 2018, cosine
    kernel; mean over the N^2 pairs, as the published program has it.
    Deviation: the samples of the batch are its real snippets, at most `max_snippets` of them, drawn at random.

    Args:
        dims: Not needed.
        max_snippets: Size of the random subset; cost grows with its square.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "pkt"

    def __init__(self, dims: StreamDims | None = None, *, max_snippets: int = 1024, **sizes: Unpack[Sizes]) -> None:
        super().__init__(dims, **sizes)
        self.max_snippets = max_snippets

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        s, g = snippet_pairs(student, teacher, batch, self.max_snippets)
        return probabilistic_transfer(s, g) if len(s) else nothing(student)


def probabilistic_transfer(s: Tensor, t: Tensor) -> Tensor:
    """Mean of `p_T ln(p_T / p_S)` over all pairs. Shape: (N, Cs), (N, Ct) -> scalar."""
    p_s, p_t = _neighbours(s), _neighbours(t)
    return (p_t * ((p_t + _EPS) / (p_s + _EPS)).log()).mean()


def _neighbours(x: Tensor) -> Tensor:
    x = x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + _EPS)
    similarity = (x @ x.T + 1) / 2
    return similarity / similarity.sum(1, keepdim=True)


pkt = functional(Pkt)
