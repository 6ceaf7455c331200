"""Smoothing of scores over time, each class by itself.

Conventions: scores are (T, K); widths are in snippets and odd (an even width takes one more). At the ends of the video
only what exists is averaged, so a constant stays constant.
"""

from __future__ import annotations

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
    if not len(values):
        return values.copy()
    half, count = width // 2, len(values)
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    first = np.maximum(np.arange(count) - half, 0)
    stop = np.minimum(np.arange(count) + half + 1, count)
    mean = (total[stop] - total[first]) / (stop - first)[:, None]
    # Differences of sums are rounded: without this a mean of ones can be 1 + 1e-16, and no probability.
    return np.asarray(np.clip(mean, values.min(axis=0), values.max(axis=0)), np.float64)


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
