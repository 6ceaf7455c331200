"""Annotated events as labels on a grid of snippets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, did_you_mean
from augrgb.core.timeline import Clock
from augrgb.core.types import Event

Labels = NDArray[np.float32]


def rasterise(events: Sequence[Event], classes: Sequence[str], clock: Clock, count: int) -> Labels:
    """Labels by the centre rule: a snippet is positive where its centre lies in `[start_s, end_s)`.

    Events of one class that overlap merge; an event that covers no centre labels nothing.

    Returns:
        (count, K) float32 of 0 and 1.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`.
    """
    times = clock.centres_s(count)
    starts, ends = (np.array([getattr(event, name) for event in events]) for name in ("start_s", "end_s"))
    first, stop = np.searchsorted(times, starts, side="left"), np.searchsorted(times, ends, side="left")
    return _painted(class_indices(events, classes), first, stop, count, len(classes))


def legacy_uniform(events: Sequence[Event], classes: Sequence[str], duration: float, count: int) -> Labels:
    """Labels by the rule of the published training programs, bit for bit.

    Snippet i is at time `i / (count / duration)` and is positive where `start < time < end`, both strict, so an event
    that starts at 0 never labels snippet 0. PDAN, MS-TCT, super-events and the TSU pipeline do this. Times and duration
    share any one unit (TSU counts frames).

    Returns:
        (count, K) float32 of 0 and 1.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`.
    """
    fps = count / duration
    times = np.arange(count, dtype=np.float64) / fps
    starts, ends = (np.array([getattr(event, name) for event in events], float) for name in ("start_s", "end_s"))
    first, stop = np.searchsorted(times, starts, side="right"), np.searchsorted(times, ends, side="left")
    return _painted(class_indices(events, classes), first, stop, count, len(classes))


def class_indices(events: Sequence[Event], classes: Sequence[str]) -> NDArray[np.int64]:
    """Position of each event's class in `classes`.

    Raises:
        InputRefused: E-ANN-003, a label that is not there, with the nearest name.
    """
    index: Mapping[str, int] = {name: position for position, name in enumerate(classes)}
    try:
        return np.fromiter((index[event.label] for event in events), np.int64, len(events))
    except KeyError as error:
        label = str(error.args[0])
        raise InputRefused("E-ANN-003", "events", f"unknown class {label!r}", did_you_mean(label, index)) from error


def _painted(
    label: NDArray[np.int64], first: NDArray[np.int64], stop: NDArray[np.int64], count: int, num_classes: int
) -> Labels:
    """1 in column `label` from `first` to before `stop`: borders are counted up and down, then summed over time."""
    depth = np.zeros((count + 1, num_classes), np.int64)
    some = stop > first
    np.add.at(depth, (first[some], label[some]), 1)
    np.add.at(depth, (stop[some], label[some]), -1)
    return (np.cumsum(depth[:count], axis=0) > 0).astype(np.float32)
