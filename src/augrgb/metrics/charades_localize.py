"""The official Charades localisation score: AP on 25 points per video.

Conventions: point j = 0..24 lies at j / 25 of the video's length (never at its end). A class is positive there if an
action lasts from at most that time to at least that time, both ends included. Scores of points that were not
submitted are minus infinity and still count. AP per class over all videos x 25 points in file order, equal scores in
that order; a class without positives has AP NaN, which makes both published means NaN; `map_present` is the corrected
form that leaves such classes out.

Source: `Charades_v1_localize.m` of the Charades distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.core.errors import InputRefused
from augrgb.metrics.frame_map import frame_ap_present, frequency_weighted_terms

Floats = NDArray[np.float64]
POINTS = 25


@dataclass(frozen=True, slots=True)
class LocalizeReport:
    """Fractions: AP per class (K,), plain mean, mean weighted by positives, and the mean over classes present."""

    ap: Floats
    map: float
    weighted_map: float
    map_present: float


def point_times(length_s: float) -> Floats:
    """The 25 points of a video, seconds, shape (25,)."""
    return np.asarray(np.arange(POINTS) / POINTS * length_s, np.float64)


def point_labels(actions: Sequence[tuple[int, float, float]], length_s: float, num_classes: int) -> NDArray[np.bool_]:
    """Truth at the 25 points of one video.

    Args:
        actions: (class index, start, end), seconds.

    Returns:
        (25, K) bool.
    """
    times = point_times(length_s)
    labels = np.zeros((POINTS, num_classes), bool)
    for label, start, end in actions:
        labels[:, label] |= (start <= times) & (times <= end)
    return labels


def submitted_scores(
    rows: Sequence[tuple[str, int, Sequence[float]]], videos: Sequence[str], num_classes: int
) -> Floats:
    """The scores of a submission file as an array (V, 25, K), minus infinity where nothing was submitted.

    Args:
        rows: (video, frame number, K scores); frames count from 1, or from 0 if the smallest number is 0.

    Raises:
        InputRefused: An unknown video, a frame number outside the 25, a row of the wrong length.
    """
    shift = 0 if rows and min(frame for _, frame, _ in rows) == 0 else 1
    index: Mapping[str, int] = {video: v for v, video in enumerate(videos)}
    scores = np.full((len(videos), POINTS, num_classes), -np.inf)
    for video, frame, values in rows:
        if video not in index:
            raise InputRefused("E-MET-003", repr(video), "scores for a video that is not evaluated")
        if not 0 <= frame - shift < POINTS or len(values) != num_classes:
            problem = f"frame {frame} with {len(values)} scores, expected frames 1..{POINTS} with {num_classes}"
            raise InputRefused("E-MET-001", video, problem)
        scores[index[video], frame - shift] = values
    return scores


def charades_localize(scores: ArrayLike, labels: ArrayLike) -> LocalizeReport:
    """AP per class and the means.

    Args:
        scores, labels: (V, 25, K), videos in the order of the annotation file.
    """
    values, truth = np.asarray(scores), np.asarray(labels)
    if values.ndim != 3 or values.shape != truth.shape or values.shape[1] != POINTS:
        problem = f"scores {values.shape} and labels {truth.shape}, expected both (V, {POINTS}, K)"
        raise InputRefused("E-MET-001", "charades_localize", problem)
    classes = values.shape[2]
    truth = truth.reshape(-1, classes)
    ap = frame_ap_present(values.reshape(-1, classes), truth)
    present = ap[~np.isnan(ap)]
    return LocalizeReport(
        ap=ap,
        map=float(ap.mean()),
        weighted_map=float(frequency_weighted_terms(ap, truth).sum()),
        map_present=float(present.mean()) if len(present) else float("nan"),
    )
