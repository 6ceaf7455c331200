"""Memory of student and teacher embeddings, one row per training instance."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MemoryBank(nn.Module):
    """Two tables of embeddings of length 1, read by row and moved towards new embeddings.

    Starts at random, as published. Its state is saved with the loss, so resuming is exact.

    Args:
        rows: Number of instances.
        dim: Width of an embedding.
        momentum: How much of the old embedding a row keeps.
    """

    student: Tensor
    teacher: Tensor

    def __init__(self, rows: int, dim: int, *, momentum: float = 0.5) -> None:
        super().__init__()
        self.momentum = momentum
        bound = math.sqrt(3 / dim)  # rows of length 1 on average
        self.register_buffer("student", (2 * torch.rand(rows, dim) - 1) * bound)
        self.register_buffer("teacher", (2 * torch.rand(rows, dim) - 1) * bound)

    def __len__(self) -> int:
        return len(self.student)

    @torch.no_grad()
    def write(self, rows: Tensor, student: Tensor, teacher: Tensor) -> None:
        """Put `normalize(momentum * old + (1 - momentum) * new)` in place; of a row that occurs twice the first counts.

        Shape: rows (N,) int64, embeddings (N, dim).
        """
        order = rows.argsort(stable=True)
        first = torch.ones_like(order, dtype=torch.bool)
        first[1:] = rows[order][1:] != rows[order][:-1]
        pick = order[first]
        rows = rows[pick]
        for table, new in ((self.student, student), (self.teacher, teacher)):
            moved = self.momentum * table[rows] + (1 - self.momentum) * new[pick].to(table.dtype)
            table[rows] = F.normalize(moved, dim=1)


def bank_scores(table: Tensor, x: Tensor, index: Tensor) -> Tensor:
    """Dot product of each embedding with the rows of its own list.

    Gathering the rows themselves would move N * L * D numbers. As long as the lists together are longer than the table,
    one matrix product with all of it is the lesser work, and only N * L scores are gathered.

    Shape: table (M, D), x (N, D), index (N, L) or, one list for all, (L,) -> (N, L).
    """
    if index.ndim == 1:
        return x @ table[index].T
    if index.numel() >= len(table):
        return (x @ table.T).gather(1, index)
    return torch.einsum("nd,nld->nl", x, table[index])
