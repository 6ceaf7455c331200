"""Variational information distillation: a Gaussian model of the teacher's features given the student's."""

from __future__ import annotations

import math
from typing import Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional

_EPS = 1e-5


class Vid(DistillationLoss):
    """Negative log-likelihood of the teacher's features, with a learned mean and one variance per channel.

    Ahn et al., "Variational Information Distillation for Knowledge Transfer", CVPR 2019, eq. 5-6, up to a constant;
    it can be negative.
    Deviation: the regressor's 1x1 convolutions act on each real snippet.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`.
        hidden: Width of the regressor's two inner layers; 0 = that of the teacher.
        initial_variance: To start from.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "vid"
    compares = "snippets"
    needs = ("student", "teacher")

    def __init__(
        self, dims: StreamDims | None = None, *, hidden: int = 0, initial_variance: float = 5.0, **sizes: Unpack[Sizes]
    ) -> None:
        super().__init__(dims, **sizes)
        width = hidden or self.dims.teacher
        self.regressor = nn.Sequential(
            nn.Linear(self.dims.student, width, bias=False),
            nn.ReLU(),
            nn.Linear(width, width, bias=False),
            nn.ReLU(),
            nn.Linear(width, self.dims.teacher, bias=False),
        )
        start = math.log(math.expm1(initial_variance - _EPS))
        self.log_scale = nn.Parameter(torch.full((self.dims.teacher,), start))

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        predicted = self.regressor(student.features[batch.mask])  # (N, Ct)
        return mean_or_nothing(gaussian_misfit(predicted, teacher.features[batch.mask], self.log_scale), student)


def gaussian_misfit(predicted: Tensor, t: Tensor, log_scale: Tensor) -> Tensor:
    """`((predicted - t)^2 / v + ln v) / 2`, v = softplus(log_scale) + 1e-5. Shape: (..., C), (..., C), (C,)."""
    variance = F.softplus(log_scale) + _EPS
    return 0.5 * ((predicted - t).square() / variance + variance.log())


vid = functional(Vid)
