"""What kind of mistakes a detector makes: the diagnosis of false positives, errors of boundaries, AP by duration.

Conventions: seconds; detections are matched to events as in `tiou_map`. The diagnosis follows DETAD (Alwassel, Caba
Heilbron, Escorcia, Ghanem, *Diagnosing Error in Temporal Action Detectors*, ECCV 2018, section 4): of each class the
`most` x G best-scored detections are looked at, G being its number of events, and each is one of `KINDS`. DETAD asks
for the event with the largest tIoU whatever its class; in video where several actions happen at once that would call a
good detection wrong because a longer action surrounds it, so here an event of the detection's own class goes first.
What a kind of mistake costs is the mAP that would be gained if those detections were not there, as DETAD measures it
(but of mAP at one tIoU, where DETAD takes its mean over thresholds, normalized by class).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.metrics.segments import Segments
from augrgb.metrics.tiou import paired_tiou
from augrgb.metrics.tiou_map import DetectionPairs, interpolated_area

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

KINDS = ("true positive", "double detection", "localization error", "wrong label", "confusion", "background")
"""Double: overlaps an event that a better detection took. Localization: right class, tIoU of 0.1 up to the threshold.
Wrong label: tIoU at the threshold with an event of another class. Confusion: with one of 0.1 up to the threshold.
Background: less than 0.1 with every event."""
_LEAST = 0.1


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Kinds of the best-scored detections.

    Args:
        threshold: tIoU of a true positive.
        kinds: (most, 6) counts by `KINDS`; row m holds the detections ranked from m x G to (m + 1) x G in their class.
        start_error_s, end_error_s: (N,) detected minus annotated, of the N true positives; positive = late.
        events: Annotated events.
        costs: (6,) mAP at `threshold` gained by leaving out all detections of a kind, fractions; 0 for the first.
    """

    threshold: float
    kinds: Indices
    start_error_s: Floats
    end_error_s: Floats
    events: int
    costs: Floats


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """The curve of one class, a point per detection from the best score down; fractions."""

    label: int
    precision: Floats
    recall: Floats
    ap: float


def diagnose(detections: Segments, truth: Segments, *, threshold: float = 0.5, most: int = 10) -> Diagnosis:
    """Kinds of mistakes and errors of boundaries.

    Raises:
        InputRefused: E-MET-007, the truth has no event.

    >>> truth = Segments.of([(0, 0, 0.0, 10.0, 1.0), (0, 1, 20.0, 30.0, 1.0)])
    >>> found = Segments.of([(0, 0, 1.0, 10.0, 0.9), (0, 0, 0.0, 9.0, 0.8), (0, 1, 40.0, 50.0, 0.7)])
    >>> counts = diagnose(found, truth).kinds.sum(axis=0)
    >>> dict(zip(KINDS, counts.tolist()))["double detection"], diagnose(found, truth).start_error_s.tolist()
    (1, [1.0])
    >>> better = Segments.of([(0, 0, 30.0, 40.0, 0.9), (0, 0, 0.0, 9.0, 0.8)])
    >>> dict(zip(KINDS, diagnose(better, truth).costs.tolist()))["background"]  # AP of class 0: 0.5 -> 1
    0.25
    """
    _check(truth)
    everything = ranked = _best_first(detections)
    place = _place(ranked.label)
    events = np.bincount(truth.label, minlength=1 + int(max(ranked.label.max(initial=0), truth.label.max())))
    chosen = place < most * events[ranked.label]
    ranked, place = ranked.take(chosen), place[chosen]
    assigned = DetectionPairs(ranked, truth, _LEAST).assigned(threshold)
    same, other = _nearest(ranked, truth)
    kind = np.full(len(ranked), KINDS.index("background"))
    kind[other >= _LEAST] = KINDS.index("confusion")
    kind[other >= threshold] = KINDS.index("wrong label")
    kind[same >= _LEAST] = KINDS.index("localization error")
    kind[same >= threshold] = KINDS.index("double detection")
    kind[assigned >= 0] = KINDS.index("true positive")
    of_all = np.full(len(everything), -1)
    of_all[chosen] = kind
    counts = np.zeros((most, len(KINDS)), np.int64)
    np.add.at(counts, (place // np.maximum(events[ranked.label], 1), kind), 1)
    hit = assigned >= 0
    return Diagnosis(
        threshold,
        counts,
        ranked.start[hit] - truth.start[assigned[hit]],
        ranked.end[hit] - truth.end[assigned[hit]],
        len(truth),
        _costs(everything, of_all, truth, threshold),
    )


def precision_recall(detections: Segments, truth: Segments, *, threshold: float = 0.5) -> tuple[PrecisionRecall, ...]:
    """The precision-recall curve of every class in the truth.

    Raises:
        InputRefused: E-MET-007, the truth has no event.

    >>> truth = Segments.of([(0, 0, 0.0, 10.0, 1.0)])
    >>> found = Segments.of([(0, 0, 30.0, 40.0, 0.9), (0, 0, 0.0, 9.0, 0.8)])
    >>> precision_recall(found, truth)[0].precision.tolist(), precision_recall(found, truth)[0].ap
    ([0.0, 0.5], 0.5)
    """
    _check(truth)
    ranked = _best_first(detections)
    hit = DetectionPairs(ranked, truth, threshold).assigned(threshold) >= 0
    return tuple(_curves(ranked.label, hit, truth))


def map_by_duration(
    detections: Segments, truth: Segments, edges: Sequence[float], *, threshold: float = 0.5
) -> tuple[tuple[float, int], ...]:
    """mAP of the events of each range of durations, and how many events that are.

    As COCO does with areas of boxes: events outside the range are neither hits nor misses, and what is detected in
    their place, or is itself outside the range without a match, does not count.

    Args:
        edges: Ascending seconds; range i is [edges[i], edges[i + 1]).

    Returns:
        (mean AP over the classes with events in the range, or NaN; number of events) for each range.

    Raises:
        InputRefused: E-MET-007, the truth has no event.
    """
    _check(truth)
    ranked = _best_first(detections)
    assigned = DetectionPairs(ranked, truth, threshold).assigned(threshold)
    length, found_length = truth.end - truth.start, ranked.end - ranked.start
    results = []
    for low, high in itertools.pairwise(edges):
        inside = (length >= low) & (length < high)
        hit = (assigned >= 0) & inside[assigned]
        missed = (assigned < 0) & (found_length >= low) & (found_length < high)
        aps = []
        for label in np.unique(truth.label[inside]):
            rows = (ranked.label == label) & (hit | missed)
            tp = np.cumsum(hit[rows])
            positives = np.count_nonzero(inside & (truth.label == label))
            precision = tp / np.arange(1, len(tp) + 1)
            aps.append(float(interpolated_area(precision, tp / positives)) if len(tp) else 0.0)
        results.append((float(np.mean(aps)) if aps else float("nan"), int(inside.sum())))
    return tuple(results)


def confusion(detections: Segments, truth: Segments, classes: int) -> Indices:
    """Which class a detection of each class was really. Shape: (classes + 1, classes + 1).

    Row = class of the detection, column = class of the event that it overlaps: one of its own class if the tIoU is at
    least 0.1, else the one with the largest tIoU of at least 0.1, else the last column ("nothing"). The last row counts
    events that no detection of their class overlaps ("missed").
    """
    table = np.zeros((classes + 1, classes + 1), np.int64)
    same, other, other_label = _nearest_with_label(detections, truth)
    column = np.where(same >= _LEAST, detections.label, np.where(other >= _LEAST, other_label, classes))
    np.add.at(table, (detections.label, column), 1)
    met, _, _ = _nearest_with_label(truth, detections)
    np.add.at(table[classes], truth.label[met < _LEAST], 1)
    return table


def seconds_together(segments: Segments, classes: int) -> Floats:
    """For how long each two classes happen at once. Shape: (classes, classes), diagonal = seconds of the class."""
    table = np.zeros((classes, classes))
    for video in np.unique(segments.video):
        rows = segments.take(segments.video == video)
        borders = np.unique(np.concatenate([rows.start, rows.end]))
        steps = np.zeros((len(borders), classes))
        np.add.at(steps, (np.searchsorted(borders, rows.start), rows.label), 1.0)
        np.add.at(steps, (np.searchsorted(borders, rows.end), rows.label), -1.0)
        on = np.cumsum(steps, axis=0)[:-1] > 0.5
        table += (on * np.diff(borders)[:, None]).T @ on
    return table


def _curves(label: Indices, hit: NDArray[np.bool_], truth: Segments) -> Iterator[PrecisionRecall]:
    """Curves of the classes in the truth; labels and hits of detections from the best score down."""
    for one in np.unique(truth.label):
        tp = np.cumsum(hit[label == one])
        precision = tp / np.arange(1, len(tp) + 1)
        recall = tp / np.count_nonzero(truth.label == one)
        ap = float(interpolated_area(precision, recall)) if len(tp) else 0.0
        yield PrecisionRecall(int(one), precision, recall, ap)


def _costs(ranked: Segments, kind: Indices, truth: Segments, threshold: float) -> Floats:
    """A mistake takes no event from another detection, so leaving it out changes no match."""
    hit = DetectionPairs(ranked, truth, threshold).assigned(threshold) >= 0

    def mean_ap(kept: NDArray[np.bool_]) -> float:
        return float(np.mean([curve.ap for curve in _curves(ranked.label[kept], hit[kept], truth)]))

    all_in = mean_ap(np.ones(len(ranked), bool))
    return np.array([0.0, *(mean_ap(kind != one) - all_in for one in range(1, len(KINDS)))])


def _check(truth: Segments) -> None:
    if not len(truth):
        raise InputRefused("E-MET-007", "error analysis", "the truth has no event in these videos", "Check the split.")


def _best_first(detections: Segments) -> Segments:
    return detections.take(np.argsort(-detections.score, kind="stable"))


def _place(label: Indices) -> Indices:
    """Place of each detection among those of its class, 0 = best."""
    place = np.empty(len(label), np.int64)
    for one in np.unique(label):
        rows = np.flatnonzero(label == one)
        place[rows] = np.arange(len(rows))
    return place


def _nearest(segments: Segments, others: Segments) -> tuple[Floats, Floats]:
    same, other, _ = _nearest_with_label(segments, others)
    return same, other


def _nearest_with_label(segments: Segments, others: Segments) -> tuple[Floats, Floats, Indices]:
    """Per segment (N,): largest tIoU with another of its video and class, of other classes, and that one's class."""
    same, other = np.zeros(len(segments)), np.zeros(len(segments))
    other_label = np.full(len(segments), -1)
    for video in np.unique(segments.video):
        near = others.take(others.video == video)
        mine = np.flatnonzero(segments.video == video)
        for rows in np.array_split(mine, 1 + len(mine) * len(near) // 2_000_000) if len(near) else ():
            overlap = paired_tiou(
                segments.start[rows, None], segments.end[rows, None], near.start[None], near.end[None]
            )
            equal = segments.label[rows, None] == near.label[None]
            same[rows] = np.where(equal, overlap, 0.0).max(axis=1)
            different = np.where(equal, 0.0, overlap)
            other[rows] = different.max(axis=1)
            other_label[rows] = near.label[different.argmax(axis=1)]
    return same, other, other_label
