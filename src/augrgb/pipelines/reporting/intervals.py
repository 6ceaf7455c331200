"""How much of a difference between runs may be chance: a bootstrap over the videos that all of them scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.labels import ignored_snippets, rasterise
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset
from augrgb.detection.predictions import Predictions
from augrgb.metrics.frame_map import frame_ap, mean_present_classes

PROTOCOL = "frame-map/present"
FEW_VIDEOS = 3
_DRAWS = 400
_WORK = 3e7  # scores sorted in all, at most

_Pairs = list[tuple[NDArray[np.float64], NDArray[np.bool_]]]


def difference_intervals(
    predictions: Mapping[str, Predictions], dataset: Dataset, videos: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Run -> 95 % interval of its frame mAP minus that of the first run, fractions (percentile bootstrap).

    Snippets of one video are alike, so whole videos are drawn, the same ones for all runs. It says what other videos
    would change, not what another training would.

    Args:
        predictions: Runs by name; each may have a clock of its own.
        videos: Those with labels.

    Returns:
        Nothing where fewer than three videos were scored by all runs.
    """
    both = [video for video in videos if all(video in one.scores for one in predictions.values())]
    first, *others = predictions
    if len(both) < FEW_VIDEOS or not others:
        return {}
    rows = {name: _rows(one, dataset, both) for name, one in predictions.items()}
    size = sum(scores.size for pairs in rows.values() for scores, _ in pairs)
    rng = rng_at(0, "report over videos")
    drawn = [rng.integers(0, len(both), len(both)) for _ in range(int(max(50, min(_DRAWS, _WORK / max(1, size)))))]
    values = {name: np.array([_frame_map(pairs, chosen) for chosen in drawn]) for name, pairs in rows.items()}
    found = {}
    for name in others:
        gains = values[name] - values[first]
        low, high = np.nanquantile(gains, [0.025, 0.975]) if np.isfinite(gains).any() else (np.nan, np.nan)
        found[name] = float(low), float(high)
    return found


def _rows(predictions: Predictions, dataset: Dataset, videos: Sequence[str]) -> _Pairs:
    """Scores and truth (T, K) of the known snippets of each video."""
    found: _Pairs = []
    for name in videos:
        video, scores = dataset.videos[name], np.asarray(predictions.scores[name], np.float64)
        known = ~ignored_snippets(video.ignored, predictions.clock, len(scores))
        truth = rasterise(video.events or (), dataset.classes, predictions.clock, len(scores)) > 0
        found.append((scores[known], truth[known]))
    return found


def _frame_map(pairs: _Pairs, chosen: NDArray[np.int64]) -> float:
    scores, truth = (np.concatenate([pairs[place][part] for place in chosen]) for part in (0, 1))
    return mean_present_classes(frame_ap(scores, truth))
