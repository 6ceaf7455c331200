"""Dilated attention: a stack that looks ever farther, weighing what it sees."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.filters.parts.tap_attention import tap_attention
from augrgb.filters.parts.temporal_filter import TemporalFilter


class Pdan(TemporalFilter):
    """Residual dilated attention layers, dilation 1, 2, 4, ... (PDAN).

    Dai et al., "PDAN: Pyramid Dilated Attention Network for Action Detection", WACV 2021, section 3, one stage. Block
    i: in every channel, attention of a snippet over itself and its neighbors 2^i snippets before and after, with a
    learned term added to the values of each tap (see `tap_attention`) -> ReLU -> 1x1 convolution -> dropout -> add the
    block's input -> times mask. A neighbour outside the video has key 0 and the learned term as its value.
    Deviation: the first 1x1 convolution is masked too, so that padding is the same as the end of the video. Published
    code leaves its bias at padded snippets, where the first block sees it, so there a video's result depends on how
    much padding its batch adds. Further stages of the publication are filters of their own on the masked logits.

    Args:
        dim_in: Channels of the input.
        layers: Number of blocks.
        width: Channels inside and of the output.
        dropout: In each block.
        mask_input: False leaves the first 1x1 convolution unmasked, as published.

    Shape: x (B, T, dim_in), mask (B, T) -> (B, T, width).
    """

    name = "pdan"

    def __init__(
        self, dim_in: int, *, layers: int = 5, width: int = 512, dropout: float = 0.5, mask_input: bool = True
    ) -> None:
        super().__init__(dim_in, width=width, reach=2**layers - 1)
        self.mask_input = mask_input
        self.enter = nn.Linear(dim_in, width)
        self.blocks = nn.ModuleList(_Block(width, 2**i, dropout) for i in range(layers))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch; see the class for shapes."""
        real = mask[..., None].to(x.dtype)
        y = self.enter(x)
        if self.mask_input:
            y = torch.where(mask[..., None], y, 0.0)
        hidden = []
        for block in self.blocks:
            y = block(y, real)
            hidden.append(y)
        return y * real, tuple(hidden)


class _Block(nn.Module):
    def __init__(self, width: int, distance: int, dropout: float) -> None:
        super().__init__()
        self.distance = distance
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)  # one product for the three
        self.tap_term = nn.Parameter(torch.randn(3, width))
        self.mix = nn.Linear(width, width)
        self.dropout = ShardedDropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        qkv = self.query_key_value(x).to(self.tap_term.dtype)  # under autocast the attention stays in full precision
        seen = tap_attention(qkv, self.tap_term, self.distance)
        return (x + self.dropout(self.mix(seen))) * real  # type: ignore[no-any-return]
