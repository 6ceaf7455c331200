"""Smoothing of scores over time, each class by itself.

Conventions: scores are (T, K); widths are in snippets and odd (an even width takes one more). At the ends of the video
only what exists is averaged, so a constant stays constant.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock

Floats = NDArray[np.float64]
Method = Literal["none", "average", "median", "gaussian"]


def smooth_scores(scores: ArrayLike, clock: Clock, *, method: Method = "average", width_s: float = 1.0) -> Floats:
    """Smooth (T, K) scores over a window of `width_s` seconds (for "gaussian" the full width at half maximum).

    A width below one snippet changes nothing.

    Raises:
        UsageFault: Unknown method or negative width.
    """
    values = np.asarray(scores, np.float64)
    if method not in ("none", "average", "median", "gaussian") or width_s < 0:
        raise UsageFault("E-DET-001", "smoothing", f"method {method!r}, width {width_s} s", "average, median, gaussian")
    width = round(width_s / clock.stride_s)
    if method == "none" or width <= 1 or len(values) < 2:
        return values.copy()
    if method == "average":
        return moving_average(values, width)
    if method == "median":
        return moving_median(values, width)
    return gaussian_smooth(values, width_s / clock.stride_s / 2.3548)  # full width at half maximum -> std


def moving_average(scores: ArrayLike, width: int) -> Floats:
    """Mean over `width` snippets around each one.

    >>> moving_average([[0.0], [3.0], [0.0]], 3).ravel().tolist()
    [1.5, 1.0, 1.5]
    """
    values = np.asarray(scores, np.float64)
    half, count = width // 2, len(values)
    total, low, high = np.zeros_like(values), np.full_like(values, np.inf), np.full_like(values, -np.inf)
    for shift in range(-half, half + 1):  # earliest first, as `MovingAverage` adds: so both round alike
        here, there = slice(max(0, -shift), min(count, count - shift)), slice(max(0, shift), min(count, count + shift))
        if abs(shift) < count:
            total[here] += values[there]
            np.minimum(low[here], values[there], out=low[here])
            np.maximum(high[here], values[there], out=high[here])
    first = np.maximum(np.arange(count) - half, 0)
    stop = np.minimum(np.arange(count) + half + 1, count)
    # A rounded mean may lie beyond its values: without this a mean of ones could be 1 + 1e-16, and no probability.
    return np.clip(total / (stop - first)[:, None], low, high) if count else values.copy()


class MovingAverage:
    """`moving_average` of rows that come one after another, to the last bit; rows may be missing.

    A row comes out when the `width // 2` rows after it are known. Missing rows are left out of every mean, like those
    before the start and after the end.

    >>> mean = MovingAverage(3)
    >>> [mean.push(np.array([value])) for value in (0.0, 3.0)], mean.close()
    ([[], [array([1.5])]], [array([1.5])])
    """

    def __init__(self, width: int) -> None:
        self.half = width // 2
        self._rows: deque[Floats | None] = deque()
        self._before = 0  # how many of the rows held have come out

    def push(self, row: Floats | None) -> list[Floats | None]:
        """The rows that are known now (none or one); a missing row comes out as None, in its place."""
        self._rows.append(row)
        return [self._next()] if len(self._rows) - self._before > self.half else []

    def close(self) -> list[Floats | None]:
        """The rows that waited for others."""
        found = []
        while len(self._rows) > self._before:
            found.append(self._next())
        self._rows.clear()
        self._before = 0
        return found

    def _next(self) -> Floats | None:
        at = self._before
        centre = self._rows[at]
        there = [
            row for row in itertools.islice(self._rows, max(0, at - self.half), at + self.half + 1) if row is not None
        ]
        if self._before == self.half:
            self._rows.popleft()
        else:
            self._before += 1
        if centre is None:
            return None
        total = np.zeros_like(centre)
        for row in there:
            total += row
        return np.clip(total / len(there), np.minimum.reduce(there), np.maximum.reduce(there))


def moving_median(scores: ArrayLike, width: int) -> Floats:
    """Median over `width` snippets around each one; fewer at the ends."""
    values = np.asarray(scores, np.float64)
    half = width // 2
    missing = np.full((half, values.shape[1]), np.nan)
    padded = np.concatenate([missing, values, missing])
    result = np.empty_like(values)
    for k in range(values.shape[1]):  # class by class keeps the memory at T x width
        windows = np.lib.stride_tricks.sliding_window_view(padded[:, k], 2 * half + 1)
        result[:, k] = np.nanmedian(windows, axis=1)
    return result


def gaussian_smooth(scores: ArrayLike, std: float) -> Floats:
    """Gaussian-weighted mean with the given standard deviation in snippets, cut at 4 standard deviations."""
    values = np.asarray(scores, np.float64)
    if std <= 0:
        return values.copy()
    reach = min(max(1, round(4 * std)), len(values) - 1)
    total, weight = values.copy(), np.ones(len(values))
    for step in range(1, reach + 1):
        w = np.exp(-0.5 * (step / std) ** 2)
        total[step:] += w * values[:-step]
        total[:-step] += w * values[step:]
        weight[step:] += w
        weight[:-step] += w
    return np.asarray(total / weight[:, None], np.float64)
