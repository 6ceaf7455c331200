"""Sums over many channels are formed in 32 bits at least, whatever a network's outputs come in."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_single(x: Tensor) -> Tensor:
    """The same in float32 where it has 16 bits: 1e-12 is 0 there, and a squared length soon infinite."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
