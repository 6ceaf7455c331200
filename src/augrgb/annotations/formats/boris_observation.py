"""One observation of BORIS, from a project or a table: changes of state become events, its media files videos."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from augrgb.annotations.coverage import outside
from augrgb.core.errors import InputRefused
from augrgb.core.types import Event, VideoRecord


@dataclass
class Observation:
    """What an observation holds; its times count through the files that it plays one after another.

    Args:
        name: Its id in BORIS.
        where: The file, and the line or key, for messages.
        media: Files of the first player.
        lengths_s: Their lengths, where known.
        offset_s: What BORIS added to every time.
        interval_s: The part of the media that was observed.
    """

    name: str
    where: str
    media: list[str]
    lengths_s: list[float | None]
    offset_s: float = 0.0
    interval_s: tuple[float, float] | None = None
    events: list[Event] = field(default_factory=list)
    unpaired: list[Event] = field(default_factory=list)
    points: int = 0
    _running: dict[tuple[str, ...], float] = field(default_factory=dict)

    def starts(self, key: tuple[str, ...], time_s: float) -> None:
        """A state starts; its label is the last part of the key."""
        if key in self._running:  # its stop is missing: nobody knows when it was
            self.unpaired.append(Event(key[-1], self._running[key], time_s))
        self._running[key] = time_s

    def stops(self, key: tuple[str, ...], time_s: float) -> None:
        """A state stops."""
        if key in self._running:
            self.events.append(Event(key[-1], self._running.pop(key), time_s))
        else:
            self.unpaired.append(Event(key[-1], self.offset_s, time_s))

    def changes(self, key: tuple[str, ...], time_s: float) -> None:
        """A state starts, or stops where it runs."""
        (self.stops if key in self._running else self.starts)(key, time_s)

    def videos(self) -> Iterator[tuple[str, VideoRecord]]:
        """Each media file and its events, in the file's own time.

        Raises:
            InputRefused: E-ANN-001: several files whose lengths are not known.
        """
        if len(self.media) > 1 and None in self.lengths_s:
            problem = f"{self.name!r} plays {len(self.media)} files whose lengths are not known"
            remedy = (
                "Give the project (.boris), opened in BORIS once, which measures them; or observe one file at a time."
            )
            raise InputRefused("E-ANN-001", self.where, problem, remedy)
        unpaired = [*self.unpaired, *(Event(key[-1], time_s, math.inf) for key, time_s in self._running.items())]
        begins = self.offset_s
        for media, length_s in zip(self.media, self.lengths_s, strict=True):
            ends = begins + length_s if length_s is not None and len(self.media) > 1 else math.inf
            regions = _within(unpaired, begins, ends)
            if self.interval_s is not None:
                first, last = (time_s + self.offset_s - begins for time_s in self.interval_s)
                regions.extend(outside(max(first, 0.0), last))
            events = self.events if len(self.media) > 1 else _moved(self.events, begins)
            events = _within(events, begins, ends) if len(self.media) > 1 else events
            yield (
                media,
                VideoRecord(media, length_s, events=tuple(sorted(events, key=_by_time)), ignored=tuple(regions)),
            )
            begins = ends

    @property
    def unpaired_count(self) -> int:
        """How many changes of state have no partner."""
        return len(self.unpaired) + len(self._running)


def _moved(events: list[Event], by_s: float) -> list[Event]:
    return [Event(e.label, e.start_s - by_s, e.end_s - by_s) for e in events] if by_s else events


def _within(events: list[Event], start_s: float, end_s: float) -> list[Event]:
    """The parts between two times, counted from the first."""
    cut = (Event(event.label, max(event.start_s, start_s), min(event.end_s, end_s)) for event in events)
    return _moved([event for event in cut if event.start_s < event.end_s], start_s)


def _by_time(event: Event) -> tuple[float, float, str]:
    return event.start_s, event.end_s, event.label
