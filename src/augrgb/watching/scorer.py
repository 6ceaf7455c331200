"""Windows as they come -> the scores that decide, with the model's state kept in between.

The scores are those that `Detector` computes on the whole file: the same encoder, filter, calibration and smoothing. A
snippet that is missing is masked in the filter and left out of the smoothing. After a gap that is longer than the
filter remembers, its state is that of the start, so the scores of what comes then do not depend on what was before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from augrgb.detection.calibration import calibrate
from augrgb.detection.pipeline import SMOOTHING_S
from augrgb.detection.smoothing import MovingAverage
from augrgb.inference.stepping import StepModel

_ROWS_AT_ONCE = 1024


class ScoredRows(NamedTuple):
    """Scores (n, K) of the snippets from `first` on; zeros where `missing`. `warming_up`: decided on less than the
    model's whole memory."""

    first: int
    scores: NDArray[np.float64]
    missing: bool
    warming_up: bool


class LiveScorer:
    """Scores one source.

    Args:
        model: The causal model.
    """

    def __init__(self, model: StepModel) -> None:
        self.model = model
        width = round(SMOOTHING_S / model.clock.stride_s)
        self._smooth = MovingAverage(width if width > 1 else 1)
        self._states = model.start()
        self._next = self._given = 0  # the next snippet to take, and the next row to give
        self._base = 0  # the first snippet of the state

    @property
    def delay(self) -> int:
        """Snippets after one that are needed before its row is given."""
        return self.model.look_ahead + self._smooth.half

    def push(self, number: int, window: NDArray[np.uint8]) -> Iterator[ScoredRows]:
        """Rows that are known with one more snippet; numbers rise, and those left out are missing."""
        missing = number - self._next
        if missing > self.model.receptive_field + self.delay:
            yield from self._end()
            yield from self._skip_to(number)
        else:
            for _ in range(missing):
                yield from self._step(np.zeros((1, self.model.dim), np.float32), there=False)
        yield from self._step(self.model.encode(window), there=True)

    def close(self) -> Iterator[ScoredRows]:
        """The rows that waited for what comes after them."""
        yield from self._end()

    def _step(self, features: NDArray[np.float32], *, there: bool) -> Iterator[ScoredRows]:
        stepped = self.model.step(features, np.array([there]), self._states)
        self._states = stepped.states
        of = self._next - self.model.look_ahead
        self._next += 1
        if of >= self._base:
            yield from self._smoothed(stepped.scores if stepped.shown[0] else None)

    def _smoothed(self, scores: NDArray[np.float64] | None) -> Iterator[ScoredRows]:
        row = None
        if scores is not None:
            known = self.model.thresholds
            row = calibrate(scores, known.calibrations if known is not None else {}, self.model.classes)[0]
        for done in self._smooth.push(row):
            yield self._row(done)

    def _end(self) -> Iterator[ScoredRows]:
        """Give the rows of all snippets taken so far."""
        taken = self._next
        for _ in range(min(self.model.look_ahead, taken - self._base)):
            blank = np.zeros((1, self.model.dim), np.float32)
            stepped = self.model.step(blank, np.array([False]), self._states)
            self._states = stepped.states
            yield from self._smoothed(stepped.scores if stepped.shown[0] else None)
        for done in self._smooth.close():
            yield self._row(done)

    def _skip_to(self, number: int) -> Iterator[ScoredRows]:
        """Forget everything; the snippets up to `number` are missing."""
        K = len(self.model.classes)
        while self._given < number:
            count = min(_ROWS_AT_ONCE, number - self._given)
            yield ScoredRows(self._given, np.zeros((count, K)), True, True)
            self._given += count
        self._states, self._base, self._next = self.model.start(), number, number

    def _row(self, row: NDArray[np.float64] | None) -> ScoredRows:
        number = self._given
        self._given += 1
        warming = number - self._base < self.model.receptive_field - 1 - self.model.look_ahead
        scores = np.zeros(len(self.model.classes)) if row is None else row
        return ScoredRows(number, scores[None], row is None, warming)
