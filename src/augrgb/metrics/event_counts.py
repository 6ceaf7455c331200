"""How useful events are to who acts on them: precision, recall, false alarms and misses per hour, delay.

Conventions: times are seconds. A detection and an event of one class match if their tIoU is at least `min_tiou`, or, by
the collar rule, if starts and ends lie within tolerances; one to one, higher scores choose first, ties by start. A
false alarm is a detection without a match; its denominator is the time without events of the class. Measured on no
time at all, a rate is NaN; precision without detections and recall without events are NaN as well.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from augrgb.core.types import Detection, Event

MIN_TIOU = 0.3
Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Match by tIoU."""

    min_tiou: float = MIN_TIOU

    def quality(self, found: Detection, event: Event) -> float:
        """The tIoU; 0 for no match."""
        inside = min(found.end_s, event.end_s) - max(found.start_s, event.start_s)
        if inside <= 0:
            return 0.0
        tiou = inside / (max(found.end_s, event.end_s) - min(found.start_s, event.start_s))
        return tiou if tiou >= self.min_tiou else 0.0


@dataclass(frozen=True, slots=True)
class Collar:
    """Match by tolerances of start and end; None = the end does not matter."""

    onset_s: float = 1.0
    offset_s: float | None = None

    def quality(self, found: Detection, event: Event) -> float:
        """Above 0 within the tolerances, more for nearer starts."""
        apart_s = abs(found.start_s - event.start_s)
        if apart_s > self.onset_s or (self.offset_s is not None and abs(found.end_s - event.end_s) > self.offset_s):
            return 0.0
        return 1 / (1 + apart_s)


@dataclass(frozen=True, slots=True)
class EventCounts:
    """What the detections of a class are worth.

    Args:
        events: Annotated events.
        hits: Detections that match one.
        false_alarms: Detections that match none.
        hours: Hours looked at.
        clean_hours: Those without an event of the class.
        delays_s: Start of each hit minus start of its event; negative = early.
        decisions_s: When each hit was certain minus start of its event, where that is known: what one who waits for
            the message waits. A model that looks ahead knows it later by its look-ahead, which is not counted here.
    """

    events: int
    hits: int
    false_alarms: int
    hours: float
    clean_hours: float
    delays_s: tuple[float, ...] = ()
    decisions_s: tuple[float, ...] = ()

    @property
    def precision(self) -> float:
        """Share of detections that match."""
        return _ratio(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        """Share of events that are found."""
        return _ratio(self.hits, self.events)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 0 without hits."""
        return _ratio(2 * self.hits, self.hits + self.false_alarms + self.events)

    @property
    def false_alarms_per_hour(self) -> float:
        """Per hour without an event of the class."""
        return _ratio(self.false_alarms, self.clean_hours)

    @property
    def false_alarms_per_hour_bound(self) -> float:
        """Upper end of the 95 % interval of that rate: with none in H hours it is 3 / H."""
        return _ratio(poisson_upper(self.false_alarms), self.clean_hours)

    @property
    def misses_per_hour(self) -> float:
        """Per hour looked at."""
        return _ratio(self.events - self.hits, self.hours)

    def delay_s(self, share: float) -> float:
        """Quantile of the delays of onset, by linear interpolation; NaN without hits."""
        return _quantile(self.delays_s, share)

    def decision_s(self, share: float) -> float:
        """The same of the delays of decision."""
        return _quantile(self.decisions_s, share)


def match_events(
    found: Sequence[Detection],
    events: Sequence[Event],
    rule: Overlap | Collar = Overlap(),
) -> list[int | None]:
    """For each detection of one class in one video the place of its event, None for a false alarm.

    Because higher scores choose first, the matches of the best n detections do not depend on the others.
    """
    order = sorted(range(len(found)), key=lambda i: (-found[i].score, found[i].start_s, found[i].end_s))
    free = set(range(len(events)))
    result: list[int | None] = [None] * len(found)
    for i in order:
        ranked = [(rule.quality(found[i], events[j]), -j) for j in free]
        quality, place = max(ranked, default=(0.0, 0))
        if quality > 0:
            result[i] = -place
            free.discard(-place)
    return result


def count_events(
    found: Sequence[Sequence[Detection]],
    events: Sequence[Sequence[Event]],
    hours: float,
    clean_hours: float,
    rule: Overlap | Collar = Overlap(),
    *,
    decided_s: Sequence[Sequence[float]] | None = None,
) -> EventCounts:
    """Counts of one class over several videos: its detections and its events in each.

    Args:
        found: Detections of each video.
        events: True events of each video.
        hours, clean_hours: See `EventCounts`.
        rule: When a detection is right.
        decided_s: When each detection was certain, in the order of `found`; None = not known.
    """
    hits, alarms, delays, decisions = 0, 0, [], []
    for number, (detections, true) in enumerate(zip(found, events, strict=True)):
        for i, place in enumerate(match_events(detections, true, rule)):
            if place is None:
                alarms += 1
                continue
            hits += 1
            delays.append(detections[i].start_s - true[place].start_s)
            if decided_s is not None:
                decisions.append(decided_s[number][i] - true[place].start_s)
    total = sum(map(len, events))
    return EventCounts(total, hits, alarms, hours, clean_hours, tuple(delays), tuple(decisions))


def covered_s(spans: Spans, start_s: float = 0.0, end_s: float = math.inf) -> float:
    """Seconds of [start, end) that lie in at least one span.

    >>> covered_s([(0, 2), (1, 3), (5, 6)])
    4.0
    """
    total, reached = 0.0, start_s
    for first, last in sorted(spans):
        first, last = max(first, reached), min(last, end_s)
        if last > first:
            total, reached = total + last - first, last
    return total


@functools.lru_cache(maxsize=4096)  # asked again for every threshold
def poisson_upper(count: int, confidence: float = 0.95) -> float:
    """The highest mean under which `count` or fewer are still seen in 1 - confidence of cases (exact, one-sided).

    >>> round(poisson_upper(0), 3), round(poisson_upper(2), 3)
    (2.996, 6.296)
    """
    low, high = 0.0, count + 20.0 + 10 * math.sqrt(count + 1.0)
    for _ in range(100):
        middle = 0.5 * (low + high)
        term, total = 1.0, 1.0
        for k in range(1, count + 1):
            term *= middle / k
            total += term
        if math.log(total) - middle > math.log(1 - confidence):
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _quantile(values: Sequence[float], share: float) -> float:
    if not values:
        return math.nan
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
