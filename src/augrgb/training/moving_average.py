"""The exponential moving average of a network's weights."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, student: nn.Module, step: int, decay: float) -> None:
    """Move an average's weights towards a student's by 1 - `min(decay, 1 - 1 / (step + 1))`; buffers are copied.

    At step 0 it becomes the student. Tarvainen and Valpola, NeurIPS 2017: the poor early weights are forgotten fast.
    """
    keep = min(decay, 1 - 1 / (step + 1))
    for mine, new in zip(average.parameters(), student.parameters(), strict=True):
        mine.lerp_(new.to(mine.dtype), 1 - keep)
    for held, now in zip(average.buffers(), student.buffers(), strict=True):
        held.copy_(now)
