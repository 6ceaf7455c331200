"""Labels of many videos at once, one bit each: a whole dataset in a thirty-second of the room of float32.

The rules are those of `rasterise`: the same labels, found for all events of all videos together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.labels import Labels, class_indices
from augrgb.core.timeline import Clock
from augrgb.core.types import Event

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PackedLabels:
    """Labels of V videos with N snippets in all and K classes.

    Args:
        bits: (N, ceil(K / 8)) uint8; class k is bit 7 - k % 8 of byte k // 8, as `numpy.packbits` has it.
        starts: (V + 1,) first row of each video, and N.
        num_classes: K.
    """

    bits: NDArray[np.uint8]
    starts: Ints
    num_classes: int

    def video(self, index: int) -> Labels:
        """Labels of one video, (T, K) float32 of 0 and 1."""
        rows = self.bits[self.starts[index] : self.starts[index + 1]]
        return np.unpackbits(rows, axis=1, count=self.num_classes).astype(np.float32)

    def dense(self) -> NDArray[np.bool_]:
        """Labels of all videos, one below the other, (N, K)."""
        return np.unpackbits(self.bits, axis=1, count=self.num_classes).view(np.bool_)


def pack_rasterise(
    events: Sequence[Sequence[Event]], classes: Sequence[str], clocks: Sequence[Clock], counts: Sequence[int]
) -> PackedLabels:
    """`rasterise` for many videos: a snippet is positive where its centre lies in `[start_s, end_s)`.

    Args:
        events, clocks, counts: Per video: its events, its clock, its number of snippets.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`.
    """
    table = np.array([(c.offset, c.stride, c.fps, 0.5 * c.window_s) for c in clocks], np.float64).reshape(-1, 4)

    def times(index: Floats, video: Ints) -> Floats:
        offset, stride, fps, half_s = table[video].T
        return np.asarray((offset + index * stride) / fps + half_s, np.float64)

    def guess(time_s: Floats, video: Ints) -> Floats:
        offset, stride, fps, half_s = table[video].T
        return np.asarray(((time_s - half_s) * fps - offset) / stride, np.float64)

    return _packed(events, classes, counts, times, guess, strict=False)


def pack_legacy_uniform(
    events: Sequence[Sequence[Event]], classes: Sequence[str], durations: Sequence[float], counts: Sequence[int]
) -> PackedLabels:
    """`legacy_uniform` for many videos, bit for bit the same.

    Args:
        events, durations, counts: Per video: its events, its duration in their unit, its number of snippets.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`.
    """
    fps = np.asarray(counts, np.float64) / np.asarray(durations, np.float64)
    return _packed(events, classes, counts, lambda i, v: i / fps[v], lambda s, v: s * fps[v], strict=True)


def _packed(
    events: Sequence[Sequence[Event]],
    classes: Sequence[str],
    counts: Sequence[int],
    times: Callable[[Floats, Ints], Floats],
    guess: Callable[[Floats, Ints], Floats],
    *,
    strict: bool,
) -> PackedLabels:
    flat = [event for own in events for event in own]
    video = np.repeat(np.arange(len(events)), [len(own) for own in events])
    label = class_indices(flat, classes)
    start = np.fromiter((event.start_s for event in flat), np.float64, len(flat))
    end = np.fromiter((event.end_s for event in flat), np.float64, len(flat))
    length = np.asarray(counts, np.int64)
    first = _first_not_before(start, video, length, times, guess, strict=strict)
    stop = _first_not_before(end, video, length, times, guess, strict=False)
    starts = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    width = -(-len(classes) // 8)
    bits = np.zeros((int(starts[-1]), width), np.uint8)
    flat_bits = bits.reshape(-1)
    for bit in range(8):  # one bit at a time: writing the same bit twice does no harm, and little memory is needed
        chosen = np.flatnonzero((label % 8 == bit) & (stop > first))
        reach = stop[chosen] - first[chosen]
        place = (starts[video[chosen]] + first[chosen]) * width + label[chosen] // 8
        before = np.cumsum(reach) - reach
        cells = np.repeat(place - before * width, reach) + np.arange(int(reach.sum())) * width
        flat_bits[cells] |= np.uint8(128 >> bit)
    return PackedLabels(bits, starts, len(classes))


def _first_not_before(
    time: Floats,
    video: Ints,
    length: Ints,
    times: Callable[[Floats, Ints], Floats],
    guess: Callable[[Floats, Ints], Floats],
    *,
    strict: bool,
) -> Ints:
    """The first snippet of its video whose time is at least (strict: above) the given one; its length if none is.

    Found from a guess in floating point, then corrected with the very times that the rule compares.
    """
    most = length[video].astype(np.float64)
    index = np.clip(np.floor(np.clip(guess(time, video), -2.0, most + 2.0)) - 1.0, 0.0, most)
    for _ in range(4):
        at = times(index, video)
        index += (index < most) & ((at <= time) if strict else (at < time))
    return index.astype(np.int64)
