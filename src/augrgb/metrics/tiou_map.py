"""Mean average precision of detections at temporal IoU thresholds: the THUMOS14 and ActivityNet protocols.

Conventions: any time unit. Per class, detections of all videos by descending score (equal scores keep their input
order; the published sort leaves it open); each takes, of the events of its video and class, the one with the largest
tIoU that is not yet taken, if that tIoU is >= the threshold, and is a false positive otherwise. Equal tIoU goes to
the later event. AP is the area under the precision envelope. The mean runs over the classes present in the truth; a
class without detections has AP 0, and detections of classes that the truth does not have are left out (the published
code may count them for another class by mistake). An empty event is never matched (published: 0 / 0).

Sources: activitynet/ActivityNet `Evaluation/eval_detection.py`; happyharrycn/actionformer_release
`libs/utils/metrics.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.metrics.segments import Segments
from augrgb.metrics.tiou import candidate_pairs, paired_tiou

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

THUMOS14 = (0.3, 0.4, 0.5, 0.6, 0.7)
ACTIVITYNET = tuple(float(t) for t in np.linspace(0.5, 0.95, 10))  # one of them is 0.8999999999999999, as published


@dataclass(frozen=True, slots=True)
class TiouReport:
    """Results at M thresholds for the P classes present in the truth, fractions.

    Args:
        thresholds: (M,) tIoU.
        labels: (P,) class indices, ascending.
        ap: (M, P).
        map: (M,) mean over classes.
        average_map: Mean over thresholds.
        recall: (M, len(recall_at)) mean recall of the k x (number of events) best detections of each video and class.
    """

    thresholds: tuple[float, ...]
    labels: Indices
    ap: Floats
    map: Floats
    average_map: float
    recall: Floats


def tiou_report(
    detections: Segments,
    truth: Segments,
    *,
    thresholds: tuple[float, ...] = ACTIVITYNET,
    recall_at: tuple[int, ...] = (1, 5),
) -> TiouReport:
    """mAP and recall@kx at every threshold.

    Raises:
        InputRefused: The truth has no event: nothing is defined.

    >>> truth = Segments.of([(0, 3, 0.0, 10.0, 1.0)])
    >>> found = Segments.of([(0, 3, 0.0, 4.0, 0.9), (0, 3, 0.0, 9.0, 0.8)])
    >>> tiou_report(found, truth, thresholds=(0.3, 0.5)).map.tolist()
    [1.0, 0.5]
    """
    if not len(truth):
        raise InputRefused("E-MET-007", "tiou_map", "the truth has no event in these videos", "Check the split.")
    labels, truth_class = np.unique(truth.label, return_inverse=True)
    known = np.isin(detections.label, labels)
    # Best first over all videos: the rank of a detection is from now on its index.
    detections = detections.take(np.flatnonzero(known)[np.argsort(-detections.score[known], kind="stable")])
    pairs = DetectionPairs(detections, truth, min(thresholds))
    positives = np.bincount(truth_class)
    hit = np.stack([pairs.assigned(threshold) >= 0 for threshold in thresholds])  # (M, D)
    order = np.argsort(detections.label, kind="stable")
    borders = np.searchsorted(detections.label[order], labels, side="left")
    ap = np.zeros((len(thresholds), len(labels)))
    for c, rows in enumerate(np.split(order, borders[1:])):
        if len(rows):
            tp = np.cumsum(hit[:, rows], axis=1)
            ap[:, c] = interpolated_area(tp / np.arange(1, len(rows) + 1), tp / positives[c])
    recall = np.array(
        [[np.mean(np.bincount(truth_class, pairs.touched(t, k)) / positives) for k in recall_at] for t in thresholds]
    ).reshape(len(thresholds), len(recall_at))
    means = ap.mean(axis=1)
    return TiouReport(tuple(thresholds), labels, ap, means, float(means.mean()), recall)


def interpolated_area(precision: Floats, recall: Floats) -> Floats:
    """Area under the precision envelope ("VOC 2011"); (..., N) by descending score -> (...).

    >>> interpolated_area(np.array([1.0, 0.5, 0.66, 0.5, 0.6]), np.array([0.25, 0.25, 0.5, 0.5, 0.75])).round(6).item()
    0.565
    """
    steps = np.diff(recall, axis=-1, prepend=0.0)
    envelope = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray((steps * envelope).sum(axis=-1), np.float64)


def clean_truth(truth: Segments, shortest: float = 0.001, same_within: float = 0.001) -> Segments:
    """Truth without events shorter than `shortest` and without duplicates, as actionformer reads it.

    A duplicate has the video and class of an earlier accepted event and both borders within `same_within` of it.
    """
    keep: list[int] = []
    seen: dict[tuple[int, int], list[int]] = {}
    rows = zip(truth.video.tolist(), truth.label.tolist(), truth.start.tolist(), truth.end.tolist(), strict=True)
    for i, (video, label, start, end) in enumerate(rows):
        if end - start < shortest:
            continue
        accepted = seen.setdefault((video, label), [])
        if any(abs(start - truth.start[j]) <= same_within and abs(end - truth.end[j]) <= same_within for j in accepted):
            continue
        accepted.append(i)
        keep.append(i)
    return truth.take(np.array(keep, np.int64))


class DetectionPairs:
    """Pairs of a detection (index = rank) and an event of its video and class with tIoU >= `floor`."""

    def __init__(self, detections: Segments, truth: Segments, floor: float) -> None:
        self.detections, self.events = len(detections), len(truth)
        pieces = []
        for det, gt in candidate_pairs(detections, truth):
            overlap = paired_tiou(detections.start[det], detections.end[det], truth.start[gt], truth.end[gt])
            near = overlap >= floor
            pieces.append((det[near], gt[near], overlap[near]))
        if pieces:
            det, gt, overlap = (np.concatenate(column) for column in zip(*pieces, strict=True))
        else:
            det, gt, overlap = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        # Each detection's events by descending tIoU, the later one first on ties.
        order = np.lexsort((-gt, -overlap, det))
        self.det, self.gt, self.overlap = det[order], gt[order], overlap[order]
        # Place of each detection among those of its video and class, and how many events these have there.
        classes = 1 + int(max(detections.label.max(initial=0), truth.label.max()))
        self.place = _place_in_group(detections.video * classes + detections.label)[self.det]
        _, inverse, counts = np.unique(truth.video * classes + truth.label, return_inverse=True, return_counts=True)
        self.group_events = counts[inverse][self.gt]

    def assigned(self, threshold: float) -> Indices:
        """The event of each detection (D,), -1 = false positive.

        Detections in order of rank each choosing the best free event is the stable matching in which every event
        prefers the better-ranked detection; so all choose at once, events keep the best-ranked, the others go on.
        """
        good = self.overlap >= threshold
        det, gt = self.det[good], self.gt[good]
        first = np.searchsorted(det, np.arange(self.detections), side="left")
        stop = np.searchsorted(det, np.arange(self.detections), side="right")
        taken_by = np.full(self.events, self.detections)
        result = np.full(self.detections, -1)
        active = np.flatnonzero(first < stop)
        while len(active):
            choice = gt[first[active]]
            held_by = taken_by[choice]
            np.minimum.at(taken_by, choice, active)
            kept_by = taken_by[choice]
            ousted = np.unique(held_by[(held_by != kept_by) & (held_by < self.detections)])
            result[ousted] = -1
            won = kept_by == active
            result[active[won]] = choice[won]
            active = np.concatenate([active[~won], ousted])
            first[active] += 1
            active = active[first[active] < stop[active]]
        return result

    def touched(self, threshold: float, times: int) -> NDArray[np.bool_]:
        """Which events (E,) are met by one of the `times` x (events) best detections of their video and class."""
        found = np.zeros(self.events, bool)
        found[self.gt[(self.overlap >= threshold) & (self.place < times * self.group_events)]] = True
        return found


def _place_in_group(key: Indices) -> Indices:
    """0, 1, 2, ... inside each group of equal keys, in input order."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    place = np.empty(len(key), np.int64)
    place[order] = np.arange(len(key)) - np.repeat(starts, np.diff(np.append(starts, len(key))))
    return place
