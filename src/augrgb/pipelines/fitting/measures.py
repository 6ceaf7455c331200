"""How good scores are, with intervals over videos: what a few videos can and cannot say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.labels import ignored_snippets, rasterise
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset
from augrgb.detection.choose_rules import FEW_EVENTS
from augrgb.detection.predictions import Predictions
from augrgb.metrics.frame_map import frame_ap

_DRAWS = 400
_WORK = 3e7  # scores sorted in all, at most


@dataclass(frozen=True)
class Measured:
    """Frame mAP of some methods on the same videos, fractions.

    Args:
        videos: How many.
        classes: Those over which the mean is taken: with at least five events, or, if there is none, with any.
        value: By method; NaN where not defined.
        interval: By method, 95 % over videos (percentile bootstrap).
        gain: Method -> its difference to plain RGB, with its interval.
        per_class: Method -> class -> average precision, only of classes with at least five events.
        events: Class -> number of events.
    """

    videos: int
    classes: tuple[str, ...]
    value: Mapping[str, float] = field(default_factory=dict)
    interval: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    gain: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    per_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)

    @property
    def few(self) -> tuple[str, ...]:
        """Classes with too few events to measure."""
        return tuple(label for label, count in self.events.items() if count < FEW_EVENTS)


def measure(predictions: Mapping[str, Predictions], dataset: Dataset, videos: Sequence[str], *, seed: int) -> Measured:
    """Frame mAP of several methods that scored the same videos.

    The bootstrap draws whole videos, since snippets of one video are alike.
    """
    classes = dataset.classes
    events = {
        label: sum(e.label == label for name in videos for e in dataset.videos[name].events or ()) for label in classes
    }
    enough = [label for label in classes if events[label] >= FEW_EVENTS]
    counted = enough or [label for label in classes if events[label]]
    if not counted or not predictions:
        return Measured(len(videos), tuple(counted), events=events)
    columns = [classes.index(label) for label in counted]
    truth, scores, owner = _rows(predictions, dataset, videos, columns)
    everything = np.arange(len(truth))
    aps = {name: _ap(values, truth, everything) for name, values in scores.items()}
    value = {name: _mean(ap) for name, ap in aps.items()}
    draws = _draws(scores, truth, owner, len(videos), seed)
    interval = {name: _interval(draws[name]) for name in scores}
    gain = {
        name: (value[name] - value["rgb"], *_interval(draws[name] - draws["rgb"]))
        for name in scores
        if name != "rgb" and "rgb" in scores
    }
    per_class = {n: {c: float(a) for c, a in zip(counted, ap, strict=True) if c in enough} for n, ap in aps.items()}
    return Measured(len(videos), tuple(counted), value, interval, gain, per_class, events)


def _rows(
    predictions: Mapping[str, Predictions], dataset: Dataset, videos: Sequence[str], columns: list[int]
) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    """Truth (N, K) and scores of all known snippets, and the number of the video of each."""
    clock = next(iter(predictions.values())).clock
    truth, owner = [], []
    scores: dict[str, list[NDArray[np.float64]]] = {name: [] for name in predictions}
    for number, video_id in enumerate(videos):
        video = dataset.videos[video_id]
        count = len(next(iter(predictions.values())).scores[video_id])
        known = ~ignored_snippets(video.ignored, clock, count)
        truth.append(rasterise(video.events or (), dataset.classes, clock, count)[known][:, columns] > 0)
        owner.append(np.full(int(known.sum()), number))
        for name, found in predictions.items():
            scores[name].append(np.asarray(found.scores[video_id], np.float64)[known][:, columns])
    return np.concatenate(truth), {n: np.concatenate(v) for n, v in scores.items()}, np.concatenate(owner)


def _draws(
    scores: Mapping[str, NDArray[np.float64]],
    truth: NDArray[np.bool_],
    owner: NDArray[np.int64],
    videos: int,
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    rng = rng_at(seed, "bootstrap over videos")
    rows = [np.flatnonzero(owner == number) for number in range(videos)]
    count = int(max(50, min(_DRAWS, _WORK / max(1, truth.size * len(scores)))))
    found: dict[str, list[float]] = {name: [] for name in scores}
    for _ in range(count):
        drawn = np.concatenate([rows[number] for number in rng.integers(0, videos, videos)])
        for name, values in scores.items():
            found[name].append(_mean(_ap(values, truth, drawn)))
    return {name: np.array(values) for name, values in found.items()}


def _ap(scores: NDArray[np.float64], truth: NDArray[np.bool_], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    ap = frame_ap(scores[rows], truth[rows])
    return np.where(truth[rows].any(axis=0), ap, np.nan)


def _mean(ap: NDArray[np.float64]) -> float:
    return float(np.nanmean(ap)) if np.isfinite(ap).any() else math.nan


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if len(finite) < 20:
        return math.nan, math.nan
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)
