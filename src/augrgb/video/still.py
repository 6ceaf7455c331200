"""One frame of a file, by time, without decoding what comes long before it."""

from __future__ import annotations

from pathlib import Path

import av.error
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.video.container import open_video, reason
from augrgb.video.orientation import orientation_of
from augrgb.video.probe import no_frames

_EPS_S = 1e-4
_MOST_FRAMES = 3000
"""How many frames are decoded after the nearest key frame at most."""


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
        with open_video(path) as (container, stream):
            first = next((frame for frame in container.decode(stream)), None)
            if not isinstance(first, VideoFrame):
                raise no_frames(path, stream)
            shown = first if first.pts is None or time_s <= 0 else _frame_at(container, stream, first, time_s)
            return orientation_of(shown).apply(shown.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
    except (av.error.FFmpegError, OSError) as error:
        problem = f"cannot be decoded at {time_s:.2f} s ({reason(error)})"
        raise InputRefused("E-VID-003", path, problem, "Re-encode it.") from error


def _frame_at(container: InputContainer, stream: VideoStream, first: VideoFrame, time_s: float) -> VideoFrame:
    base = float(stream.time_base or 1)
    start = first.pts or 0
    container.seek(start + int(time_s / base), stream=stream, backward=True)
    shown, count = first, 0
    for frame in container.decode(stream):
        if not isinstance(frame, VideoFrame) or frame.pts is None:
            continue
        count += 1
        if (frame.pts - start) * base > time_s + _EPS_S or count > _MOST_FRAMES:
            break
        shown = frame
    return shown
