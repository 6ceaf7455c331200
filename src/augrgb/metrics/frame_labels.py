"""The truth on a grid of snippets, as the per-frame protocols read it.

Written apart from the labels that a model is trained on, so that a mistake in one of the two shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from augrgb.core.timeline import Clock
from augrgb.core.types import Event

Flags = NDArray[np.bool_]


def centre_labels(events: Sequence[Event], classes: Mapping[str, int], clock: Clock, count: int) -> Flags:
    """(T, K) bool: a snippet is positive where its centre lies in [start_s, end_s)."""
    centres = clock.centres_s(count)
    labels = np.zeros((count, len(classes)), bool)
    for event in events:
        labels[
            np.searchsorted(centres, event.start_s) : np.searchsorted(centres, event.end_s), classes[event.label]
        ] = 1
    return labels


def uniform_labels(events: Sequence[Event], classes: Mapping[str, int], duration: float, count: int) -> Flags:
    """(T, K) bool: snippet i has time i / (T / duration) and is positive where start < time < end, both strict.

    The published rule of super-events, PDAN, MS-TCT and TSU, with the order of its divisions kept. An event that starts
    at 0 never labels snippet 0. Times and duration share any one unit.
    """
    times = np.arange(count) / (count / duration)
    labels = np.zeros((count, len(classes)), bool)
    for event in events:
        first = np.searchsorted(times, event.start_s, side="right")
        labels[first : np.searchsorted(times, event.end_s, side="left"), classes[event.label]] = 1
    return labels
