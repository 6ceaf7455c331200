"""Attention transfer: where along the video the features are strong."""

from __future__ import annotations

from typing import Unpack

import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional


class AttentionTransfer(DistillationLoss):
    """Match how the strength of the features is spread over a video.

    Zagoruyko and Komodakis, "Paying More Attention to Attention", ICLR 2017: the activation-based form with mean
    squared difference of normalized attention maps.
    Deviation: the positions of a map are the real snippets of a video, so a video of one snippet contributes 0.

    Args:
        dims: Not needed.
        power: p in the mean of |f|^p over channels.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> scalar.
    """

    name = "at"

    def __init__(self, dims: StreamDims | None = None, *, power: float = 2.0, **sizes: Unpack[Sizes]) -> None:
        super().__init__(dims, **sizes)
        self.power = power

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        if not batch.mask.any():
            return nothing(student)
        return attention_transfer(student.features, teacher.features, batch.mask, self.power)


def attention(f: Tensor, mask: Tensor, power: float) -> Tensor:
    """Mean over channels of |f|^p, of length 1 over the real positions. Shape: (B, P, C), (B, P) -> (B, P)."""
    return F.normalize(f.masked_fill(~mask[..., None], 0).abs().pow(power).mean(-1), dim=1)


def attention_transfer(s: Tensor, t: Tensor, mask: Tensor, power: float) -> Tensor:
    """Mean squared difference of the attention at real positions. Shape: (B, P, Cs), (B, P, Ct), (B, P) -> scalar."""
    return (attention(s, mask, power) - attention(t, mask, power))[mask].square().mean()


at = functional(AttentionTransfer)
