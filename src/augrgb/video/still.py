"""One frame of a file, by time, without decoding what comes long before it."""

from __future__ import annotations

from pathlib import Path

import av.error
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.video.container import open_video, reason
from augrgb.video.orientation import orientation_of
from augrgb.video.probe import no_frames

_EPS_S = 1e-4
_FAR_S, _BEFORE_S = 5.0, 1.0
"""Nearer to the beginning nothing is skipped; otherwise decoding starts at a key frame this long before."""


def still_at(path: Path, time_s: float) -> NDArray[np.uint8]:
    """The frame on screen at a time.

    Args:
        path: A video.
        time_s: Seconds from its first frame; before it the first, after the end the last frame.

    Returns:
        Shape (H, W, 3), upright RGB.

    Raises:
        InputRefused: E-VID-003, the file is damaged there; also as `open_video`.
    """
    try:
        shown = _frame_at(path, time_s, sought=time_s > _FAR_S)
        if shown is None:  # some containers have no usable index: from the beginning
            shown = _frame_at(path, time_s, sought=False)
    except (av.error.FFmpegError, OSError) as error:
        problem = f"cannot be decoded at {time_s:.2f} s ({reason(error)})"
        raise InputRefused("E-VID-003", path, problem, "Re-encode it.") from error
    assert shown is not None
    return orientation_of(shown).apply(shown.to_ndarray(format="rgb24").astype(np.uint8, copy=False))


def _frame_at(path: Path, time_s: float, *, sought: bool) -> VideoFrame | None:
    """The last frame that begins by then; None if the search led behind it."""
    with open_video(path) as (container, stream):
        base = float(stream.time_base or 1)
        first = next(container.decode(stream), None)
        if first is None:
            raise no_frames(path, stream)
        # AVI stores decoding order only; there the n-th decoded frame has the n-th stamp.
        by_order = container.format.name == "avi"
        start = (first.dts if by_order else first.pts) or 0
        shown: VideoFrame | None = None if sought else first
        if sought:
            container.seek(start + int((time_s - _BEFORE_S) / base), stream=stream, backward=True)
        step = max(1, round(1 / (float(stream.average_rate or 25) * base)))
        latest = start - step
        for frame in container.decode(stream):
            given = frame.dts if by_order else frame.pts
            stamp = latest = latest + step if given is None else given  # the last ones of an AVI have none
            if (stamp - start) * base > time_s + _EPS_S:
                break
            shown = frame
        return shown
