"""A video at a glance: small frames, evenly spaced, as JPEG data URIs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.report.frame_uri import PREFIX, is_frame_uri
from augrgb.video.decode import frames_by_time


def strip_times_s(duration_s: float, count: int) -> list[float]:
    """When to take the frames of a strip: the middle of each of `count` equal parts, seconds."""
    return [(place + 0.5) * duration_s / count for place in range(count)]


def film_strip(frames: Sequence[NDArray[np.uint8]], height_px: int = 96, quality: int = 72) -> list[str]:
    """Encode frames (H, W, 3) uint8 RGB as JPEG data URIs of one height; smaller frames are not enlarged.

    Raises:
        InputRefused: A frame is not (H, W, 3) uint8.
    """
    return [PREFIX + base64.b64encode(jpeg(frame, height_px, quality)).decode("ascii") for frame in frames]


def strip_of_file(
    file: Path | None, duration_s: float, count: int = 24, size: tuple[int, int] = (160, 120)
) -> tuple[str, ...]:
    """`count` frames spread evenly over a video file, of `size` (width, height) pixels; () where there is no file.

    Raises:
        InputRefused: The file cannot be decoded.
    """
    if file is None or not Path(file).is_file():
        return ()
    return tuple(film_strip(list(frames_by_time(file, count / duration_s, size=size))[:count]))


def frame_of(uri: str) -> NDArray[np.uint8]:
    """The frame (H, W, 3) uint8 RGB behind a data URI of `film_strip`.

    Raises:
        InputRefused: Not such a URI.
    """
    if not is_frame_uri(uri):
        raise InputRefused("E-REP-002", "film strip", f"not a JPEG data URI: {uri[:40]!r}", "Make it with film_strip.")
    image = cv2.imdecode(np.frombuffer(base64.b64decode(uri[len(PREFIX) :]), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputRefused("E-REP-002", "film strip", "a data URI holds no JPEG", "Make it with film_strip.")
    return np.asarray(image[:, :, ::-1], np.uint8)


def jpeg(frame: NDArray[np.uint8], height_px: int, quality: int) -> bytes:
    """A frame (H, W, 3) uint8 RGB as a JPEG file of at most this height.

    Raises:
        InputRefused: E-REP-002, not such a frame.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
        found = f"{frame.shape} {frame.dtype}"
        raise InputRefused("E-REP-002", "film strip", f"a frame is {found}, expected (H, W, 3) uint8")
    height, width = frame.shape[:2]
    if height > height_px:
        size = (max(1, round(width * height_px / height)), height_px)
        frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, coded = cv2.imencode(".jpg", np.ascontiguousarray(frame[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(coded)
