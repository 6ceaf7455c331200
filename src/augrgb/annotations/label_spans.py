"""The two rules by which events label snippets, each written once; dense and packed labels are made from its spans.

An event labels a run of snippets of its video, so a rule is a time per snippet and the question whether a snippet
exactly at an event's start belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, did_you_mean
from augrgb.core.timeline import Clock
from augrgb.core.types import Event

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_Times = Callable[[Floats, Ints], Floats]


@dataclass(frozen=True, slots=True)
class LabelSpans:
    """Snippets that each of E events labels, over V videos: `first` up to before `stop` (none if `stop <= first`).

    Args:
        video: (E,) position of the event's video.
        label: (E,) position of the event's class.
        first, stop: (E,) snippets, counted from 0 in each video.
        counts: (V,) snippets of each video.
        num_classes: K.
    """

    video: Ints
    label: Ints
    first: Ints
    stop: Ints
    counts: Ints
    num_classes: int


def center_spans(
    events: Sequence[Sequence[Event]], classes: Sequence[str], clocks: Sequence[Clock], counts: Sequence[int]
) -> LabelSpans:
    """The center rule: a snippet is positive where its center lies in `[start_s, end_s)`.

    Args:
        events, clocks, counts: Per video: its events, its clock, its number of snippets.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`.

    >>> spans = center_spans([[Event("walk", 0.75, 1.25)]], ["walk"], [Clock(16.0, 8, 8)], [4])
    >>> spans.first.tolist(), spans.stop.tolist()  # centers at 0.25, 0.75, 1.25, 1.75 s
    ([1], [2])
    """
    table = np.array([(c.offset, c.stride, c.fps, 0.5 * c.window_s) for c in clocks], np.float64).reshape(-1, 4)

    def times(index: Floats, video: Ints) -> Floats:
        offset, stride, fps, half_s = table[video].T
        return np.asarray((offset + index * stride) / fps + half_s, np.float64)

    def guess(time_s: Floats, video: Ints) -> Floats:
        offset, stride, fps, half_s = table[video].T
        return np.asarray(((time_s - half_s) * fps - offset) / stride, np.float64)

    return _spans(events, classes, counts, times, guess, strict_start=False)


def legacy_uniform_spans(
    events: Sequence[Sequence[Event]], classes: Sequence[str], durations: Sequence[float], counts: Sequence[int]
) -> LabelSpans:
    """The rule of the published training programs, bit for bit.

    Snippet i is at time `i / (count / duration)` and is positive where `start < time < end`, both strict, so an event
    that starts at 0 never labels snippet 0. PDAN, MS-TCT, super-events and the TSU pipeline do this. Times and duration
    share any one unit (TSU counts frames).

    Args:
        events, durations, counts: Per video: its events, its duration in their unit, its number of snippets.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`.
    """
    # no snippet of an empty video is ever looked up, but its rate must not divide by zero
    fps = np.maximum(np.asarray(counts, np.float64), 1e-9) / np.asarray(durations, np.float64)
    return _spans(events, classes, counts, lambda i, v: i / fps[v], lambda s, v: s * fps[v], strict_start=True)


def class_indices(events: Sequence[Event], classes: Sequence[str]) -> Ints:
    """Position of each event's class in `classes`.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`, with the nearest name.
    """
    index: Mapping[str, int] = {name: position for position, name in enumerate(classes)}
    try:
        return np.fromiter((index[event.label] for event in events), np.int64, len(events))
    except KeyError as error:
        label = str(error.args[0])
        raise InputRefused("E-ANN-003", "events", f"unknown class {label!r}", did_you_mean(label, index)) from error


def _spans(
    events: Sequence[Sequence[Event]],
    classes: Sequence[str],
    counts: Sequence[int],
    times: _Times,
    guess: _Times,
    *,
    strict_start: bool,
) -> LabelSpans:
    """Spans by a rule: `times` of snippets of videos, `guess` of the (fractional) snippet at a time."""
    flat = [event for of_video in events for event in of_video]
    video = np.repeat(np.arange(len(events)), [len(of_video) for of_video in events])
    start = np.fromiter((event.start_s for event in flat), np.float64, len(flat))
    end = np.fromiter((event.end_s for event in flat), np.float64, len(flat))
    length = np.asarray(counts, np.int64)
    return LabelSpans(
        video=video,
        label=class_indices(flat, classes),
        first=_first_not_before(start, video, length, times, guess, strict=strict_start),
        stop=_first_not_before(end, video, length, times, guess, strict=False),
        counts=length,
        num_classes=len(classes),
    )


def _first_not_before(time: Floats, video: Ints, length: Ints, times: _Times, guess: _Times, *, strict: bool) -> Ints:
    """The first snippet of its video at or after a time (strict: after it); the video's length if there is none.

    Found from a guess in floating point, then corrected with the very times that the rule compares.
    """
    most = length[video].astype(np.float64)
    index = np.clip(np.floor(np.clip(guess(time, video), -2.0, most + 2.0)) - 1.0, 0.0, most)
    for _ in range(4):
        at = times(index, video)
        early = (index < most) & ((at <= time) if strict else (at < time))
        if not early.any():
            break
        index += early
    return index.astype(np.int64)
