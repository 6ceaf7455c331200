"""What a round of corrections was worth: frame mAP on the test videos, with an interval over videos.

The test videos are the same in every round, and no correction changes them. Intervals come from a bootstrap over videos
(Efron), 95 %, and the interval of a gain from the same resamples for both rounds; a few videos give a wide one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.annotations.labels import ignored_snippets, rasterise
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset
from augrgb.detection.predictions import Predictions, load_predictions
from augrgb.metrics.frame_map import frame_ap_present

RESAMPLES = 200
_Part = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Worth:
    """Frame mAP of a model and its gain over an earlier one, as fractions; None where there is none.

    Args:
        value, low, high: Mean over classes that occur, with its interval.
        gain, gain_low, gain_high: Over the model of the round before.
        videos: How many test videos.
    """

    value: float | None
    low: float | None
    high: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    videos: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def worth_of(predictions: Path, dataset: Path, split: str, before: Path | None = None) -> Worth:
    """Measure one model by the scores that it gave to the test videos.

    Args:
        predictions: File with the scores of the test videos.
        dataset: Folder of the dataset.
        split: Its split.
        before: The same file of the round before.

    Raises:
        AugrgbError: A file is damaged.
    """
    data = load_dataset(dataset)
    videos = [name for name in role(data, split, "test") if data.videos[name].events is not None]
    parts = _parts(load_predictions(predictions), data, videos)
    old = _parts(load_predictions(before), data, videos) if before is not None else None
    value, reference = _mean(parts), math.nan if old is None else _mean(old)
    rng = rng_at(0, "rounds")
    values, gains = [], []
    for _ in range(RESAMPLES):
        chosen = rng.integers(0, len(parts), len(parts)).tolist()
        values.append(_mean([parts[i] for i in chosen]))
        gains.append(values[-1] - _mean([old[i] for i in chosen]) if old is not None else math.nan)
    return Worth(_known(value), *_interval(values), _known(value - reference), *_interval(gains), len(videos))


def _parts(predictions: Predictions, dataset: Dataset, videos: Sequence[str]) -> list[_Part]:
    found = []
    for name in videos:
        scores, record = predictions.scores[name], dataset.videos[name]
        labels = rasterise(record.events or (), predictions.classes, predictions.clock, len(scores))
        known = ~ignored_snippets(record.ignored, predictions.clock, len(scores))
        found.append((scores[known], labels[known]))
    return found


def _mean(parts: Sequence[_Part]) -> float:
    scores, labels = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    found = frame_ap_present(scores, labels)
    return float(np.mean(found[~np.isnan(found)])) if not np.isnan(found).all() else math.nan


def _interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    known = [value for value in values if not math.isnan(value)]
    if len(known) < RESAMPLES // 2:
        return None, None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
