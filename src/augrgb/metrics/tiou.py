"""Temporal overlap of segments.

Conventions: a segment is [start, end) in any unit; touching segments overlap by 0. Two empty segments at one place
(0 / 0) have overlap 0 in `tiou` and NaN in `hull_overlap`, whose caller says what the protocol makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.metrics.segments import Segments

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
_PAIRS_AT_ONCE = 2_000_000


def tiou(a: ArrayLike, b: ArrayLike) -> Floats:
    """Intersection over union of every segment of `a` (N, 2) with every one of `b` (M, 2), shape (N, M).

    >>> tiou([[2, 6]], [[0, 2], [2, 6], [3, 5], [5, 9]]).round(3).tolist()
    [[0.0, 1.0, 0.5, 0.143]]
    """
    a = np.asarray(a, np.float64).reshape(-1, 2)
    b = np.asarray(b, np.float64).reshape(-1, 2)
    return paired_tiou(a[:, None, 0], a[:, None, 1], b[None, :, 0], b[None, :, 1])


def paired_tiou(start_a: Floats, end_a: Floats, start_b: Floats, end_b: Floats) -> Floats:
    """Intersection over union, element by element (broadcast); union = sum of lengths - intersection."""
    shared = np.maximum(np.minimum(end_a, end_b) - np.maximum(start_a, start_b), 0.0)
    union = (end_b - start_b) + (end_a - start_a) - shared
    result: Floats = np.divide(shared, union, out=np.zeros_like(union), where=union > 0)
    return result


def hull_overlap(start_a: Floats, end_a: Floats, start_b: Floats, end_b: Floats) -> Floats:
    """(earlier end - later start) / (later end - earlier start): the overlap of the PKU-MMD and TSU evaluators.

    Equals tIoU where the segments intersect and is negative where they do not.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (np.minimum(end_a, end_b) - np.maximum(start_a, start_b))
            / (np.maximum(end_a, end_b) - np.minimum(start_a, start_b)),
            np.float64,
        )


def candidate_pairs(detections: Segments, truth: Segments) -> Iterator[tuple[Indices, Indices]]:
    """All pairs of a detection and an event of the same video and class, in pieces of bounded size.

    Yields:
        Index of the detection (ascending, all its pairs in one piece) and of the event (ascending per detection).
    """
    if not len(detections) or not len(truth):
        return
    classes = int(max(detections.label.max(), truth.label.max())) + 1
    truth_key = truth.video * classes + truth.label
    order = np.argsort(truth_key, kind="stable")
    truth_key = truth_key[order]
    key = detections.video * classes + detections.label
    first = np.searchsorted(truth_key, key, side="left")
    count = np.searchsorted(truth_key, key, side="right") - first
    total = np.cumsum(count)
    begin = 0
    while begin < len(key):
        done = int(total[begin - 1]) if begin else 0
        stop = max(begin + 1, int(np.searchsorted(total, done + _PAIRS_AT_ONCE, side="right")))
        piece = count[begin:stop]
        det = np.repeat(np.arange(begin, stop), piece)
        if len(det):
            inside = np.arange(len(det)) - np.repeat(np.cumsum(piece) - piece, piece)
            yield det, order[np.repeat(first[begin:stop], piece) + inside]
        begin = stop
