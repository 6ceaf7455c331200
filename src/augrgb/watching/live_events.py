"""Rows of scores -> messages about events: one id each, from its start to its end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from augrgb.core.timeline import Clock
from augrgb.detection.event_rule import DecidedEvent, EventFinder, EventRule
from augrgb.watching.payload import Payload, event_id, iso
from augrgb.watching.scorer import ScoredRows
from augrgb.watching.timebase import Timebase


@dataclass(frozen=True, slots=True)
class EventSettings:
    """How events are reported.

    Args:
        rules: The rule of each class.
        max_per_minute: Events of one source that may start in a minute; more are counted, not sent.
        update_every_s: Send `update` for events that go on, this often; 0 = never.
    """

    rules: Mapping[str, EventRule]
    max_per_minute: int = 60
    update_every_s: float = 0.0


@dataclass(slots=True)
class _Announced:
    id: str
    start: str
    score: float
    warming_up: bool
    updated_s: float
    suppressed: bool


class LiveEvents:
    """Finds the events of one source and says so.

    Args:
        clock: Of the scores.
        settings: Rules and limits.
        source: Name of the source.
        model: Hash of the model.
        times: Time of day.

    Attributes:
        seen_s: How far the source has been scored, seconds of the session.
    """

    def __init__(self, clock: Clock, settings: EventSettings, source: str, model: str, times: Timebase) -> None:
        self._finder = EventFinder(clock, list(settings.rules), settings.rules, name=source)
        self._clock, self._settings, self._source, self._model, self._times = clock, settings, source, model, times
        self._announced: dict[str, _Announced] = {}
        self._starts: deque[float] = deque()
        self.seen_s = 0.0
        self.started = self.suppressed = 0

    def push(self, rows: ScoredRows) -> Iterator[Payload]:
        """Messages due with some more rows."""
        over = self._finder.push(rows.scores)
        self.seen_s = float(self._clock.cells_s(rows.first + len(rows.scores))[-1])
        yield from self._finished(over, rows.warming_up)
        for event in self._finder.certain():
            known = self._announced.get(event.label)
            if known is None:
                yield from self._start(event, rows.warming_up)
            elif self._settings.update_every_s and self.seen_s - known.updated_s >= self._settings.update_every_s:
                known.updated_s = self.seen_s
                if not known.suppressed:
                    yield self._payload("update", event, known, end_s=None)

    def close(self, duration_s: float | None = None) -> Iterator[Payload]:
        """Messages about the events that were still going on when the source ended."""
        yield from self._finished(self._finder.close(duration_s), False)

    def _finished(self, events: list[DecidedEvent], warming_up: bool) -> Iterator[Payload]:
        for event in events:
            if event.label not in self._announced:
                yield from self._start(event, warming_up)
            known = self._announced.pop(event.label)
            if not known.suppressed:
                yield self._payload("end", event, known, end_s=event.end_s)

    def _start(self, event: DecidedEvent, warming_up: bool) -> Iterator[Payload]:
        start = iso(self._times.of(event.start_s))
        name = event_id(self._source, event.label, start, self._model)
        known = _Announced(name, start, event.score, warming_up, self.seen_s, self._too_many())
        self._announced[event.label] = known
        if known.suppressed:
            self.suppressed += 1
        else:
            self.started += 1
            yield self._payload("start", event, known, end_s=None)

    def _too_many(self) -> bool:
        """Whether another event may not start in this minute (of the session)."""
        while self._starts and self._starts[0] <= self.seen_s - 60.0:
            self._starts.popleft()
        if len(self._starts) >= self._settings.max_per_minute:
            return True
        self._starts.append(self.seen_s)
        return False

    def _payload(self, kind: str, event: DecidedEvent, known: _Announced, *, end_s: float | None) -> Payload:
        of = self._times.of
        values = {
            "class": event.label,
            "score": round(known.score, 6),
            "peak_score": round(event.score, 6),
            "threshold": self._settings.rules[event.label].on,
            "start": known.start,
            "end": None if end_s is None else iso(of(end_s)),
            "decided_at": iso(of(event.decided_at_s)),
            "sent_at": iso(time.time()),
            "stream_time": round(self.seen_s, 3),
            "start_s": round(event.start_s, 3),
            "end_s": None if end_s is None else round(end_s, 3),
            "warming_up": known.warming_up,
            "model": self._model,
            "snapshot": None,
            "clip": None,
            "suppressed": self.suppressed,
        }
        return Payload(kind, self._source, known.id, values)  # type: ignore[arg-type]
