"""Videos of which only a part was annotated: the rest is an ignored region, and parts of one video can be joined."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from augrgb.core.types import Event, VideoRecord

NOT_ANNOTATED = "not annotated"
"""Label of the regions outside the annotated part."""
_SEAM_S = 0.5
"""Parts may overlap by this: jobs of CVAT share some frames with the next."""


def outside(start_s: float, end_s: float) -> tuple[Event, ...]:
    """The regions before and after a part; the end of the video cuts the second.

    >>> outside(0.0, 5.0)
    (Event(label='not annotated', start_s=5.0, end_s=inf),)
    """
    regions = (Event(NOT_ANNOTATED, 0.0, start_s), Event(NOT_ANNOTATED, end_s, math.inf))
    return tuple(region for region in regions if region.start_s < region.end_s)


@dataclass(frozen=True, slots=True)
class Untimed(Event):
    """An event that lacks its start (then -inf), its end (then inf), or both.

    Readers leave it among the events of its video; `unlabeled.untimed_as_ignored` makes ignored regions of it.
    """

    def may_be(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Where it may be: up to the start or the end of its video, or, without either time, between known events.

        >>> Untimed("cut", -math.inf, math.inf).may_be([Event("stir", 0.0, 2.0)])
        (Event(label='cut', start_s=2.0, end_s=inf),)
        """
        if math.isfinite(self.start_s) or math.isfinite(self.end_s):
            return (Event(self.label, max(self.start_s, 0.0), self.end_s),)
        found, free_s = [], 0.0
        for event in sorted(events, key=lambda event: event.start_s):
            found.append(Event(self.label, free_s, event.start_s))
            free_s = max(free_s, event.end_s)
        return tuple(
            region for region in (*found, Event(self.label, free_s, math.inf)) if region.start_s < region.end_s
        )


def event_of(label: str, start_s: float | None, end_s: float | None) -> Event:
    """An event, an untimed one where a time is not known.

    >>> event_of("cut", 1.0, 2.0), event_of("cut", 1.0, None)
    (Event(label='cut', start_s=1.0, end_s=2.0), Untimed(label='cut', start_s=1.0, end_s=inf))
    """
    if start_s is not None and end_s is not None:
        return Event(label, start_s, end_s)
    return Untimed(label, -math.inf if start_s is None else start_s, math.inf if end_s is None else end_s)


def joined(one: VideoRecord, two: VideoRecord) -> VideoRecord | None:
    """A video of which each record annotates another part; None where both annotate the same.

    An event that one part breaks off and the other goes on with is one event.
    """
    parts = sorted((_part(one), _part(two)))
    if parts[0] == (0.0, math.inf) or parts[1] == (0.0, math.inf) or parts[0][1] > parts[1][0] + _SEAM_S:
        return None
    events = _without_seam((*(one.events or ()), *(two.events or ())), parts[1][0] - _SEAM_S, parts[0][1] + _SEAM_S)
    regions = [region for video in (one, two) for region in video.ignored if region.label != NOT_ANNOTATED]
    between = Event(NOT_ANNOTATED, parts[0][1], parts[1][0])
    regions += [between] if between.start_s < between.end_s else []
    first = one if _part(one) == parts[0] else two
    return replace(first, events=events, ignored=(*regions, *outside(parts[0][0], parts[1][1])))


def _part(video: VideoRecord) -> tuple[float, float]:
    """Start and end of what was annotated; gaps inside do not count."""
    regions = [region for region in video.ignored if region.label == NOT_ANNOTATED]
    start = max((region.end_s for region in regions if region.start_s == 0.0), default=0.0)
    end = min((region.start_s for region in regions if region.end_s == math.inf), default=math.inf)
    return start, end


def _without_seam(events: Sequence[Event], seam_start_s: float, seam_end_s: float) -> tuple[Event, ...]:
    """The events, those of one label that meet at the seam as one."""
    found: list[Event] = []
    for event in sorted(events, key=lambda event: (event.start_s, event.end_s, event.label)):
        twin = next(
            (
                at
                for at, other in enumerate(found)
                if other.label == event.label
                and event.start_s <= other.end_s + 1e-9
                and seam_start_s <= event.start_s <= seam_end_s
                and seam_start_s <= other.end_s
            ),
            None,
        )
        if twin is None:
            found.append(event)
        else:
            found[twin] = Event(event.label, found[twin].start_s, max(found[twin].end_s, event.end_s))
    return tuple(found)
