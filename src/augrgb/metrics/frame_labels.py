"""Frame-wise metrics of action segmentation: accuracy (MoF), segmental edit score, F1 at an overlap.

Conventions: one label per frame, -1 = background. Runs of one label are segments; background has none but counts in the
accuracy. F1: each predicted segment takes the true one of its class with the largest overlap (the first of equals), and
is right if that is at least the threshold and was not taken; counts are summed over the videos. The edit score is the
mean over videos. Results are fractions. As in the published script nothing is matched one to one by score.

Source: yabufarha/ms-tcn `eval.py` (Farha and Gall, "MS-TCN", CVPR 2019), after Lea et al., "Temporal Convolutional
Networks for Action Segmentation and Detection", CVPR 2017. Programs differ in where the last segment of a video ends:
MS-TCN after the last frame, ASFormer's copy one frame earlier (`short_last`).
Deviations: a video without any segment, where the script divides by zero, has an edit score of 1 if both agree; F1
without any segment is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.core.errors import InputRefused

BACKGROUND = -1
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FrameRuns:
    """Segments of a video, background left out: label, first frame, frame after the last."""

    label: Ints
    start: Ints
    end: Ints


def frame_runs(labels: ArrayLike, *, short_last: bool = False) -> FrameRuns:
    """The runs of equal labels of a video.

    >>> runs = frame_runs([-1, 3, 3, 5, 5])
    >>> runs.label.tolist(), runs.start.tolist(), runs.end.tolist()
    ([3, 5], [1, 3], [3, 5])
    """
    frames = np.asarray(labels, np.int64)
    borders = np.flatnonzero(np.diff(frames)) + 1
    start = np.concatenate([[0], borders])[: len(frames)].astype(np.int64)
    end = np.concatenate([borders, [len(frames) - short_last]])[: len(start)].astype(np.int64)
    kept = frames[start] != BACKGROUND
    return FrameRuns(frames[start][kept], start[kept], end[kept])


def frame_accuracy(predicted: Sequence[ArrayLike], truth: Sequence[ArrayLike]) -> float:
    """Share of all frames with the right label, background included (MoF)."""
    pairs = [_pair(*pair) for pair in zip(predicted, truth, strict=True)]
    total = sum(len(known) for _, known in pairs)
    return sum(int((found == known).sum()) for found, known in pairs) / total if total else float("nan")


def edit_score(predicted: ArrayLike, truth: ArrayLike) -> float:
    """1 - Levenshtein distance of the orders of segments / length of the longer one, of one video.

    >>> edit_score([0, 0, 1, 2], [0, 1, 1, 1])  # 0 1 2 instead of 0 1
    0.6666666666666667
    """
    found, known = frame_runs(predicted).label, frame_runs(truth).label
    longer = max(len(found), len(known))
    row = np.arange(len(known) + 1)
    for number, label in enumerate(found, 1):
        swapped = row[:-1] + (known != label)
        best = np.concatenate([[number], np.minimum(swapped, row[1:] + 1)])
        steps = np.arange(len(best))
        row = np.minimum.accumulate(best - steps) + steps  # insertions
    return 1 - float(row[-1]) / longer if longer else 1.0


@dataclass(frozen=True, slots=True)
class SegmentCounts:
    """Right, wrong and missed segments."""

    right: int
    wrong: int
    missed: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 where there is nothing right."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right else 0.0


def segment_counts(
    predicted: Sequence[ArrayLike], truth: Sequence[ArrayLike], overlap: float, *, short_last: bool = False
) -> SegmentCounts:
    """Segments of all videos counted at an overlap (IoU) in (0, 1]."""
    right = wrong = missed = 0
    for pair in zip(predicted, truth, strict=True):
        found, known = (frame_runs(labels, short_last=short_last) for labels in _pair(*pair))
        taken = np.zeros(len(known.label), bool)
        for label, start, end in zip(found.label, found.start, found.end, strict=True):
            shared = np.minimum(end, known.end) - np.maximum(start, known.start)
            hull = np.maximum(end, known.end) - np.minimum(start, known.start)
            ratio = shared / np.maximum(hull, 1) * (known.label == label)
            best = int(ratio.argmax()) if len(ratio) else -1
            if best >= 0 and ratio[best] >= overlap and not taken[best]:
                taken[best] = True
                right += 1
            else:
                wrong += 1
        missed += int((~taken).sum())
    return SegmentCounts(right, wrong, missed)


def labels_of_scores(scores: ArrayLike) -> Ints:
    """One label per frame of scores (T, K): the largest score's class; background where none reaches 0.5.

    Rows that sum to 1 are distributions over the classes: their largest class counts, however small.
    """
    values = np.asarray(scores, np.float64)
    whole = np.abs(values.sum(axis=1) - 1) < 1e-3
    return np.where(whole | (values.max(axis=1) >= 0.5), values.argmax(axis=1), BACKGROUND).astype(np.int64)


def labels_of_truth(targets: ArrayLike, where: object) -> Ints:
    """One label per frame of truth (T, K).

    Raises:
        InputRefused: E-MET-017: a frame has several.
    """
    values = np.asarray(targets) != 0
    if (values.sum(axis=1) > 1).any():
        frame = int(np.flatnonzero(values.sum(axis=1) > 1)[0])
        problem = f"snippet {frame} has several labels, frame-wise metrics know one"
        raise InputRefused("E-MET-017", where, problem, "Take a per-frame mAP, such as frame-map/present.")
    return np.where(values.any(axis=1), values.argmax(axis=1), BACKGROUND).astype(np.int64)


def _pair(predicted: ArrayLike, truth: ArrayLike) -> tuple[Ints, Ints]:
    found, known = np.asarray(predicted, np.int64), np.asarray(truth, np.int64)
    if found.shape != known.shape or found.ndim != 1:
        raise InputRefused("E-MET-001", "frame labels", f"{found.shape} predicted, {known.shape} annotated frames")
    return found, known
