"""Pairs of student and teacher snippets for losses that compare snippets with each other."""

from __future__ import annotations

import torch
from torch import Tensor

from augrgb.core.batch import Batch, StreamOutput


def snippet_pairs(student: StreamOutput, teacher: StreamOutput, batch: Batch, most: int) -> tuple[Tensor, Tensor]:
    """Features of the batch's real snippets, of at most `most` drawn at random (they keep their order).

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T) -> (N, Cs), (N, Ct).
    """
    s, g = student.features[batch.mask], teacher.features[batch.mask]
    if len(s) > most:
        pick = torch.randperm(len(s), device=s.device)[:most].sort().values
        s, g = s[pick], g[pick]
    return s, g
