"""From scores to detections, in the two forms that are needed: ranked for metrics, and final for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.core.errors import UsageFault, did_you_mean
from augrgb.core.timeline import Clock
from augrgb.core.types import Detection
from augrgb.detection.calibration import Calibration, calibrate
from augrgb.detection.decode import decode_scores
from augrgb.detection.event_rule import find_events
from augrgb.detection.nms import soft_nms
from augrgb.detection.smoothing import smooth_scores

SMOOTHING_S = 1.0
MinScore = float | Mapping[str, float]
"""One threshold for all classes, or one for each class by name."""


def smoothed(scores: NDArray[np.floating], clock: Clock) -> NDArray[np.float64]:
    """The scores from which detections are decoded, and which a timeline draws beside them. Shape: (T, K) -> same."""
    return smooth_scores(scores, clock, width_s=SMOOTHING_S)


def ranked_detections(
    scores: NDArray[np.floating], clock: Clock, classes: Sequence[str], video_id: str, duration_s: float
) -> list[Detection]:
    """Many nested candidates with scores for ranking: smoothing, segments at many thresholds, soft suppression.

    Shape: scores (T, K) in [0, 1].
    """
    return soft_nms(decode_scores(smoothed(scores, clock), clock, classes, video_id, duration_s=duration_s))


def deciding_scores(
    scores: ArrayLike,
    clock: Clock,
    classes: Sequence[str],
    calibrations: Mapping[str, Calibration] = MappingProxyType({}),
) -> NDArray[np.float64]:
    """Calibrated, then smoothed scores: the ones that event rules see and that are published. Shape: (T, K) -> same."""
    return smoothed(calibrate(scores, calibrations, classes), clock)


def final_detections(
    scores: NDArray[np.floating], clock: Clock, classes: Sequence[str], video_id: str, duration_s: float
) -> list[Detection]:
    """Events to show of raw scores whose model says nothing about thresholds: the default rule."""
    return find_events(smoothed(scores, clock), clock, classes, video_id, duration_s)


def min_scores(min_score: MinScore, classes: Sequence[str]) -> tuple[float, ...]:
    """The threshold of each class, in the order of `classes`.

    Raises:
        UsageFault: E-DET-004, not one score in [0, 1] for each class.
    """
    if isinstance(min_score, Mapping):
        unknown = [name for name in min_score if name not in classes]
        if unknown:
            raise UsageFault("E-DET-004", f"min_score.{unknown[0]}", "no such class", did_you_mean(unknown[0], classes))
        missing = [name for name in classes if name not in min_score]
        if missing:
            raise UsageFault("E-DET-004", "min_score", f"none for {', '.join(missing)}", "Give one per class.")
        floors = tuple(float(min_score[name]) for name in classes)
    else:
        floors = (float(min_score),) * len(classes)
    if not all(0 <= floor <= 1 for floor in floors):
        raise UsageFault("E-DET-004", "min_score", f"is {min_score}", "Give scores in [0, 1].")
    return floors
