"""Frames of several clips one after another, with gaps between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from augrgb.video.decode import Image, frames_by_time

GapImage = Literal["hold", "black"]


@dataclass(frozen=True, slots=True)
class ClipFrames:
    """`count` frames of a video file that stand in a stream from frame `first` on."""

    file: Path
    first: int
    count: int


def string_frames(
    clips: Sequence[ClipFrames], frames: int, fps: float, size: tuple[int, int], gap_image: GapImage
) -> Iterator[Image]:
    """All frames of a stream.

    A gap that is held shows the last frame of the clip before it, and from its middle on the first frame of the clip
    after it. A clip that ends a few frames early holds its last frame, one that is longer is cut.

    Args:
        clips: In their order; they do not overlap.
        frames: Of the stream.
        fps: Of the stream.
        size: (width, height).
        gap_image: What gaps show.

    Shape: yields (height, width, 3) uint8, `frames` times.
    """
    black = np.zeros((size[1], size[0], 3), np.uint8)
    last: Image | None = None
    at = 0
    for clip in clips:
        images = frames_by_time(clip.file, fps, size)
        image = next(images)
        yield from _gap(clip.first - at, last, image, black, gap_image)
        for number in range(clip.count):
            yield image
            image = next(images, image) if number + 1 < clip.count else image
        last, at = image, clip.first + clip.count
    yield from _gap(frames - at, last, last, black, gap_image)


def _gap(count: int, before: Image | None, after: Image | None, black: Image, image: GapImage) -> Iterator[Image]:
    for number in range(count):
        held = before if before is not None and (after is None or number < count / 2) else after
        yield black if image == "black" or held is None else held
