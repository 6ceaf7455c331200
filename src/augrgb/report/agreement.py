"""Where detections and annotation agree in time: plain interval arithmetic on half-open `[start, end)` seconds.

This is what the eye sees on a timeline, not a protocol of the field: a detection may be right in one part and a false
alarm in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from augrgb.core.types import Detection, Event

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares of time, summed over classes: annotated time that was found, detected time that is false; None = none."""

    found: float | None
    false: float | None


def united(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted disjoint intervals that cover the same time.

    >>> united([(3, 5), (0, 2), (1, 3)])
    [(0, 5)]
    """
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def without(intervals: Iterable[Interval], removed: Iterable[Interval]) -> list[Interval]:
    """The time in `intervals` that is not in `removed`, as sorted disjoint intervals.

    >>> without([(0, 10)], [(2, 3), (9, 12)])
    [(0, 2), (3, 9)]
    """
    holes = united(removed)
    left: list[Interval] = []
    first = 0
    for start, end in united(intervals):
        while first < len(holes) and holes[first][1] <= start:
            first += 1
        place = first
        while place < len(holes) and holes[place][0] < end:
            if holes[place][0] > start:
                left.append((start, holes[place][0]))
            start = holes[place][1]
            place += 1
        if start < end:
            left.append((start, end))
    return left


def intervals_of(events: Iterable[Event | Detection], label: str) -> list[Interval]:
    """Disjoint intervals of one class."""
    return united((event.start_s, event.end_s) for event in events if event.label == label)


def agreement(truth: Iterable[Event], detections: Iterable[Detection], unknown: Sequence[Interval] = ()) -> Agreement:
    """Found share of the annotated time and false share of the detected time, outside the unknown stretches."""
    truth, detections = list(truth), list(detections)
    annotated = detected = missed = false = 0.0
    for label in {event.label for event in truth} | {event.label for event in detections}:
        real = without(intervals_of(truth, label), unknown)
        claimed = without(intervals_of(detections, label), unknown)
        annotated += _length(real)
        detected += _length(claimed)
        missed += _length(without(real, claimed))
        false += _length(without(claimed, real))
    return Agreement(1 - missed / annotated if annotated else None, false / detected if detected else None)


def _length(intervals: Iterable[Interval]) -> float:
    return sum(end - start for start, end in intervals)
