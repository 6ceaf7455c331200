"""Clocks: the only place where seconds, frames and snippets are converted into each other.

A snippet is the window behind one feature vector. On a clock, snippet t covers the half-open interval
`[offset_s + t * stride_s, offset_s + t * stride_s + window_s)` of the video.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused


@dataclass(frozen=True, slots=True)
class Clock:
    """The time base of features and scores: which seconds of a video each snippet covers.

    Args:
        fps: Frames per second on which windows are counted (frames are *sampled by time* at this rate).
        window: Frames behind one snippet.
        stride: Frames between the starts of neighbouring snippets.
        offset: First frame of snippet 0.

    Examples:
        >>> clock = Clock(fps=16.0, window=8, stride=8)
        >>> clock.num_snippets(20), float(clock.centers_s(2)[1])
        (3, 0.75)
    """

    fps: float
    window: int
    stride: int
    offset: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fps) and self.fps > 0 and self.window > 0 and self.stride > 0):
            raise InputRefused("E-FEA-019", "clock", f"fps, window and stride must be positive, got {self}")

    @property
    def stride_s(self) -> float:
        """Seconds between neighbouring snippets."""
        return self.stride / self.fps

    @property
    def window_s(self) -> float:
        """Seconds covered by one snippet."""
        return self.window / self.fps

    def num_snippets(self, num_frames: int) -> int:
        """Snippets on `num_frames` frames: the last one may be incomplete, and is padded by repeating the last frame.

        A video of at least one frame has at least one snippet; a tail shorter than half a stride is left out.
        """
        if num_frames <= self.offset:
            return 0
        return 1 + max(0, math.floor((num_frames - self.offset - self.window) / self.stride + 0.5))

    def starts_s(self, count: int) -> NDArray[np.float64]:
        """Start of each of `count` snippets, seconds, shape (count,)."""
        return (self.offset + np.arange(count, dtype=np.float64) * self.stride) / self.fps

    def centers_s(self, count: int) -> NDArray[np.float64]:
        """Middle of each of `count` snippets, seconds, shape (count,)."""
        return self.starts_s(count) + 0.5 * self.window_s

    def cells_s(self, count: int) -> NDArray[np.float64]:
        """Borders of the time cells, each one stride long around its snippet's center, seconds, shape (count + 1,).

        Detections are written on these borders: cell t is the time that snippet t stands for.
        """
        return (
            self.offset + 0.5 * self.window + (np.arange(count + 1, dtype=np.float64) - 0.5) * self.stride
        ) / self.fps

    def to_json(self) -> dict[str, float | int]:
        """Plain values, the inverse of `Clock(**values)`."""
        return asdict(self)


def nearest_snippets(
    source: Clock, source_count: int, target: Clock, target_count: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For each target snippet the source snippet nearest in time, and whether it is near enough to be used.

    Near enough: the centers are at most half a source stride plus half a target stride apart (so a source one
    snippet shorter or longer than the target is unavailable only where it truly ends).

    Returns:
        indices (target_count,) into the source, and available (target_count,) bool.
    """
    if source_count == 0:
        return np.zeros(target_count, np.int64), np.zeros(target_count, bool)
    position = (target.centers_s(target_count) - source.centers_s(1)[0]) / source.stride_s
    indices = np.clip(np.rint(position), 0, source_count - 1).astype(np.int64)
    distance_s = np.abs(position - indices) * source.stride_s
    return indices, distance_s <= 0.5 * (source.stride_s + target.stride_s) + 1e-9


@dataclass(frozen=True, slots=True)
class FrameCounting:
    """How an annotation file counts frames, so that its spans become seconds and back.

    Args:
        fps: Constant frame rate.
        first: The number that the file gives to the first frame of the video.
        end_inclusive: An event's end is its last frame (True), or the frame after it (False).

    >>> FrameCounting(fps=10.0, first=1, end_inclusive=True).to_seconds(1, 10)
    (0.0, 1.0)
    """

    fps: float
    first: int = 0
    end_inclusive: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise InputRefused("E-FEA-019", "frame rate", f"must be positive, got {self.fps}")

    def to_seconds(self, start: float, end: float) -> tuple[float, float]:
        """Half-open `[start_s, end_s)` of a span of frames; a number with no float is infinite, as 1e400 is."""
        return (
            (_as_float(start) - self.first) / self.fps,
            (_as_float(end) - self.first + self.end_inclusive) / self.fps,
        )

    def to_frames(self, start_s: float, end_s: float) -> tuple[int, int]:
        """The nearest span of frames, one frame long at least: off by half a frame at most if the event has a frame."""
        start = round(start_s * self.fps)
        stop = max(start + 1, round(end_s * self.fps))
        return start + self.first, stop + self.first - self.end_inclusive


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf if number > 0 else -math.inf
