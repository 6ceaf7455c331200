"""A filter that looks at one snippet alone: how far the snippet features go without any context."""

from __future__ import annotations

from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.filters.parts.temporal_filter import TemporalFilter


class Linear(TemporalFilter):
    """One linear layer per snippet, without temporal context.

    Args:
        dim_in: Channels of the input.
        width: Channels of the output.
        dropout: On the output.

    Shape: x (B, T, dim_in), mask (B, T) -> (B, T, width).
    """

    name = "linear"

    def __init__(self, dim_in: int, *, width: int = 512, dropout: float = 0.0) -> None:
        super().__init__(dim_in, width=width, reach=0)
        self.project = nn.Linear(dim_in, width)
        self.dropout = ShardedDropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch; see the class for shapes."""
        features = self.dropout(self.project(x)) * mask[..., None]
        return features, (features,)
