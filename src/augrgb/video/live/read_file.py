"""A file, as if it were recorded now."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from augrgb.core.errors import AugrgbError
from augrgb.video.decode import DecodeReport, FrameTarget, sample_frames
from augrgb.video.live.messages import Beat, Ended, Frame, Message
from augrgb.video.view import WHOLE, View

_BEAT_EVERY_S = 0.5


def read_file(
    path: Path,
    fps: float,
    size: tuple[int, int],
    speed: float,
    send: Callable[[Message], None],
    *,
    view: View = WHOLE,
) -> None:
    """Send the frames of a file at the pace of their times.

    Args:
        path: A local video file.
        fps: Sampled frames per second.
        size: (width, height) to scale to.
        speed: Seconds of video per second; 0 = as fast as they are taken.
        send: Takes the messages; it may block, then the file waits.
        view: The part of the image that counts.
    """
    report = DecodeReport()
    begun_s: float | None = None
    fault: AugrgbError | None = None
    try:
        for index, (image,) in enumerate(sample_frames(path, fps, (FrameTarget(size, view=view),), report=report)):
            now_s = time.monotonic()
            begun_s = now_s if begun_s is None else begun_s
            due_s = begun_s + index / fps / speed if speed else now_s
            while (now_s := time.monotonic()) < due_s:
                time.sleep(min(_BEAT_EVERY_S, due_s - now_s))
                send(Beat())
            send(Frame(index, image, now_s))
    except AugrgbError as error:
        fault = error
    send(Ended(report.duration_s, tuple(report.warnings), fault))
