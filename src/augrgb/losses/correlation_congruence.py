"""Correlation congruence, as the paper defines it and as a widespread program computes it."""

from __future__ import annotations

import math
from typing import Literal, Unpack

import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.projection import Projection
from augrgb.losses.parts.snippet_sample import snippet_pairs


class CorrelationCongruence(DistillationLoss):
    """Match the correlations between snippets.

    Peng et al., "Correlation Congruence for Knowledge Distillation", ICCV 2019.
    `congruence`: the paper's `||K_S - K_T||_F^2 / N^2`, K the Gaussian kernel of L2-normalized features, expanded to
    order P: `k(x, y) = sum_p exp(-2 gamma) (2 gamma)^p / p! (x.y)^p`.
    `neighbour_product`: what the widespread RepDistiller program computes under this name: with `d = |s - t|`, the
    mean over neighboring rows of `d_i . d_(i+1)`. It is not the paper's formula, and depends on the order of rows.
    Deviation: the samples of the batch are its real snippets in time order, at most `max_snippets` of them, drawn at
    random.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        form: Which of the two.
        gamma: Of the Gaussian kernel.
        order: P.
        max_snippets: Size of the random subset; cost grows with its square (`congruence`).

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "cc"

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        form: Literal["congruence", "neighbour_product"] = "congruence",
        gamma: float = 0.4,
        order: int = 2,
        max_snippets: int = 1024,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        self.form, self.gamma, self.order, self.max_snippets = form, gamma, order, max_snippets
        if form == "neighbour_product":
            self.require("student", "teacher")
        self.project = Projection(self.dims.student, self.dims.teacher) if form == "neighbour_product" else None

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        s, g = snippet_pairs(student, teacher, batch, self.max_snippets)
        if len(s) < 2:
            return nothing(student)
        if self.project is not None:
            return neighbour_product(self.project(s), g)
        return correlation_congruence(s, g, self.gamma, self.order)


def correlation_congruence(s: Tensor, t: Tensor, gamma: float, order: int) -> Tensor:
    """Mean squared difference of the kernel matrices. Shape: (N, Cs), (N, Ct) -> scalar."""
    return (_kernel(s, gamma, order) - _kernel(t, gamma, order)).square().mean()


def neighbour_product(s: Tensor, t: Tensor) -> Tensor:
    """Mean over neighboring rows of the product of their absolute errors. Shape: (N, C), (N, C), N >= 2 -> scalar."""
    error = (s - t).abs()
    return (error[:-1] * error[1:]).sum(1).mean()


def _kernel(x: Tensor, gamma: float, order: int) -> Tensor:
    x = F.normalize(x, dim=1)
    cosine = x @ x.T
    terms = [(2 * gamma) ** p / math.factorial(p) * cosine**p for p in range(1, order + 1)]
    return math.exp(-2 * gamma) * (1 + sum(terms, cosine.new_zeros(())))


cc = functional(CorrelationCongruence)
