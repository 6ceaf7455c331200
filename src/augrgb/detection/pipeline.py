"""From scores to detections, in the two forms that are needed: ranked for metrics, and final for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from augrgb.core.timeline import Clock
from augrgb.core.types import Detection
from augrgb.detection.decode import decode_scores
from augrgb.detection.nms import nms, soft_nms
from augrgb.detection.smoothing import smooth_scores

SMOOTHING_S = 1.0
_LEVELS = tuple(float(level) for level in np.round(np.arange(0.1, 0.96, 0.05), 2))


def ranked_detections(
    scores: NDArray[np.floating], clock: Clock, classes: Sequence[str], video_id: str, duration_s: float
) -> list[Detection]:
    """Many nested candidates with scores for ranking: smoothing, segments at many thresholds, soft suppression.

    Shape: scores (T, K) in [0, 1].
    """
    smooth = smooth_scores(scores, clock, width_s=SMOOTHING_S)
    return soft_nms(decode_scores(smooth, clock, classes, video_id, duration_s=duration_s))


def final_detections(
    scores: NDArray[np.floating],
    clock: Clock,
    classes: Sequence[str],
    video_id: str,
    duration_s: float,
    *,
    min_score: float = 0.3,
) -> list[Detection]:
    """Events to act on or to show, by start: at most one per class at any time.

    Of overlapping candidates of a class the one that stands out most from its surroundings is kept. The score is the
    mean smoothed class score inside, so it can be read as confidence; events below `min_score` are left out.

    Shape: scores (T, K) in [0, 1].
    """
    smooth = smooth_scores(scores, clock, width_s=SMOOTHING_S)
    levels = [level for level in _LEVELS if level >= min_score] or [min_score]
    candidates = decode_scores(smooth, clock, classes, video_id, thresholds=levels, duration_s=duration_s)
    column = {label: k for k, label in enumerate(classes)}
    centres = clock.centres_s(len(smooth))
    kept = []
    for candidate in nms(candidates, tiou_threshold=0.05):
        inside = (centres >= candidate.start_s) & (centres < candidate.end_s)
        level = float(smooth[inside, column[candidate.label]].mean()) if inside.any() else candidate.score
        if level >= min_score:
            kept.append(replace(candidate, score=level))
    return sorted(kept, key=lambda item: (item.start_s, item.end_s, item.label))
