"""Labels of many videos at once, one bit each: a whole dataset in a thirty-second of the memory of float32."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.label_spans import LabelSpans
from augrgb.annotations.labels import Labels


@dataclass(frozen=True, slots=True)
class PackedLabels:
    """Labels of V videos with N snippets in all and K classes.

    Args:
        bits: (N, ceil(K / 8)) uint8; class k is bit 7 - k % 8 of byte k // 8, as `numpy.packbits` has it.
        starts: (V + 1,) first row of each video, and N.
        num_classes: K.
    """

    bits: NDArray[np.uint8]
    starts: NDArray[np.int64]
    num_classes: int

    @staticmethod
    def of(spans: LabelSpans) -> PackedLabels:
        """The labels that spans stand for, whichever rule made them."""
        starts = np.concatenate([[0], np.cumsum(spans.counts)]).astype(np.int64)
        width = -(-spans.num_classes // 8)
        bits = np.zeros((int(starts[-1]), width), np.uint8)
        flat_bits = bits.reshape(-1)
        for bit in range(8):  # one bit at a time: writing the same bit twice does no harm, and little memory is needed
            chosen = np.flatnonzero((spans.label % 8 == bit) & (spans.stop > spans.first))
            lengths = spans.stop[chosen] - spans.first[chosen]
            place = (starts[spans.video[chosen]] + spans.first[chosen]) * width + spans.label[chosen] // 8
            before = np.cumsum(lengths) - lengths
            cells = np.repeat(place - before * width, lengths) + np.arange(int(lengths.sum())) * width
            flat_bits[cells] |= np.uint8(128 >> bit)
        return PackedLabels(bits, starts, spans.num_classes)

    def video(self, index: int) -> Labels:
        """Labels of one video, (T, K) float32 of 0 and 1."""
        rows = self.bits[self.starts[index] : self.starts[index + 1]]
        return np.unpackbits(rows, axis=1, count=self.num_classes).astype(np.float32)

    def dense(self) -> NDArray[np.bool_]:
        """Labels of all videos, one below the other, (N, K)."""
        return np.unpackbits(self.bits, axis=1, count=self.num_classes).view(np.bool_)
