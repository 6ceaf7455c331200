"""Optical flow between neighbouring frames of a track, as small integers.

Dense inverse search (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016) as in OpenCV, on grey
pictures of `WORK_SCALE` times the track's size, then averaged down. Its result does not depend on OpenCV's threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.video.decode import FrameTarget

STEPS_PER_PIXEL = 16
"""int8 units per pixel of the track's own size: 1/16 pixel resolution."""
MAX_PIXELS = 127 / STEPS_PER_PIXEL
"""Largest displacement kept along each axis, 7.94 pixels of the track; larger ones are clipped."""
WORK_SCALE = 2
"""Flow is computed on pictures this many times wider and higher than the track."""

FLOW_RECIPE = {"method": "dis-fast", "finest_scale": 1, "steps_per_pixel": STEPS_PER_PIXEL, "work_scale": WORK_SCALE}
"""What a cached flow track was made with."""


def flow_target(size: tuple[int, int]) -> FrameTarget:
    """The grey pictures that `flow_stream` needs for a flow track of `size` (width, height)."""
    return FrameTarget((size[0] * WORK_SCALE, size[1] * WORK_SCALE), "gray")


def flow_stream(pictures: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.int8]]:
    """Flow of each picture to the next one; the last one's is repeated, a single picture has zero flow.

    Args:
        pictures: Grey (WORK_SCALE * H, WORK_SCALE * W) uint8.

    Shape: yields as many (H, W, 2) int8 as there are pictures: displacement right and down in
        1 / STEPS_PER_PIXEL pixels of the (H, W) track.
    """
    # "Fast" stops at quarter resolution, where a moving hand is less than a pixel; half costs 0.3 ms more.
    method: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    method.setFinestScale(1)
    before: NDArray[np.uint8] | None = None
    field: NDArray[np.int8] | None = None
    for picture in pictures:
        if before is not None:
            field = _as_steps(method.calc(before, picture, None))
            yield field
        before = picture
    if before is not None:
        height, width = before.shape[0] // WORK_SCALE, before.shape[1] // WORK_SCALE
        yield np.zeros((height, width, 2), np.int8) if field is None else field


def _as_steps(flow: NDArray[np.float32]) -> NDArray[np.int8]:
    height, width = flow.shape[0] // WORK_SCALE, flow.shape[1] // WORK_SCALE
    small = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA) * (STEPS_PER_PIXEL / WORK_SCALE)
    steps: NDArray[np.int8] = np.clip(np.rint(small), -127, 127).astype(np.int8)
    return steps
