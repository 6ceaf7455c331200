"""The default temporal filter: a stack of dilated temporal convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.filters.parts.temporal_filter import TemporalFilter


class SdTcn(TemporalFilter):
    """Residual dilated temporal convolutions, dilation 1, 2, 4, ... (SD-TCN).

    Dai et al., "Learning an Augmented RGB Representation with Cross-Modal Knowledge Distillation for Action Detection",
    ICCV 2021, section 3.1. Block i: dilated convolution (kernel 3, dilation 2^i, zero padding) -> ReLU -> 1x1
    convolution -> dropout -> add the block's input -> times mask.
    Deviation: the first 1x1 convolution is masked too. Published code leaves its bias at padded snippets, where the
    first block sees it, so there a video's result depends on how much padding its batch adds.

    Args:
        dim_in: Channels of the input.
        layers: Number of blocks.
        width: Channels inside and of the output.
        dropout: In each block.
        mask_input: False leaves the first 1x1 convolution unmasked, as published.

    Shape: x (B, T, dim_in), mask (B, T) -> (B, T, width).
    """

    name = "sd_tcn"

    def __init__(
        self, dim_in: int, *, layers: int = 5, width: int = 512, dropout: float = 0.5, mask_input: bool = True
    ) -> None:
        super().__init__(dim_in, width=width, reach=2**layers - 1)
        self.mask_input = mask_input
        self.enter = nn.Conv1d(dim_in, width, 1)
        self.blocks = nn.ModuleList(_Block(width, 2**i, dropout) for i in range(layers))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch; see the class for shapes."""
        real = mask[:, None].to(x.dtype)  # (B, 1, T)
        y = self.enter(x.transpose(1, 2))
        if self.mask_input:
            y = torch.where(mask[:, None], y, 0.0)
        hidden = []
        for block in self.blocks:
            y = block(y, real)
            hidden.append(y.transpose(1, 2))
        return y.transpose(1, 2) * mask[..., None], tuple(hidden)


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilated = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)
        self.dropout = ShardedDropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        return (x + self.dropout(self.mix(F.relu(self.dilated(x))))) * real  # type: ignore[no-any-return]
