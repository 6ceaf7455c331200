"""Probabilities of logits, with all their digits.

In float32 a sigmoid near 1 knows only steps of 6e-8, and runtimes approximate it near 0. A calibration with a small
slope turns such a step into a difference that everyone sees, so scores are made of logits here, in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MOST = 30.0  # beyond it, 1 - p has no digits left in float64 either


def probabilities(logits: ArrayLike) -> NDArray[np.float64]:
    """The sigmoid in float64; logits beyond 30 count as 30.

    >>> probabilities([0.0, -2.0, 1000.0]).round(6).tolist()
    [0.5, 0.119203, 1.0]
    >>> bool(probabilities(1000.0) < 1)
    True
    """
    values = np.asarray(logits, np.float64).clip(-_MOST, _MOST)
    small = np.exp(-np.abs(values))
    return np.asarray(np.where(values >= 0, 1.0, small) / (1.0 + small), np.float64)
