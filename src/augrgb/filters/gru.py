"""A recurrent network that reads the video from both ends."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from augrgb.core.dropout import ShardedDropout
from augrgb.core.errors import UsageFault
from augrgb.filters.parts.temporal_filter import TemporalFilter


class Gru(TemporalFilter):
    """Bidirectional gated recurrent units.

    Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014, section 2.3, in PyTorch's form
    (the reset gate acts after the recurrent product). Either direction reads all real snippets, skipping gaps, before
    any padding, so that padding is never in the past of a real snippet. This is what packed sequences do, at less
    than half of their cost on processors.

    Args:
        dim_in: Channels of the input.
        layers: Layers, each of both directions.
        width: Channels of the output, half of them from either direction.
        dropout: On the input of every layer and on the output.

    Shape: x (B, T, dim_in), mask (B, T) -> (B, T, width).

    Raises:
        UsageFault: E-CFG-003, an odd width, or no layer.
    """

    name = "gru"

    def __init__(self, dim_in: int, *, layers: int = 2, width: int = 512, dropout: float = 0.5) -> None:
        super().__init__(dim_in, width=width, reach=None)
        if width % 2:
            raise UsageFault("E-CFG-003", "gru.width", f"two directions share it, and {width} is odd")
        if layers < 1:
            raise UsageFault("E-CFG-003", "gru.layers", f"must be at least 1, got {layers}")
        self.layers = nn.ModuleList(
            nn.ModuleList(nn.GRU(width if i else dim_in, width // 2, batch_first=True) for _ in ("forward", "backward"))
            for i in range(layers)
        )
        self.dropout = ShardedDropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch; see the class for shapes."""
        orders = [_real_first(mask), mask.shape[1] - 1 - _real_first(mask.flip(1))]
        y, hidden = torch.where(mask[..., None], x, 0.0), []
        for layer in self.layers:
            y = self.dropout(y)
            both = [_read(gru, y, order) for gru, order in zip(layer, orders, strict=True)]  # type: ignore[call-overload]
            y = torch.cat(both, -1) * mask[..., None]
            hidden.append(y)
        return self.dropout(y), tuple(hidden)


def _real_first(mask: Tensor) -> Tensor:
    """The order (B, T) that puts real snippets first, in their own order."""
    return (~mask).int().argsort(dim=1, stable=True)


def _read(gru: nn.Module, x: Tensor, order: Tensor) -> Tensor:
    """Run over the snippets of x (B, T, C) in the given order; what comes last changes nothing before it."""
    row = torch.arange(len(x), device=x.device)[:, None]
    outputs, _ = gru(x[row, order])
    return outputs[row, order.argsort(dim=1)]  # type: ignore[no-any-return]
