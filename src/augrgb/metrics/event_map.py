"""Event AP of the PKU-MMD and Toyota Smarthome Untrimmed (TSU) evaluators, with all their habits.

Conventions: any time unit. Overlap is `tiou.hull_overlap`. At threshold theta every detection takes the event of its
video and class with the largest overlap, if that is >= theta; equal overlaps go to the *later* event of the list. An
event may be taken by many detections (the most confident one is the hit), and a detection never falls back to its
second best event. Equal confidences keep their order: videos by index, inside a video as listed (in the pool of
everything class by class first). A class without events or detections scores 0 and is included in the mean. Where
the published program stops with a division by zero, the value here is NaN: F1 without any match, and everything that
contains a zero-length detection on a zero-length event (`on_empty_hull="nan"`, PKU-MMD; TSU counts such an overlap
as 0).

Sources: ECHO960/PKU-MMD `evaluate.py`; dairui01/TSU_evaluation `Event_map/Event_based_map.py`. The one-to-one
evaluation with the mean over classes present, `tiou_map`, is what we recommend instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.metrics.segments import Segments
from augrgb.metrics.tiou import candidate_pairs, hull_overlap

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EventReport:
    """Results at one threshold, fractions.

    Args:
        theta: Threshold.
        f1: Harmonic mean of precision and recall of all detections; NaN if nothing matches.
        ap: AP of all classes and videos pooled.
        ap_action, map_action: AP per class (K,), and their mean over all K.
        ap_video, map_video: AP of all classes pooled per video (V,), and their mean.
        ap_2d: Mean pooled AP over theta = 0.05, 0.10, ..., 1.00; the same for every `theta`.
    """

    theta: float
    f1: float
    ap: float
    ap_action: Floats
    map_action: float
    ap_video: Floats
    map_video: float
    ap_2d: float


def event_reports(
    detections: Segments,
    truth: Segments,
    *,
    num_classes: int,
    num_videos: int,
    thetas: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7),
    on_empty_hull: Literal["nan", "zero"] = "nan",
) -> list[EventReport]:
    """The full report of the PKU-MMD evaluator, one per threshold > 0.

    Args:
        detections, truth: Video indices below `num_videos`, class indices below `num_classes` (PKU-MMD numbers its
            classes from 1: subtract 1).
        on_empty_hull: "nan" as PKU-MMD (which stops there), "zero" as TSU.
    """
    detections = detections.take(np.argsort(detections.video, kind="stable"))
    truth = truth.take(np.argsort(truth.video, kind="stable"))
    overlap, event = best_events(detections, truth)
    if on_empty_hull == "zero":
        overlap = np.where(np.isnan(overlap), 0.0, overlap)
    matches = (overlap, event)
    by_label = np.argsort(detections.label, kind="stable")  # only the pool of everything is listed class by class
    everything = _Pools(
        np.zeros(len(detections), np.int64),
        detections.score[by_label],
        np.array([len(truth)]),
        overlap[by_label],
        event[by_label],
    )
    by_class = _Pools(detections.label, detections.score, np.bincount(truth.label, minlength=num_classes), *matches)
    by_video = _Pools(detections.video, detections.score, np.bincount(truth.video, minlength=num_videos), *matches)
    ap_2d = float(np.mean([everything.ap((i + 1) * 0.05)[0] for i in range(20)]))  # the product, as published
    reports = []
    for theta in thetas:
        ap_action, ap_video = by_class.ap(theta), by_video.ap(theta)
        reports.append(
            EventReport(
                theta=theta,
                f1=_f1(overlap, event, len(truth), theta),
                ap=float(everything.ap(theta)[0]),
                ap_action=ap_action,
                map_action=float(ap_action.mean()),
                ap_video=ap_video,
                map_video=float(ap_video.mean()),
                ap_2d=ap_2d,
            )
        )
    return reports


def best_events(detections: Segments, truth: Segments) -> tuple[Floats, Indices]:
    """For each detection its largest overlap (-inf if its video has no event of its class) and that event's index.

    NaN if any of its overlaps is 0 / 0. The best event does not depend on the threshold.
    """
    overlap = np.full(len(detections), -np.inf)
    event = np.full(len(detections), -1, np.int64)
    for det, gt in candidate_pairs(detections, truth):
        value = hull_overlap(detections.start[det], detections.end[det], truth.start[gt], truth.end[gt])
        first = np.flatnonzero(np.diff(det, prepend=-1))
        best = np.maximum.reduceat(value, first)
        sizes = np.diff(np.append(first, len(det)))
        chosen = np.maximum.reduceat(np.where(value == np.repeat(best, sizes), gt, -1), first)
        overlap[det[first]], event[det[first]] = best, chosen
    return overlap, event


class _Pools:
    """Detections sorted by pool and ascending confidence, ready for AP at any threshold."""

    def __init__(self, pool: Indices, score: Floats, events: Indices, overlap: Floats, event: Indices) -> None:
        order = np.lexsort((score, pool))  # stable: ties keep the list order
        self.pool, self.overlap, self.event = pool[order], overlap[order], event[order]
        self.events = events
        self.sizes = np.bincount(pool, minlength=len(events))
        ends = np.cumsum(self.sizes)
        self.left = ends[self.pool] - np.arange(len(order)) - 1  # detections above each one
        self.starts = ends - self.sizes
        self.broken = np.bincount(self.pool, np.isnan(self.overlap), minlength=len(events)) > 0

    def ap(self, theta: float) -> Floats:
        """AP of each pool (P,).

        Detections are removed from the least confident one on; whenever a matched one goes, precision of what is
        left enters a running maximum, and a lost event counts with that maximum.
        """
        matched = np.flatnonzero(self.overlap >= theta)
        pool = self.pool[matched]
        hit = np.zeros(len(matched), bool)
        keeper = np.full(int(self.event.max(initial=-1)) + 1, -1, np.int64)
        keeper[self.event[matched]] = np.arange(len(matched))  # the last, most confident one stays
        hit[keeper[keeper >= 0]] = True
        hits = np.bincount(pool, hit, minlength=len(self.events))
        per_pool = np.bincount(pool, minlength=len(self.events))
        lost = np.cumsum(hit)
        before = np.cumsum(hits) - hits
        remaining = hits[pool] - (lost - before[pool])
        left = self.left[matched]
        precision = np.divide(remaining, left, out=np.zeros(len(matched)), where=left > 0)
        whole = np.divide(hits, self.sizes, out=np.zeros(len(hits)), where=self.sizes > 0)
        precision = np.maximum(precision, whole[pool])
        best = _running_maximum(precision, pool)
        total = np.bincount(pool, best * hit, minlength=len(self.events))
        result = np.divide(total, self.events, out=np.zeros(len(total)), where=(self.events > 0) & (per_pool > 0))
        result[self.broken] = np.nan
        return result


def _running_maximum(values: Floats, group: Indices) -> Floats:
    """Running maximum inside each group; `group` ascending. Doubling steps, so that values stay as they are."""
    best = values.copy()
    step = 1
    longest = int(np.bincount(group).max(initial=0))
    while step < longest:
        same = group[step:] == group[:-step]
        best[step:] = np.where(same, np.maximum(best[step:], best[:-step]), best[step:])
        step *= 2
    return best


def _f1(overlap: Floats, event: Indices, events: int, theta: float) -> float:
    """F1 of all detections at one threshold; NaN if nothing matches."""
    found = len(np.unique(event[overlap >= theta]))
    if found == 0 or np.isnan(overlap).any():
        return float("nan")
    precision, recall = found / len(overlap), found / events
    return 2 * precision * recall / (precision + recall)
