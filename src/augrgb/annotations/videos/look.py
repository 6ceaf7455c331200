"""A look at videos whose labels are read: in a child process with limits, since nobody vouches for the files."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import Any, cast

from augrgb.core.errors import AugrgbError
from augrgb.parallel.child import Child, ChildJob
from augrgb.parallel.limits import ChildLimits
from augrgb.video.video_info import VideoInfo

_BYTES = 2 * 2**30
_SECONDS = 300.0
_one_at_a_time = threading.Lock()


def look(path: Path) -> VideoInfo:
    """What a video says about itself, its duration measured from packets.

    Raises:
        InputRefused: See `probe`; E-JOB-..., the file kills its process, takes too long or too much memory.
    """
    return look_closely(path)[0]


def look_closely(path: Path) -> tuple[VideoInfo, str]:
    """A video with the duration that its packets have, whatever its header says, and how it breaks off ("" if whole).

    Raises:
        InputRefused: As `look`.
    """
    return cast(tuple[VideoInfo, str], _ask("look", path))


def measure(path: Path) -> tuple[float, float, bool]:
    """Frames per second, duration in seconds, and whether the rate varies; from packet times alone.

    Raises:
        InputRefused: As `look`; E-ANN-037, not all frames have a time.
    """
    return cast(tuple[float, float, bool], _ask("measure", path))


def _ask(question: str, path: Path) -> Any:
    whole = Path(path).absolute()  # the child has the working folder that this process had when it began
    with _one_at_a_time:
        outcome = _child().call(ChildJob(str(path), (question, whole), _SECONDS))
    if isinstance(outcome, AugrgbError):
        raise outcome
    return outcome


@cache
def _child() -> Child[tuple[str, Path], Any]:
    """One for all videos; it ends with this process."""
    return Child(_answer, limits=ChildLimits(_BYTES), needs_main=False)


def _answer(asked: tuple[str, Path]) -> Any:
    from augrgb.video.packet_times import measured, packet_times  # the decoder is loaded in the child only
    from augrgb.video.probe import probe

    question, path = asked
    if question == "measure":
        times = packet_times(path)
        return times.rate, times.duration_s, times.variable_rate
    return measured(probe(path))
