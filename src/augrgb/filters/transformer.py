"""A transformer encoder that looks at a window around each snippet."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import UsageFault
from augrgb.filters.parts.temporal_filter import TemporalFilter


class Transformer(TemporalFilter):
    """Pre-norm transformer layers with attention over the snippets at most `radius` away.

    Vaswani et al., "Attention Is All You Need", NeurIPS 2017, with sliding windows (Beltagy et al., "Longformer", 2020,
    section 3.1) and a learned bias per head and distance (Raffel et al., "T5", JMLR 2020, section 2.1) in place of
    positional encodings. Memory and time are O(T radius), never O(T^2).

    Args:
        dim_in: Channels of the input.
        layers: Number of layers.
        width: Channels inside and of the output, a multiple of `heads`.
        heads: Attention heads.
        radius: Snippets that a layer sees to either side.
        expansion: Channels inside the feed-forward part, as a multiple of `width`.
        dropout: On what each part adds.

    Shape: x (B, T, dim_in), mask (B, T) -> (B, T, width).

    Raises:
        UsageFault: E-CFG-003, a width that `heads` does not divide, or a radius below 1.
    """

    name = "transformer"

    def __init__(
        self,
        dim_in: int,
        *,
        layers: int = 4,
        width: int = 512,
        heads: int = 8,
        radius: int = 16,
        expansion: int = 4,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(dim_in, width=width, reach=layers * radius)
        if width % heads:
            raise UsageFault("E-CFG-003", "transformer.width", f"{width} is not a multiple of {heads} heads")
        if radius < 1:
            raise UsageFault("E-CFG-003", "transformer.radius", f"must be at least 1, got {radius}")
        self.enter = nn.Linear(dim_in, width)
        self.layers = nn.ModuleList(_Layer(width, heads, radius, expansion * width, dropout) for _ in range(layers))
        self.leave = nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch; see the class for shapes."""
        y, hidden = self.enter(x), []
        for layer in self.layers:
            y = layer(y, mask)
            hidden.append(y * mask[..., None])
        return self.leave(y) * mask[..., None], tuple(hidden)


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, radius: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.attended = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.distance_bias = nn.Parameter(torch.zeros(heads, 2 * radius + 1))
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.dropout = ShardedDropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = self.query_key_value(self.norm_attention(x))
        y = self.attended(window_attention(y, mask, self.distance_bias))
        x = x + self.dropout(y)
        y = self.narrow(F.gelu(self.widen(self.norm_feed(x))))
        return x + self.dropout(y)  # type: ignore[no-any-return]


def window_attention(qkv: Tensor, mask: Tensor, bias: Tensor) -> Tensor:
    """Each snippet attends to the real snippets at most r away: weight softmax over s of `q_t k_s / sqrt(D) + bias`.

    The sequence is cut into blocks of r snippets; the queries of a block meet the keys of it and of its two neighbors,
    3r of them, of which those too far are masked.

    Args:
        qkv: Queries, keys and values side by side, each `heads` parts of D channels: (B, T, 3 heads D).
        mask: (B, T) bool.
        bias: For s - t = -r .. r, (heads, 2r + 1).

    Returns:
        (B, T, heads D), arbitrary at padding.
    """
    heads, r = len(bias), bias.shape[1] // 2
    B, T, C3 = qkv.shape
    fill = -T % r
    parts = F.pad(qkv, (0, 0, 0, fill)).view(B, T + fill, 3, heads, C3 // (3 * heads))
    q = parts[:, :, 0].reshape(B, -1, r, heads, parts.shape[-1]).transpose(2, 3)  # (B, n, heads, r, D)
    k, v = (F.pad(parts[:, :, i], (0, 0, 0, 0, r, r)).unfold(1, 3 * r, r) for i in (1, 2))  # (B, n, heads, D, 3r)
    there = F.pad(mask, (r, r + fill)).unfold(1, 3 * r, r)  # (B, n, 3r)
    distance = torch.arange(3 * r, device=qkv.device) - torch.arange(r, 2 * r, device=qkv.device)[:, None]  # (r, 3r)
    near = (distance.abs() <= r) & there[:, :, None, None]  # (B, n, 1, r, 3r)
    logits = q @ k / q.shape[-1] ** 0.5 + bias[:, (distance + r).clamp(0, 2 * r)]
    # finite, so that a padded query without any real key gives numbers and not NaN
    weights = logits.masked_fill(~near, torch.finfo(logits.dtype).min).softmax(-1)
    seen: Tensor = weights @ v.mT  # (B, n, heads, r, D)
    return seen.transpose(2, 3).reshape(B, T + fill, C3 // 3)[:, :T]
