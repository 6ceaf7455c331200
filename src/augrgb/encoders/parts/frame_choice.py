"""Which frames of a window an image network looks at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spaced(window: int, frames: int) -> NDArray[np.int64]:
    """Numbers of `frames` frames, evenly over a window, repeated where it has fewer.

    >>> spaced(16, 4).tolist(), spaced(4, 4).tolist(), spaced(2, 4).tolist()
    ([2, 6, 10, 14], [0, 1, 2, 3], [0, 0, 1, 1])
    """
    return ((np.arange(frames) + 0.5) * window / frames).astype(np.int64)
