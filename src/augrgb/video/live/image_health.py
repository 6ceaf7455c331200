"""Black and frozen images: what a dead camera, a lens cap or a hung encoder looks like."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

_BLACK_MEAN, _BLACK_HIGH = 20.0, 48.0  # gray levels; limited-range black is 16, and noise lifts a few pixels
_EVERY_S = 0.5

ImageState = Literal["black", "frozen"]


class ImageHealth:
    """Looks at sampled images twice a second.

    Args:
        black_s: So long black is a fault; 0 = never.
        frozen_s: So long without any change is one; 0 = never. Still scenes exist, but a live sensor has noise.
    """

    def __init__(self, black_s: float = 10.0, frozen_s: float = 30.0) -> None:
        self._limits: dict[ImageState, float] = {"black": black_s, "frozen": frozen_s}
        self._since: dict[ImageState, float | None] = {"black": None, "frozen": None}
        self._said: set[ImageState] = set()
        self._before: NDArray[np.uint8] | None = None
        self._next_s = float("-inf")

    @property
    def faulty(self) -> bool:
        """Whether there is nothing to see: such images are not scored."""
        return bool(self._said)

    def look(self, image: NDArray[np.uint8], at_s: float) -> list[tuple[ImageState, bool, float]]:
        """Changes: (state, whether it begins, since when)."""
        if at_s < self._next_s:
            return []
        self._next_s = at_s + _EVERY_S
        gray = image.mean(axis=-1)
        black = float(gray.mean()) < _BLACK_MEAN and float(np.quantile(gray, 0.99)) < _BLACK_HIGH
        same = self._before is not None and np.array_equal(self._before, image)
        self._before = image
        return [*self._judge("black", black, at_s), *self._judge("frozen", same, at_s)]

    def forget(self) -> None:
        """There was a gap: nothing is known about the time in between."""
        self._before = None
        self._since = {"black": None, "frozen": None}

    def _judge(self, state: ImageState, holds: bool, at_s: float) -> list[tuple[ImageState, bool, float]]:
        if not holds:
            self._since[state] = None
            if state in self._said:
                self._said.discard(state)
                return [(state, False, at_s)]
            return []
        since_s = self._since[state]
        if since_s is None:
            since_s = self._since[state] = at_s
        limit_s = self._limits[state]
        if state not in self._said and 0 < limit_s <= at_s - since_s:
            self._said.add(state)
            return [(state, True, since_s)]
        return []
