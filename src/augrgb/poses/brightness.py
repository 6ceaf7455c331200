"""Dark frames are lifted before a pose network sees them: it was trained on well-lit people."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_WANTED = 0.3
_STRONGEST = 0.35
_WHITE = 99.0
_LEAST_WHITE = 8.0
_MEMORY = 0.9


class DarkLift:
    """Stretches brightness and applies a gamma, following a video slowly, so that it adds no flicker.

    A frame whose mean brightness is 0.3 of white or more stays as it is. In a darker one the brightest hundredth of
    pixels becomes white, and then an exponent takes the mean to 0.3, as far as 0.35 can: what is darker still is noise.
    """

    def __init__(self) -> None:
        self._mean: float | None = None
        self._white = 255.0

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frame, lifted.

        Shape: (H, W, 3) uint8 -> the same.
        """
        few = frame[::4, ::4]
        mean, white = float(few.mean()), float(np.percentile(few.max(axis=2), _WHITE))
        if self._mean is None:
            self._mean, self._white = mean, white
        self._mean += (1 - _MEMORY) * (mean - self._mean)
        self._white += (1 - _MEMORY) * (white - self._white)
        if self._mean >= _WANTED * 255:
            return frame
        stretched = np.clip(np.arange(256) / max(self._white, _LEAST_WHITE), 0, 1)
        table = np.rint(255 * stretched ** lift_exponent(float(stretched[few].mean()))).astype(np.uint8)
        return np.asarray(cv2.LUT(frame, table), np.uint8)


def lift_exponent(mean: float) -> float:
    """The exponent for frames of a mean brightness in [0, 1].

    >>> lift_exponent(0.5), lift_exponent(0.0)
    (1.0, 0.35)
    >>> round(0.16 ** lift_exponent(0.16), 6)
    0.3
    """
    if mean >= _WANTED:
        return 1.0
    return max(_STRONGEST, math.log(_WANTED) / math.log(max(mean, 1e-6)))
