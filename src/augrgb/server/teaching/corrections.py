"""What the corrections of a video say about each stretch of its time: labeled, reviewed as empty, or unknown.

A stretch is known where a person marked it as reviewed, or vouches for an event (accepted or corrected it). A rejected
event says that one class does not happen; what else happens there is not known, unless there is no other class. Where
an event is still unreviewed or unsure, nothing is known. What is not known becomes an ignored region of the dataset, so
that training and metrics leave it out: what nobody looked at is neither an action nor background.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from augrgb.core.types import Event, VideoRecord
from augrgb.server.annotations.documents import Document, EditedEvent, true_events

Stretches = list[tuple[float, float]]
UNKNOWN = "unknown"
_SLIVER_S = 0.05
_VOUCHED = ("accepted", "corrected")
_JUDGED = ("accepted", "corrected", "rejected")


def known_stretches(document: Document, duration_s: float, *, one_class: bool = False) -> Stretches:
    """The stretches of a video that a person vouches for, in order, within [0, duration_s].

    Args:
        document: What was said about the video.
        duration_s: Its length.
        one_class: The dataset has no other class, so that a rejected event is background.

    >>> event = EditedEvent(id="a", label="drink", start_s=1.0, end_s=3.0, state="accepted")
    >>> open_one = EditedEvent(id="b", label="eat", start_s=2.5, end_s=5.0, state="unsure")
    >>> known_stretches(Document(events=[event, open_one], reviewed=[[8.0, 12.0]]), 10.0)
    [(1.0, 2.5), (8.0, 10.0)]
    """
    looked_at = [(start, stop) for start, stop in document.reviewed]
    for event in document.events:
        if event.state in _VOUCHED:
            looked_at.append((event.start_s, event.end_s))
        elif event.state == "rejected" and one_class:
            looked_at += _spans(event)
    waiting = [(event.start_s, event.end_s) for event in document.events if event.state not in _JUDGED]
    return subtract(union(looked_at, duration_s), union(waiting, duration_s))


def corrected_record(record: VideoRecord, document: Document, *, one_class: bool = False) -> VideoRecord | None:
    """A video of the dataset as it is after corrections; None if these say nothing about it.

    A video without labels gets the events of the document, and everything outside the known stretches is ignored. In a
    labeled one every stretch was known before: its events are replaced where the person reviewed the time, or judged
    an event of the same class.
    """
    duration_s = record.known_duration_s
    events = [
        Event(event.label, event.start_s, min(event.end_s, duration_s))
        for event in true_events(document.events)
        if event.start_s < duration_s - _SLIVER_S
    ]
    known = known_stretches(document, duration_s, one_class=one_class)
    judged = [event for event in document.events if event.state in _JUDGED]
    if record.events is None:
        if not known:
            return None
        unknown = tuple(Event(UNKNOWN, start, stop) for start, stop in subtract([(0.0, duration_s)], known))
        return replace(record, events=tuple(sorted(events, key=_by_time)), ignored=unknown)
    if not known and not judged:
        return None
    reviewed = union([(start, stop) for start, stop in document.reviewed], duration_s)
    for event in record.events:
        if not any(event.label == other.label and _meet(event, other) for other in judged):
            events += [Event(event.label, *span) for span in subtract([(event.start_s, event.end_s)], reviewed)]
    ignored = [Event(e.label, *span) for e in record.ignored for span in subtract([(e.start_s, e.end_s)], known)]
    return replace(record, events=tuple(sorted(events, key=_by_time)), ignored=tuple(ignored))


def count_judged(document: Document) -> int:
    """Events that a person has judged."""
    return sum(event.state in _JUDGED for event in document.events)


def union(stretches: Iterable[tuple[float, float]], duration_s: float) -> Stretches:
    """The same time as stretches that do not overlap, in order, within [0, duration_s].

    >>> union([(4.0, 6.0), (0.0, 1.0), (5.0, 9.0)], 8.0)
    [(0.0, 1.0), (4.0, 8.0)]
    """
    joined: Stretches = []
    for start, stop in sorted((max(start, 0.0), min(stop, duration_s)) for start, stop in stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        elif stop > start:
            joined.append((start, stop))
    return joined


def subtract(stretches: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]) -> Stretches:
    """What is left of stretches outside others (both in order, without overlaps); slivers are dropped.

    >>> subtract([(0.0, 10.0)], [(2.0, 3.0), (9.98, 12.0)])
    [(0.0, 2.0), (3.0, 9.98)]
    """
    left: Stretches = []
    for start, stop in stretches:
        at = start
        for first, last in others:
            if last <= at or first >= stop:
                continue
            if first - at >= _SLIVER_S:
                left.append((at, first))
            at = last
        if stop - at >= _SLIVER_S:
            left.append((at, stop))
    return left


def _spans(event: EditedEvent) -> Stretches:
    own = [(event.start_s, event.end_s)]
    return own if event.machine is None else [*own, (event.machine.start_s, event.machine.end_s)]


def _meet(event: Event, other: EditedEvent) -> bool:
    return any(start < event.end_s and stop > event.start_s for start, stop in _spans(other))


def _by_time(event: Event) -> tuple[float, float, str]:
    return event.start_s, event.end_s, event.label
