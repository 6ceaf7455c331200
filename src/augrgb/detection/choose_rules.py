"""Event rules chosen on videos with known events: per class the best F1, or a stated number of false alarms per day.

For one `off` the stretches of activity are fixed, and the events at any `on` are those whose highest score reaches it.
So one sort gives precision and recall at *all* thresholds at once (Ebbers, Serizel, Haeb-Umbach, ICASSP 2022), and only
`off` is tried on a grid. Where several rules are equally good by that, the one with the largest mean overlap is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Detection, Event
from augrgb.detection.event_rule import DecidedEvent, EventRule, find_decided
from augrgb.metrics.event_counts import EventCounts, Overlap, count_events, covered_s, match_events, poisson_upper

FEW_EVENTS = 5
"""Below this number of events a class gets the pooled threshold."""
_OFFS = 24


@dataclass(frozen=True, slots=True, eq=False)
class KnownVideo:
    """A video with scores and annotation.

    Args:
        video_id: Its id.
        scores: (T, K) in [0, 1], as the rule will see them.
        duration_s: Its length.
        events: Of all classes.
        unknown: Spans whose truth is not known: what lies in them counts for and against nothing.
    """

    video_id: str
    scores: NDArray[np.float64]
    duration_s: float
    events: tuple[Event, ...]
    unknown: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ChosenRule:
    """A class's rule and what it is worth on the videos that it was chosen on.

    Args:
        rule: The rule.
        counts: With this rule, on those videos.
        why: One sentence.
        pooled: Whether the class has too few events for a choice alone.
    """

    rule: EventRule
    counts: EventCounts
    why: str
    pooled: bool = False


def choose_rules(
    videos: Sequence[KnownVideo],
    clock: Clock,
    classes: Sequence[str],
    *,
    base: EventRule = EventRule(),
    match: Overlap = Overlap(),
    false_alarms_per_day: float | None = None,
) -> dict[str, ChosenRule]:
    """`on` and `off` of every class; the durations are those of `base`.

    Args:
        false_alarms_per_day: Of all rules whose 95 % upper bound stays at or below this, take the one that finds most;
            None = take the one of the best F1.

    Raises:
        UsageFault: E-DET-015, even a class without any false alarm could not show so few in these hours.
    """
    if false_alarms_per_day is not None:
        _check_hours(videos, classes, false_alarms_per_day)
    plain = replace(base, cooldown=0.0)
    counted = {label: sum(len(_events(video, label)) for video in videos) for label in classes}
    enough = [label for label in classes if counted[label] >= FEW_EVENTS]
    pooled: EventRule | None = None
    if len(enough) < len(classes) and sum(counted.values()) >= FEW_EVENTS:
        pooled = _best(videos, clock, classes, list(classes), plain, match, false_alarms_per_day)
    chosen = {}
    for label in classes:
        few = label not in enough
        rule = pooled if few else _best(videos, clock, classes, [label], plain, match, false_alarms_per_day)
        if few:
            why = f"{_events_word(counted[label])} too few to measure: "
            why += "one rule for all classes together" if pooled is not None else "the default rule"
        elif false_alarms_per_day is None:
            why = f"best F1 over all thresholds, {counted[label]} events"
        else:
            why = f"most events at no more than {false_alarms_per_day:g} false alarms a day (95 % bound)"
        if rule is None:
            rule = base if few else EventRule(on=1.0, off=1.0)
            why = why if few else "no rule keeps to the stated false alarms: this class is off"
        rule = replace(rule, cooldown=base.cooldown)
        chosen[label] = ChosenRule(rule, counts_of(videos, clock, classes, label, rule, match), why, few)
    return chosen


def _events_word(count: int) -> str:
    return "1 event is" if count == 1 else f"{count} events are"


def counts_of(
    videos: Sequence[KnownVideo],
    clock: Clock,
    classes: Sequence[str],
    label: str,
    rule: EventRule,
    match: Overlap = Overlap(),
) -> EventCounts:
    """What a rule is worth for one class on videos with known events."""
    decided = [_decided(video, clock, classes, label, rule) for video in videos]
    found = [_detections(video, ones) for video, ones in zip(videos, decided, strict=True)]
    events = [_events(video, label) for video in videos]
    times_s = [[one.decided_at_s for one in ones] for ones in decided]
    return count_events(found, events, _hours(videos), _clean_hours(videos, label), match, decided_s=times_s)


def _decided(
    video: KnownVideo, clock: Clock, classes: Sequence[str], label: str, rule: EventRule
) -> list[DecidedEvent]:
    column = video.scores[:, [list(classes).index(label)]]
    found = find_decided(column, clock, [label], video.video_id, video.duration_s, rules=rule)
    return [one for one in found if not _mostly_unknown(one.start_s, one.end_s, video.unknown)]


def _detections(video: KnownVideo, events: Sequence[DecidedEvent]) -> list[Detection]:
    return [Detection(video.video_id, one.label, one.start_s, one.end_s, one.score) for one in events]


def _events(video: KnownVideo, label: str) -> list[Event]:
    return [
        event
        for event in video.events
        if event.label == label and not _mostly_unknown(event.start_s, event.end_s, video.unknown)
    ]


def _mostly_unknown(start_s: float, end_s: float, unknown: Sequence[tuple[float, float]]) -> bool:
    return covered_s(unknown, start_s, end_s) > 0.5 * (end_s - start_s)


def _hours(videos: Sequence[KnownVideo]) -> float:
    return sum(v.duration_s - covered_s(v.unknown, 0.0, v.duration_s) for v in videos) / 3600


def _clean_hours(videos: Sequence[KnownVideo], label: str) -> float:
    total_s = 0.0
    for video in videos:
        taken = [(event.start_s, event.end_s) for event in video.events if event.label == label]
        total_s += video.duration_s - covered_s([*taken, *video.unknown], 0.0, video.duration_s)
    return total_s / 3600


def _check_hours(videos: Sequence[KnownVideo], classes: Sequence[str], per_day: float) -> None:
    if not (math.isfinite(per_day) and per_day > 0):
        raise UsageFault("E-DET-014", "false_alarms_per_day", f"is {per_day}", "Give a number above 0.")
    needed = poisson_upper(0) * 24 / per_day
    short = {label: hours for label in classes if (hours := _clean_hours(videos, label)) < needed}
    if short:
        label, hours = min(short.items(), key=lambda item: (item[1], item[0]))
        problem = f"{per_day:g} a day takes {needed:.1f} hours of video without events to show; {label} has {hours:.2f}"
        least = poisson_upper(0) * 24 / hours if hours > 0 else math.inf
        remedy = f"Add video without events, or state at least {math.ceil(least)} a day." if hours > 0 else "Add video."
        raise UsageFault("E-DET-015", "false_alarms_per_day", problem, remedy)


def _best(
    videos: Sequence[KnownVideo],
    clock: Clock,
    classes: Sequence[str],
    labels: Sequence[str],
    base: EventRule,
    match: Overlap,
    per_day: float | None,
) -> EventRule | None:
    """The best rule for some classes together; None if no rule keeps to the false alarms."""
    columns = [list(classes).index(label) for label in labels]
    values = np.concatenate([np.zeros(0), *(_known_rows(video, clock)[:, columns].ravel() for video in videos)])
    events = sum(len(_events(video, label)) for video in videos for label in labels)
    clean_hours = sum(_clean_hours(videos, label) for label in labels)
    best: tuple[tuple[float, float, float, float], EventRule] | None = None
    for off in _grid(values):
        scored: list[tuple[float, float]] = []  # how near to its event, 0 for a false alarm
        rule = replace(base, on=off, off=off)
        for label in labels:
            for video in videos:
                found, truth = _detections(video, _decided(video, clock, classes, label, rule)), _events(video, label)
                places = match_events(found, truth, match)
                scored += [
                    (one.score, 0.0 if place is None else match.quality(one, truth[place]))
                    for one, place in zip(found, places, strict=True)
                ]
        scored.sort(key=lambda one: -one[0])
        peaks = np.array([score for score, _ in scored])
        hits = np.cumsum([near > 0 for _, near in scored], dtype=np.int64)
        nearness = np.cumsum([near for _, near in scored])
        ends = np.flatnonzero(np.diff(np.append(peaks, -1.0)))  # equal scores come and go together
        for last in ends.tolist():
            hit, alarms = int(hits[last]), int(last + 1 - hits[last])
            if per_day is not None and poisson_upper(alarms) * 24 > per_day * clean_hours:
                continue
            f1, recall = 2 * hit / (last + 1 + events), hit / max(events, 1)
            below = float(peaks[last + 1]) if last + 1 < len(peaks) else off
            on = max(off, 0.5 * (float(peaks[last]) + below))
            # Of rules that find the same, the one whose events lie where the true ones are.
            near = float(nearness[last]) / max(hit, 1)
            key = (f1, recall, near, on) if per_day is None else (recall, f1, near, on)
            if hit and (best is None or key > best[0]):
                best = key, replace(base, on=on, off=off)
    return best[1] if best is not None else None


def _known_rows(video: KnownVideo, clock: Clock) -> NDArray[np.float64]:
    """The scores outside unknown spans."""
    centers_s = clock.centers_s(len(video.scores))
    inside = np.zeros(len(centers_s), bool)
    for start_s, end_s in video.unknown:
        inside |= (centers_s >= start_s) & (centers_s < end_s)
    return video.scores[~inside]


def _grid(values: NDArray[np.float64]) -> list[float]:
    """Scores at which events may end: evenly spread over log-odds, between what the videos hold."""
    inside = values[(values > 1e-4) & (values < 1 - 1e-4)]
    if not len(inside):
        return [0.5]
    low, high = np.log(inside.min() / (1 - inside.min())), np.log(inside.max() / (1 - inside.max()))
    return [float(off) for off in 1 / (1 + np.exp(-np.linspace(low, high, _OFFS)))]
