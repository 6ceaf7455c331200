"""Dropout whose result does not depend on how a batch is split over processes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from augrgb.core.errors import UsageFault


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows `[start, start + count)` that one process has of a batch of `total` rows."""

    start: int
    count: int
    total: int


class ShardedDropout(nn.Module):
    """Dropout drawn for the whole batch, of which a process uses its own rows.

    With the same seed on every process, N processes drop what one would, and all their generators stay in step. Without
    `rows` the input is the whole batch.

    Args:
        p: Probability of dropping a value.

    Shape: (B, ...) -> (B, ...).

    Raises:
        UsageFault: E-CFG-003, the probability is not in [0, 1).
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise UsageFault("E-CFG-003", "dropout", f"{p} is not in [0, 1)", "0 leaves it out.")
        self.p = p
        self.rows: Rows | None = None

    def extra_repr(self) -> str:
        """For printing."""
        return f"p={self.p}"

    def forward(self, x: Tensor) -> Tensor:
        """Drop and rescale in training, nothing in evaluation."""
        if not self.training or self.p == 0:
            return x
        rows = self.rows or Rows(0, x.shape[0], x.shape[0])
        if rows.count != x.shape[0]:
            raise ValueError(f"{x.shape[0]} rows given, {rows.count} declared")
        # own memory layout, not that of x, so that the draw is the same in every process
        kept = torch.empty((rows.total, *x.shape[1:]), dtype=x.dtype, device=x.device).bernoulli_(1 - self.p)
        return x * kept[rows.start : rows.start + rows.count].div_(1 - self.p)


def set_rows(module: nn.Module, rows: Rows | None) -> None:
    """Set for every `ShardedDropout` inside `module` which rows of the batch it will see."""
    for part in module.modules():
        if isinstance(part, ShardedDropout):
            part.rows = rows
