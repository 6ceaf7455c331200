"""Suppression of detections that overlap better ones of the same video and class.

Conventions: overlap is temporal intersection over union; equal scores are taken in input order. All videos and
classes go in step: in each round every (video, class) takes its best remaining detection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault
from augrgb.core.types import Detection

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def nms(
    detections: Sequence[Detection], *, tiou_threshold: float = 0.5, max_per_video: int | None = None
) -> list[Detection]:
    """Keep the best of detections that overlap by more than `tiou_threshold`.

    Returns:
        The kept ones, videos in order of first appearance, best first; at most `max_per_video` of each video.

    Raises:
        UsageFault: Threshold outside [0, 1].
    """
    _check("tiou_threshold", tiou_threshold, 0 <= tiou_threshold <= 1)
    columns = _Columns(detections)
    alive = np.arange(len(detections))
    chosen = []
    while len(alive):
        best = columns.best(alive, columns.score)
        chosen.append(alive[best])
        overlap = columns.overlap_with(alive, best)
        overlap[best] = np.inf
        alive = alive[overlap <= tiou_threshold]
    kept = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
    return columns.ordered(kept, columns.score, max_per_video)


def soft_nms(
    detections: Sequence[Detection],
    *,
    sigma: float = 0.5,
    min_score: float = 0.001,
    max_per_video: int | None = None,
) -> list[Detection]:
    """Lower the scores of overlapping detections by exp(-tIoU^2 / sigma) instead of dropping them.

    Bodla et al., "Soft-NMS", ICCV 2017, eq. 3.

    Args:
        min_score: Detections that fall below it are dropped.

    Returns:
        As `nms`, with the new scores.
    """
    _check("sigma", sigma, sigma > 0)
    columns = _Columns(detections)
    score = columns.score.copy()
    alive = np.flatnonzero(score >= min_score)
    chosen = []
    while len(alive):
        best = columns.best(alive, score)
        chosen.append(alive[best])
        overlap = columns.overlap_with(alive, best)
        rest = np.ones(len(alive), bool)
        rest[best] = False
        alive, overlap = alive[rest], overlap[rest]
        score[alive] *= np.exp(-(overlap**2) / sigma)
        alive = alive[score[alive] >= min_score]
    kept = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
    return columns.ordered(kept, score, max_per_video)


class _Columns:
    """Detections as columns; `group` numbers the pairs of video and class; sorted by group."""

    def __init__(self, detections: Sequence[Detection]) -> None:
        videos: dict[str, int] = {}
        groups: dict[tuple[str, str], int] = {}
        video = [videos.setdefault(d.video_id, len(videos)) for d in detections]
        group = [groups.setdefault((d.video_id, d.label), len(groups)) for d in detections]
        order = np.argsort(np.array(group, np.int64), kind="stable")
        self.detections = [detections[i] for i in order]
        self.place = order  # position in the input: breaks ties
        self.video, self.group = np.array(video, np.int64)[order], np.array(group, np.int64)[order]
        self.start = np.array([d.start_s for d in self.detections], np.float64)
        self.end = np.array([d.end_s for d in self.detections], np.float64)
        self.score = np.array([d.score for d in self.detections], np.float64)

    def best(self, alive: Indices, score: Floats) -> Indices:
        """Positions in `alive` of the best detection of each group."""
        group, value = self.group[alive], score[alive]
        first = np.flatnonzero(np.diff(group, prepend=-1))
        sizes = np.diff(np.append(first, len(alive)))
        top = np.repeat(np.maximum.reduceat(value, first), sizes)
        candidates = np.where(value == top, np.arange(len(alive)), len(alive))
        return np.asarray(np.minimum.reduceat(candidates, first), np.int64)

    def overlap_with(self, alive: Indices, best: Indices) -> Floats:
        """tIoU of each alive detection with the best one of its group."""
        group = self.group[alive]
        sizes = np.diff(np.append(np.flatnonzero(np.diff(group, prepend=-1)), len(alive)))
        against = np.repeat(alive[best], sizes)
        shared = np.minimum(self.end[alive], self.end[against]) - np.maximum(self.start[alive], self.start[against])
        shared = np.maximum(shared, 0)
        union = (self.end[alive] - self.start[alive]) + (self.end[against] - self.start[against]) - shared
        return np.asarray(np.divide(shared, union, out=np.zeros_like(union), where=union > 0), np.float64)

    def ordered(self, kept: Indices, score: Floats, max_per_video: int | None) -> list[Detection]:
        kept = kept[np.lexsort((self.place[kept], -score[kept], self.video[kept]))]
        if max_per_video is not None:
            video = self.video[kept]
            first = np.flatnonzero(np.diff(video, prepend=-1))
            place = np.arange(len(kept)) - np.repeat(first, np.diff(np.append(first, len(kept))))
            kept = kept[place < max_per_video]
        return [replace(self.detections[i], score=float(score[i])) for i in kept]


def _check(name: str, value: float, good: bool) -> None:
    if not good:
        raise UsageFault("E-DET-001", name, f"{value} is out of range", "tIoU in [0, 1], sigma above 0.")
