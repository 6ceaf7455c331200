"""Two or more streams together: late fusion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock, nearest_snippets


def late_fusion(
    scores: Sequence[tuple[NDArray[np.float32], Clock]], clock: Clock, count: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Mean of several streams' scores, aligned by time.

    Where a stream has no snippet near enough, the mean is over the others.

    Args:
        scores: For each stream its sigmoid scores (T_i, K) and their clock.
        clock: The time base of the result.
        count: T, snippets of the result.

    Returns:
        scores (T, K), and how many streams spoke at each snippet (T,); scores are 0 where none did.

    Raises:
        InputRefused: E-MOD-005, streams with different numbers of classes.
    """
    widths = {values.shape[1] for values, _ in scores}
    if len(widths) != 1:
        raise InputRefused("E-MOD-005", "late fusion", f"streams score {sorted(widths)} classes, expected one number")
    total = np.zeros((count, widths.pop()), np.float64)
    voices = np.zeros(count, np.int64)
    for values, own_clock in scores:
        indices, there = nearest_snippets(own_clock, len(values), clock, count)
        if len(values):
            total += np.where(there[:, None], values[indices], 0)
        voices += there
    return (total / np.maximum(voices, 1)[:, None]).astype(np.float32), voices
