"""From scores to detections, in the two forms that are needed: ranked for metrics, and final for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault, did_you_mean
from augrgb.core.timeline import Clock
from augrgb.core.types import Detection
from augrgb.detection.decode import decode_scores
from augrgb.detection.nms import nms, soft_nms
from augrgb.detection.smoothing import smooth_scores

SMOOTHING_S = 1.0
DEFAULT_MIN_SCORE = 0.3
"""Score from which a detection is shown where neither the user nor the model says otherwise."""
MinScore = float | Mapping[str, float]
"""One threshold for all classes, or one for each class by name."""
_LEVELS = tuple(float(level) for level in np.round(np.arange(0.1, 0.96, 0.05), 2))


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


def final_detections(
    scores: NDArray[np.floating],
    clock: Clock,
    classes: Sequence[str],
    video_id: str,
    duration_s: float,
    *,
    min_score: MinScore = DEFAULT_MIN_SCORE,
) -> list[Detection]:
    """Smooth raw scores, then see `select_detections`."""
    return select_detections(smoothed(scores, clock), clock, classes, video_id, duration_s, min_score=min_score)


def select_detections(
    smooth: NDArray[np.floating],
    clock: Clock,
    classes: Sequence[str],
    video_id: str,
    duration_s: float,
    *,
    min_score: MinScore = DEFAULT_MIN_SCORE,
) -> list[Detection]:
    """Events to act on or to show, by start: at most one per class at any time.

    Of overlapping candidates of a class the one that stands out most from its surroundings is kept. The score is the
    mean smoothed class score inside, so it can be read as confidence; events below `min_score` are left out.

    Args:
        smooth: Scores as `smoothed` returns them, (T, K) in [0, 1].
        min_score: See `MinScore`.

    Raises:
        UsageFault: E-DET-004, a threshold outside [0, 1], of an unknown class, or missing for a class.
    """
    floors = np.array(min_scores(min_score, classes))
    kept = []
    for floor in np.unique(floors):
        columns = np.flatnonzero(floors == floor).tolist()
        names = [classes[k] for k in columns]
        kept += _from_level(np.asarray(smooth[:, columns]), clock, names, video_id, duration_s, float(floor))
    return sorted(kept, key=lambda item: (item.start_s, item.end_s, item.label))


def min_scores(min_score: MinScore, classes: Sequence[str]) -> tuple[float, ...]:
    """The threshold of each class, in the order of `classes`.

    Raises:
        UsageFault: E-DET-004, see `select_detections`.
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


def _from_level(
    smooth: NDArray[np.floating],
    clock: Clock,
    classes: Sequence[str],
    video_id: str,
    duration_s: float,
    floor: float,
) -> list[Detection]:
    levels = [level for level in _LEVELS if level >= floor] or [floor]
    candidates = decode_scores(smooth, clock, classes, video_id, thresholds=levels, duration_s=duration_s)
    column = {label: k for k, label in enumerate(classes)}
    centers = clock.centers_s(len(smooth))
    kept = []
    for candidate in nms(candidates, tiou_threshold=0.05):
        inside = (centers >= candidate.start_s) & (centers < candidate.end_s)
        level = float(smooth[inside, column[candidate.label]].mean()) if inside.any() else candidate.score
        if level >= floor:
            kept.append(replace(candidate, score=level))
    return kept
