"""When each frame of a file is shown, read from its packets without decoding."""

from __future__ import annotations

from pathlib import Path

import av.error
import numpy as np
from numpy.typing import NDArray

from augrgb.video.container import open_video

MOST = 4_000_000
"""Frames beyond which no times are kept: 18 hours at 60 frames per second."""


def irregular_times_s(path: Path, fps: float) -> NDArray[np.float64]:
    """Presentation times of all frames from the first one, in order, if these do not follow from the frame rate.

    Args:
        path: A video that has been decoded before.
        fps: Its average frame rate, 0.0 if unknown.

    Returns:
        (N,) seconds; (0,) where the rate is constant, or packets carry no times.
    """
    times: list[float] = []
    try:
        with open_video(path) as (container, stream):
            base = float(stream.time_base or 0)
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:
                    continue
                if packet.pts is None or len(times) >= MOST:
                    return np.zeros(0)
                times.append(packet.pts * base)
    except (av.error.FFmpegError, OSError):  # the part before the damage was usable, and is played
        pass
    found = np.unique(np.array(times, np.float64))
    if len(found) < 2:
        return np.zeros(0)
    found -= found[0]
    regular = np.arange(len(found)) / fps if fps > 0 else np.full(len(found), np.inf)
    return np.zeros(0) if np.abs(found - regular).max() < 0.3 / max(fps, 1e-9) else found
