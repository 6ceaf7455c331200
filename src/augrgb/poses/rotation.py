"""Rotations about the coordinate axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rotation(axis: int, degrees: Floats) -> Floats:
    """Right-handed rotations about coordinate axis 0 (x), 1 (y) or 2 (z): (n,) degrees -> (n, 3, 3)."""
    radians = np.radians(degrees)
    cos, sin = np.cos(radians), np.sin(radians)
    result = np.zeros((*radians.shape, 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    result[..., axis, axis] = 1
    result[..., i, i] = result[..., j, j] = cos
    result[..., i, j], result[..., j, i] = -sin, sin
    return result
