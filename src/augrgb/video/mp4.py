"""Writing H.264 video files: complete or absent, and the same bytes for the same frames."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from augrgb.core.files import atomic_path
from augrgb.video.sound import SoundTrack


def write_mp4(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    fps: float,
    *,
    quality: int = 25,
    sound: SoundTrack | None = None,
) -> int:
    """Encode frames as H.264 (yuv420p, one thread, no B-frames, a key frame every two seconds).

    Args:
        path: Target; written under a temporary name and renamed.
        frames: (H, W, 3) RGB arrays of one even size.
        fps: Constant frame rate.
        quality: x264's constant rate factor; lower = better and larger.
        sound: Written beside the frames as they come.

    Returns:
        Number of frames written.

    Raises:
        EnvironmentFault: The disk is full or read-only.
        ValueError: There are no frames.
    """
    rate = Fraction(fps).limit_denominator(1001)
    count = 0
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart", "fflags": "+bitexact"}) as file,
    ):
        stream = file.add_stream("libx264", rate=rate)
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        stream.options = {
            "preset": "superfast",
            "crf": str(quality),
            "g": str(max(1, round(2 * fps))),
            "bf": "0",
            "flags": "+bitexact",
        }
        if sound is not None:
            sound.begin(file)
        for image in frames:
            if count == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = count, 1 / rate
            file.mux(stream.encode(frame))
            count += 1
            if sound is not None:
                file.mux(sound.until(count / fps))
        if count == 0:
            raise ValueError("a video needs at least one frame")
        file.mux(stream.encode())
        if sound is not None:
            file.mux(sound.until(math.inf))
    return count
