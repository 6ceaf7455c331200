"""Tracks -> windows of a clock, whole or streaming, with identical results."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.timeline import Clock
from augrgb.video.decode import DecodeReport

AnyArray = NDArray[Any]


def window_frames(clock: Clock, snippets: NDArray[np.int64], num_frames: int) -> NDArray[np.int64]:
    """Frame numbers behind snippets, the last frame repeated where a window runs over the end.

    Shape: snippets (N,) -> (N, window).
    """
    starts = clock.offset + snippets * clock.stride
    frames: NDArray[np.int64] = np.minimum(starts[:, None] + np.arange(clock.window), num_frames - 1)
    return frames


def windows(track: AnyArray, clock: Clock) -> AnyArray:
    """All windows of a track.

    Shape: track (n, ...) -> (T, window, ...) with T = clock.num_snippets(n).
    """
    snippets = np.arange(clock.num_snippets(len(track)))
    return np.asarray(track[window_frames(clock, snippets, len(track))])


def iter_windows(frames: Iterable[AnyArray], clock: Clock, chunk: int) -> Iterator[AnyArray]:
    """The windows of a stream of frames, `chunk` at a time (the last may be fewer); holds about one chunk of frames.

    Shape: frames (...) each -> yields (<= chunk, window, ...).
    """
    waiting: deque[AnyArray] = deque()  # frames from number `first` on
    first = seen = made = 0
    ready: list[AnyArray] = []

    def window_at(start: int) -> AnyArray:
        numbers = np.minimum(np.arange(start, start + clock.window), seen - 1) - first
        return np.stack([waiting[number] for number in numbers])

    for frame in frames:
        waiting.append(frame)
        seen += 1
        start = clock.offset + made * clock.stride
        while first < min(start, seen - 1):  # the newest frame stays: it may have to be repeated
            waiting.popleft()
            first += 1
        if seen == start + clock.window:
            ready.append(window_at(start))
            made += 1
            if len(ready) == chunk:
                yield np.stack(ready)
                ready = []
    while made < clock.num_snippets(seen):
        start = clock.offset + made * clock.stride
        ready.append(window_at(max(start, first) if start < seen else seen - 1))
        made += 1
    for at in range(0, len(ready), chunk):
        yield np.stack(ready[at : at + chunk])


def warn_of_padding(path: Path, report: DecodeReport, clock: Clock) -> None:
    """Say that a video is shorter than a window: what a network sees of it is mostly its last frame, repeated."""
    if 0 < round(report.duration_s * clock.fps) < clock.window:
        window_s = clock.window / clock.fps
        report.warn(
            path, f"shorter than a window ({report.duration_s:.2f} of {window_s:.2f} s); its last frame is repeated"
        )
