"""The event rule: class scores over time to the events that people and programs act on.

One rule, whoever asks: files, live sources, pages and reports all call this module. It reads scores in order of time
and may be fed in pieces; the events do not depend on where the pieces are cut.

Conventions: cell t of the clock (`Clock.cells_s`) is the time that snippet t stands for. A class is active while its
score is >= `off`; a stretch of activity counts if it reaches `on` somewhere. All times are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.timeline import Clock
from augrgb.core.types import Detection

_EPS_S = 1e-9
_DEFAULT_OFF = 0.6


@dataclass(frozen=True, slots=True)
class EventRule:
    """When scores of a class become an event. Times in seconds.

    Stretches of activity are joined, then short ones are left out, then the rest is padded.

    Args:
        on: Score that an event must reach, in [0, 1].
        off: Lower score at which it ends; None = 0.6 times `on`.
        min_duration: Shorter events are left out; measured before padding.
        min_gap: Stretches at most this far apart are one event.
        pad_before: Added before the start; never into the event before.
        pad_after: Added after the end. What begins within it continues the event.
        cooldown: After an event, none may start for this long.

    Raises:
        UsageFault: E-DET-014, values that make no rule.

    >>> EventRule(on=0.5).low
    0.3
    """

    on: float = 0.3
    off: float | None = None
    min_duration: float = 0.0
    min_gap: float = 0.0
    pad_before: float = 0.0
    pad_after: float = 0.0
    cooldown: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.on <= 1:
            raise UsageFault("E-DET-014", "on", f"is {self.on}", "Give a score in [0, 1].")
        if self.off is not None and not 0 <= self.off <= self.on:
            raise UsageFault("E-DET-014", "off", f"is {self.off}", f"Give a score in [0, on = {self.on:g}].")
        for field in fields(self)[2:]:
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise UsageFault("E-DET-014", field.name, f"is {value}", "Give seconds, 0 or more.")

    @property
    def low(self) -> float:
        """The score at which events end."""
        return _DEFAULT_OFF * self.on if self.off is None else self.off

    def with_on(self, on: float) -> EventRule:
        """This rule at another `on`; `off` stays, but for what lies above the new `on`."""
        return replace(self, on=on, off=None if self.off is None else min(self.off, on))


Rules = EventRule | Mapping[str, EventRule]
"""One rule for all classes, or one for each class by name."""


@dataclass(frozen=True, slots=True)
class DecidedEvent:
    """A finished event.

    Args:
        label: Its class.
        start_s, end_s: With padding, inside the video.
        score: The highest score in it, of the scores that decided.
        decided_at_s: End of the snippet with which it was certain that there is an event: `on` and `min_duration` were
            both reached.
    """

    label: str
    start_s: float
    end_s: float
    score: float
    decided_at_s: float


def rules_by_class(rules: Rules, classes: Sequence[str]) -> tuple[EventRule, ...]:
    """The rule of each class, in the order of `classes`.

    Raises:
        UsageFault: E-DET-004, a rule of an unknown class, or none for a class.
    """
    if isinstance(rules, EventRule):
        return (rules,) * len(classes)
    for name in rules:
        if name not in classes:
            raise UsageFault("E-DET-004", f"rules.{name}", "no such class", did_you_mean(name, classes))
    missing = [name for name in classes if name not in rules]
    if missing:
        raise UsageFault("E-DET-004", "rules", f"none for {', '.join(missing)}", "Give one per class.")
    return tuple(rules[name] for name in classes)


def find_events(
    scores: ArrayLike,
    clock: Clock,
    classes: Sequence[str],
    video_id: str,
    duration_s: float | None = None,
    *,
    rules: Rules = EventRule(),
) -> list[Detection]:
    """Events of a finished video, by start: at most one per class at any time.

    Args:
        scores: (T, K) in [0, 1]; what they are (smoothed, calibrated) is decided before.
        duration_s: End of the video; None = end of the last cell.

    Raises:
        InputRefused: E-DET-002, E-DET-003, no such scores.
        UsageFault: See `rules_by_class`.

    >>> clock = Clock(fps=1, window=1, stride=1)
    >>> [(e.start_s, e.end_s, e.score) for e in find_events([[0.1], [0.4], [0.9], [0.2]], clock, ["fall"], "a")]
    [(1.0, 4.0, 0.9)]
    """
    found = find_decided(scores, clock, classes, video_id, duration_s, rules=rules)
    return [Detection(video_id, one.label, one.start_s, one.end_s, one.score) for one in found]


def find_decided(
    scores: ArrayLike,
    clock: Clock,
    classes: Sequence[str],
    name: str,
    duration_s: float | None = None,
    *,
    rules: Rules = EventRule(),
) -> list[DecidedEvent]:
    """The events of `find_events`, with the time at which each was certain.

    >>> clock = Clock(fps=1, window=1, stride=1)
    >>> find_decided([[0.1], [0.4], [0.9], [0.2]], clock, ["fall"], "a", rules=EventRule(on=0.5))[0].decided_at_s
    3.0
    """
    finder = EventFinder(clock, classes, rules, name=name)
    found = finder.push(scores) + finder.close(duration_s)
    last_s = math.inf if duration_s is None else duration_s
    cut = [replace(event, end_s=min(event.end_s, last_s)) for event in found if event.start_s < last_s - _EPS_S]
    return sorted(cut, key=lambda event: (event.start_s, event.end_s, event.label))


@dataclass(slots=True)
class _Open:
    """An event that may still grow: stretches joined so far."""

    first: int
    stop: int
    peak: float
    on_at: int | None
    active: bool = True


class EventFinder:
    """Applies rules to scores that come in order of time, in pieces of any length.

    Args:
        clock: Time base of the scores.
        classes: K names.
        rules: How each class becomes events.
        name: Of the video, for messages.

    >>> finder = EventFinder(Clock(fps=1, window=1, stride=1), ["fall"], EventRule(on=0.5, off=0.5))
    >>> finder.push([[0.9]]), [event.end_s for event in finder.push([[0.1]])]
    ([], [1.0])
    """

    def __init__(self, clock: Clock, classes: Sequence[str], rules: Rules, *, name: str = "scores") -> None:
        self.classes, self.clock, self.name = tuple(classes), clock, name
        self.rules = rules_by_class(rules, self.classes)
        self._low = np.array([rule.low for rule in self.rules])
        self._open: list[_Open | None] = [None] * len(self.classes)
        self._free_s = [0.0] * len(self.classes)  # end of the last event of each class
        self._may_start_s = [-math.inf] * len(self.classes)
        self._begun = np.zeros(len(self.classes), bool)
        self._count = 0

    def push(self, scores: ArrayLike) -> list[DecidedEvent]:
        """Events that are over, after some more rows (n, K) of scores, by class and time."""
        values = np.asarray(scores, np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.classes):
            problem = f"scores have shape {values.shape}, expected (T, {len(self.classes)})"
            raise InputRefused("E-DET-002", self.name, problem)
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            raise InputRefused("E-DET-003", self.name, "scores are NaN or outside [0, 1]", "Apply a sigmoid to logits.")
        if not len(values):
            return []
        active = values >= self._low
        before = np.vstack([self._begun, active[:-1]])
        change = active.astype(np.int8) - before.astype(np.int8)
        found: list[DecidedEvent] = []
        for k in np.flatnonzero(self._begun | active.any(axis=0) | [one is not None for one in self._open]).tolist():
            found += self._advance(k, values[:, k], change[:, k])
        self._begun = active[-1]
        self._count += len(values)
        return found

    def close(self, duration_s: float | None = None) -> list[DecidedEvent]:
        """The events that were still going on when the scores ended."""
        found = [event for k in range(len(self.classes)) if (event := self._finish(k, duration_s)) is not None]
        self._open, self._begun = [None] * len(self.classes), np.zeros(len(self.classes), bool)
        return found

    def ongoing(self) -> dict[str, float]:
        """Events that are certain and not over: class -> start in seconds, with padding."""
        return {event.label: event.start_s for event in self.certain()}

    def certain(self) -> list[DecidedEvent]:
        """Events that are certain and not over, as they stand; only their start will not change any more."""
        found = []
        for k, label in enumerate(self.classes):
            event = self._open[k]
            decided = self._decided_at(k, event) if event is not None else None
            if event is not None and decided is not None and not self._is_cooling(k, event):
                end_s = self._border_s(event.stop)
                found.append(DecidedEvent(label, self._start_s(k, event), end_s, event.peak, decided))
        return found

    def _advance(self, k: int, column: NDArray[np.float64], change: NDArray[np.int8]) -> list[DecidedEvent]:
        found: list[DecidedEvent] = []
        rule, count = self.rules[k], len(column)
        borders = np.flatnonzero(change).tolist()
        place = 0
        for stop in [*borders, count]:
            event = self._open[k]
            if event is not None and event.active and stop > place:  # the piece place..stop is active
                self._grow(event, rule, column[place:stop], self._count + place)
            if stop == count:
                break
            if change[stop] < 0:
                if event is not None:
                    event.active = False
            else:
                start = self._count + stop
                gap_s = max(rule.min_gap, rule.pad_after)
                if event is not None and self._border_s(start) - self._border_s(event.stop) <= gap_s + _EPS_S:
                    event.active = True
                else:
                    found += self._settled(k)
                    self._open[k] = _Open(start, start, 0.0, None)
            place = stop
        event = self._open[k]
        if event is not None and not event.active:
            silent_s = self._border_s(self._count + count) - self._border_s(event.stop)
            if silent_s > max(rule.min_gap, rule.pad_after) + _EPS_S:
                found += self._settled(k)
        return found

    def _grow(self, event: _Open, rule: EventRule, piece: NDArray[np.float64], first: int) -> None:
        event.stop = first + len(piece)
        event.peak = max(event.peak, float(piece.max()))
        if event.on_at is None and event.peak >= rule.on:
            event.on_at = first + int(np.argmax(piece >= rule.on))

    def _settled(self, k: int) -> list[DecidedEvent]:
        event = self._finish(k, None)
        self._open[k] = None
        return [event] if event is not None else []

    def _finish(self, k: int, duration_s: float | None) -> DecidedEvent | None:
        """The event of a class as it stands, if it is one."""
        event, rule = self._open[k], self.rules[k]
        decided = self._decided_at(k, event, duration_s) if event is not None else None
        if event is None or decided is None or self._is_cooling(k, event):
            return None
        last_s = math.inf if duration_s is None else duration_s
        start_s = self._start_s(k, event)
        end_s = min(self._border_s(event.stop), last_s)
        if end_s - start_s <= _EPS_S:
            return None
        end_s = min(end_s + rule.pad_after, last_s)
        self._free_s[k], self._may_start_s[k] = end_s, end_s + rule.cooldown
        return DecidedEvent(self.classes[k], start_s, end_s, event.peak, decided)

    def _decided_at(self, k: int, event: _Open, duration_s: float | None = None) -> float | None:
        """When it was certain; None if it is not."""
        rule = self.rules[k]
        last_s = math.inf if duration_s is None else duration_s
        start_s, end_s = self._border_s(event.first), min(self._border_s(event.stop), last_s)
        if event.on_at is None or end_s - start_s < rule.min_duration - _EPS_S:
            return None
        long_at = event.first
        if rule.min_duration > 0:
            long_at = event.first + math.ceil((rule.min_duration - _EPS_S) / self.clock.stride_s) - 1
            long_at = max(event.first, min(long_at, event.stop - 1))
        return min(self._border_s(max(event.on_at, long_at) + 1), last_s)

    def _is_cooling(self, k: int, event: _Open) -> bool:
        return self.rules[k].cooldown > 0 and self._border_s(event.first) < self._may_start_s[k] - _EPS_S

    def _start_s(self, k: int, event: _Open) -> float:
        return max(self._border_s(event.first) - self.rules[k].pad_before, self._free_s[k], 0.0)

    def _border_s(self, cell: int) -> float:
        """The start of a cell, not before the video."""
        clock = self.clock
        return max(0.0, (clock.offset + 0.5 * clock.window + (cell - 0.5) * clock.stride) / clock.fps)
