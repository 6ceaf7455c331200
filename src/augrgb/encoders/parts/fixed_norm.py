"""Batch normalisation whose statistics never change, and the choice between it and one per sample."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["group", "stored"]


class FixedBatchNorm(nn.Module):
    """Normalise by stored means and variances, in training too; scale and shift may learn.

    A snippet's features then depend on no other snippet, and on nothing but the weights. Names and shapes of the state
    are those of PyTorch's BatchNorm, less its batch counter.

    Args:
        channels: Number of channels C.
        eps: Added to the variance.

    Shape: (N, C, ...) -> same.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.running_mean: Tensor
        self.running_var: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)

    def folded_into(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Weight and bias of one convolution that does this after a bias-free one of the given weight (C, ...)."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        return weight * scale.view(-1, *[1] * (weight.ndim - 1)), self.bias - self.running_mean * scale


def normalisation(norm: Norm, channels: int, *, groups: int = 8) -> nn.Module:
    """`stored`: `FixedBatchNorm`. `group`: per sample, in `groups` where these divide the channels, else in one."""
    if norm == "stored":
        return FixedBatchNorm(channels)
    return nn.GroupNorm(groups if channels % groups == 0 else 1, channels)
