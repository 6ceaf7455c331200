"""A look at videos whose labels are read: in a child process with limits, since nobody vouches for the files."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import av.error

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.parallel.child import Child, ChildJob
from augrgb.parallel.limits import ChildLimits
from augrgb.video.container import open_video
from augrgb.video.frame_clock import FrameClock
from augrgb.video.plausible import longest_s
from augrgb.video.probe import declared_fps, probe
from augrgb.video.video_info import VideoInfo

_BYTES = 2 * 2**30
_SECONDS = 300.0
_one_at_a_time = threading.Lock()


def look(path: Path) -> VideoInfo:
    """What a video says about itself, its duration measured from packets where it says none.

    Raises:
        InputRefused: See `probe`; E-JOB-..., the file kills its process, takes too long or too much memory.
    """
    return cast(VideoInfo, _ask("look", path))


def measure(path: Path) -> tuple[float, float, bool]:
    """Frames per second, duration in seconds, and whether the rate varies; from packet times alone.

    Raises:
        InputRefused: As `look`; E-ANN-037, not all frames have a time.
    """
    return cast(tuple[float, float, bool], _ask("measure", path))


def _ask(question: str, path: Path) -> Any:
    with _one_at_a_time:
        outcome = _child().call(ChildJob(str(path), (question, path), _SECONDS))
    if isinstance(outcome, AugrgbError):
        raise outcome
    return outcome


@cache
def _child() -> Child[tuple[str, Path], Any]:
    """One for all videos; it ends with this process."""
    return Child(_answer, limits=ChildLimits(_BYTES), needs_main=False)


def _answer(asked: tuple[str, Path]) -> Any:
    question, path = asked
    if question == "measure":
        return _measured(path)
    info = probe(path)
    return replace(info, duration_s=_measured(path)[1]) if info.duration_s <= 0 else info


def _measured(path: Path) -> tuple[float, float, bool]:
    """Frames per second, duration in seconds, and whether the rate varies; from packet times alone."""
    with open_video(path) as (container, stream):
        fps = declared_fps(stream) or 25.0
        base_s = float(stream.time_base or 0) or 1 / fps
        try:
            packets = [packet for packet in container.demux(stream) if packet.size]
        except (av.error.FFmpegError, OSError) as error:
            raise InputRefused("E-VID-003", path, f"cannot be read to its end ({error})", "Copy it again.") from error
        stamps = [packet.pts if packet.pts is not None else packet.dts for packet in packets]
        if len(stamps) < 2 or None in stamps:
            raise InputRefused("E-ANN-037", path, f"{len(stamps)} frames, not all of which have a time")
        clock = FrameClock(base_s, 1 / fps)
        times = [clock.time_of(stamp) for stamp in sorted(stamp for stamp in stamps if stamp is not None)]
    if times[-1] <= 0:
        raise InputRefused("E-ANN-037", path, "all frames have the same time")
    rate = (len(times) - 1) / times[-1]
    size = os.stat(path).st_size
    if times[-1] > longest_s(size, len(times)):
        problem = f"claims to last over {times[-1]:.0f} s, with {len(times)} frames in {size} bytes"
        raise InputRefused("E-VID-024", path, problem, "Re-encode it, or cut it before the hole.")
    return rate, times[-1] + 1 / rate, clock.variable_rate
