"""Layout of a timeline: a film strip over lanes of detections, one lane per class, places in percent of the duration.

Everything is in percent of the width and pixels of height, so that zooming is only a wider drawing, and an hour-long
video with thousands of detections stays a list of rectangles. Templates draw and escape; nothing here makes markup.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from augrgb.core.errors import InputRefused
from augrgb.core.types import Detection, Event
from augrgb.report.agreement import Interval, agreement, intervals_of, united, without
from augrgb.report.data import DetectionPage, ScoreCurves, TimelineExample
from augrgb.report.frame_uri import is_frame_uri
from augrgb.report.numbers import clock_time, counted, percent
from augrgb.report.palette import colors_of

_TICK_STEPS_S = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_CURVE_POINTS = 480  # per lane; each is the maximum of its part, so that no peak is lost
_ZOOMED_POINTS = 1600  # per lane of the page that zooms
_MIN_WIDTH = 0.04  # percent: a detection that is too short to see is still there


@dataclass(frozen=True, slots=True)
class Bar:
    """One event or detection: place and width in percent; `alarms` are its parts that the annotation lacks."""

    x: float
    width: float
    title: str
    score: float | None
    alarms: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """One class: bars, missed parts of the annotation, and the score curve as path data on a 10000 x 100 field."""

    label: str
    color: int
    bars: tuple[Bar, ...]
    missed: tuple[tuple[float, float], ...]
    curve: str


@dataclass(frozen=True, slots=True)
class Block:
    """The lanes of one lane; `summary` says in words what it shows."""

    name: str
    extra_sensors: tuple[str, ...]
    summary: str
    lanes: tuple[Lane, ...]
    is_truth: bool
    lane_px: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """A drawable timeline; `rows` is the same as a table: (lane, class, start, end, score).

    `unknown` are stretches that are not judged, place and width in percent.
    """

    title: str
    duration_s: float
    frames: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
    blocks: tuple[Block, ...]
    judged: bool
    note: str
    rows: tuple[tuple[str, Event | Detection], ...]
    unknown: tuple[tuple[float, float], ...] = ()


def example_timeline(example: TimelineExample, classes: Sequence[str]) -> Timeline:
    """Annotation and lanes of one video; the lanes of the annotated classes stand in every lane, in one order.

    Raises:
        InputRefused: A duration, time or frame that cannot be drawn (E-REP-001, E-REP-002).
    """
    where = example.video_id
    truth = list(example.truth or ())
    everything: list[Event | Detection] = [*truth, *(found for lane in example.lanes for found in lane.detections)]
    _check(where, example.duration_s, example.frames, everything)
    colors = colors_of(classes, (event.label for event in everything))
    order = _first_seen(truth)
    blocks: list[Block] = []
    rows: list[tuple[str, Event | Detection]] = []
    if example.truth is not None:
        lanes = tuple(_lane(label, colors, example.duration_s, truth, None, None) for label in order)
        blocks.append(Block("Ground truth", (), counted(len(truth), "event"), lanes, True, 13))
        rows += [("Ground truth", event) for event in sorted(truth, key=lambda event: event.start_s)]
    for lane in example.lanes:
        found = list(lane.detections)
        judge = truth if example.truth is not None else None
        own = [*order, *(label for label in _first_seen(found) if label not in order)]
        lanes = tuple(
            _lane(label, colors, example.duration_s, found, judge, lane.curves, unknown=example.unknown)
            for label in own
        )
        summary = _summary(found, judge, example.unknown)
        blocks.append(Block(lane.name, lane.extra_sensors, summary, lanes, False, 13 if lane.curves is None else 24))
        rows += [(lane.name, event) for event in sorted(found, key=lambda event: event.start_s)]
    ticks = time_ticks(example.duration_s)
    judged = example.truth is not None
    unknown = tuple(_spans(united(example.unknown), example.duration_s))
    return Timeline(
        where, example.duration_s, example.frames, ticks, tuple(blocks), judged, example.note, tuple(rows), unknown
    )


def detected_timeline(video: DetectionPage) -> Timeline:
    """The detections of one video: one lane per class with a detection, in the order of the model's classes.

    Raises:
        InputRefused: A duration, time or frame that cannot be drawn (E-REP-001, E-REP-002).
    """
    found, truth = list(video.detections), list(video.truth or ())
    _check(video.name, video.duration_s, video.frames, [*found, *truth])
    labels = {event.label for event in found} | {event.label for event in truth}
    colors = colors_of(video.classes, labels)
    order = [label for label in colors if label in labels]
    judge = truth if video.truth is not None else None
    blocks: list[Block] = []
    if judge is not None:
        lanes = tuple(_lane(label, colors, video.duration_s, judge, None, None) for label in order)
        blocks.append(Block("Ground truth", (), counted(len(judge), "event"), lanes, True, 13))
    lanes = tuple(_lane(label, colors, video.duration_s, found, judge, video.curves, _ZOOMED_POINTS) for label in order)
    lane_px = 16 if video.curves is None else 34
    blocks.append(Block("Detections", (), _summary(found, judge), lanes, False, lane_px))
    ticks = time_ticks(video.duration_s)
    return Timeline(video.name, video.duration_s, video.frames, ticks, tuple(blocks), judge is not None, "", ())


def time_ticks(duration_s: float, count: int = 9) -> tuple[tuple[float, str], ...]:
    """Round times along a video: (percent of the duration, label).

    >>> time_ticks(40.0)[1]
    (12.5, '0:05')
    """
    step = next((step for step in _TICK_STEPS_S if duration_s / step <= count), duration_s / count)
    decimals = 0 if step >= 1 else 1
    return tuple(
        (round(100 * place * step / duration_s, 3), clock_time(place * step, decimals))
        for place in range(math.floor(duration_s / step + 1e-9) + 1)
    )


def _lane(
    label: str,
    colors: Mapping[str, int],
    duration_s: float,
    events: Sequence[Event | Detection],
    truth: Sequence[Event] | None,
    curves: ScoreCurves | None,
    points: int = _CURVE_POINTS,
    *,
    unknown: Sequence[Interval] = (),
) -> Lane:
    own = sorted((event for event in events if event.label == label), key=lambda event: event.start_s)
    real = intervals_of(truth, label) if truth is not None else None
    bars = tuple(_bar(event, duration_s, None if real is None else [*real, *unknown]) for event in own)
    missed = () if real is None else tuple(_spans(without(real, [*intervals_of(own, label), *unknown]), duration_s))
    return Lane(label, colors[label], bars, missed, _curve(curves, label, duration_s, points))


def _bar(event: Event | Detection, duration_s: float, real: Sequence[Interval] | None) -> Bar:
    score = event.score if isinstance(event, Detection) else None
    title = f"{event.label}  {clock_time(event.start_s)} to {clock_time(event.end_s)}"
    title += "" if score is None else f"  score {score:.2f}"
    ((x, width),) = _spans([(event.start_s, event.end_s)], duration_s)
    alarms = () if real is None else tuple(_spans(without([(event.start_s, event.end_s)], real), duration_s))
    return Bar(x, width, title, score, alarms)


def _spans(intervals: Iterable[Interval], duration_s: float) -> list[tuple[float, float]]:
    """Place and width in percent, cut to the video: a detection may reach past the last frame by half a snippet."""
    spans = []
    for start, end in intervals:
        first, last = (100 * min(max(time, 0.0), duration_s) / duration_s for time in (start, end))
        spans.append((round(min(first, 100 - _MIN_WIDTH), 3), round(max(last - first, _MIN_WIDTH), 3)))
    return spans


def _curve(curves: ScoreCurves | None, label: str, duration_s: float, points: int) -> str:
    """A closed area under the score curve, thinned to the maximum of each part; "" without a curve."""
    if curves is None or label not in curves.classes or not len(curves.times_s):
        return ""
    scores = np.nan_to_num(np.clip(curves.values[:, curves.classes.index(label)], 0.0, 1.0))
    starts = np.unique(np.linspace(0, len(scores), min(len(scores), points), endpoint=False).astype(np.int64))
    peaks = np.maximum.reduceat(scores, starts)
    x = np.clip(np.rint(10_000 * np.asarray(curves.times_s)[starts] / duration_s), 0, 10_000).astype(int)
    y = 100 - np.rint(100 * peaks).astype(int)
    line = "L".join(f"{place} {height}" for place, height in zip(x, y, strict=True))
    return f"M{x[0]} 100L{line}L{x[-1]} 100Z"


def _first_seen(events: Iterable[Event | Detection]) -> list[str]:
    return list(dict.fromkeys(event.label for event in sorted(events, key=lambda event: (event.start_s, event.label))))


def _summary(found: Sequence[Detection], truth: Sequence[Event] | None, unknown: Sequence[Interval] = ()) -> str:
    text = counted(len(found), "detection")
    if truth is not None:
        shares = agreement(truth, found, unknown)
        text += "" if shares.found is None else f" · finds {percent(shares.found)} % of the annotated time"
        text += "" if shares.false is None else f" · {percent(shares.false)} % of its own time is false"
    return text


def _check(where: str, duration_s: float, frames: Sequence[str], events: Iterable[Event | Detection]) -> None:
    if not (math.isfinite(duration_s) and duration_s > 0):
        raise InputRefused("E-REP-001", where, f"a timeline needs a positive duration in seconds, got {duration_s}")
    if not all(is_frame_uri(frame) for frame in frames):
        raise InputRefused("E-REP-002", where, "a frame is not a JPEG data URI", "Make frames with film_strip.")
    for event in events:
        if not (math.isfinite(event.start_s) and math.isfinite(event.end_s) and event.start_s <= event.end_s):
            found = f"{event.label!r} spans {event.start_s} to {event.end_s} s"
            raise InputRefused("E-REP-001", where, f"{found}, expected finite times in order")
        if event.end_s > 1.5 * duration_s + 10:  # a little over is a last, incomplete snippet; this is another unit
            found = f"{event.label!r} ends at {event.end_s} s but the video lasts {duration_s} s"
            raise InputRefused("E-REP-001", where, found, "Are these frame numbers?")
