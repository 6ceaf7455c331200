"""What other videos of the same kind would change: frame mAP of whole videos that are drawn again and again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from augrgb.metrics.frame_map import frame_ap, mean_present_classes

ScoredVideos = Sequence[tuple[NDArray[np.float64], NDArray[np.bool_]]]
"""Scores and truth (T, K) of each video."""

_DRAWS = 400
_WORK = 3e7  # scores sorted in all, at most
_LEAST = 20  # defined values, for an interval


def drawn_frame_maps(runs: Mapping[str, ScoredVideos], rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Frame mAP of each run over videos drawn with replacement, the same videos for all runs.

    Snippets of one video are alike, so whole videos are drawn. The mean is over the classes that occur in the draw.

    Args:
        runs: Run -> its scores and the truth, the same videos in the same order; each run may have its own clock.

    Returns:
        Run -> (draws,) fractions, NaN where no class occurs; 400 draws, fewer (50 at least) where videos are long.

    >>> good = [(np.array([[0.9], [0.1]]), np.array([[True], [False]]))] * 3
    >>> bad = [(1 - scores, truth) for scores, truth in good]
    >>> found = drawn_frame_maps({"good": good, "bad": bad}, np.random.default_rng(0))
    >>> len(found["good"]), percentile_interval(found["good"] - found["bad"])[0] > 0
    (400, True)
    """
    count = len(next(iter(runs.values())))
    size = sum(scores.size for videos in runs.values() for scores, _ in videos)
    draws = int(max(50, min(_DRAWS, _WORK / max(1, size))))
    chosen = [rng.integers(0, count, count) for _ in range(draws)]
    return {name: np.array([frame_map(videos, places) for places in chosen]) for name, videos in runs.items()}


def frame_map(videos: ScoredVideos, places: Sequence[int] | NDArray[np.int64]) -> float:
    """Frame mAP over some of the videos, by their places; one may come twice. NaN if no class occurs."""
    scores, truth = (np.concatenate([videos[place][part] for place in places]) for part in (0, 1))
    return mean_present_classes(frame_ap(scores, truth))


def percentile_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % percentile interval of draws; NaN where fewer than 20 of them are defined."""
    finite = values[np.isfinite(values)]
    if len(finite) < _LEAST:
        return math.nan, math.nan
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)
