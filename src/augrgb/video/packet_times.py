"""The time of every frame of a file, from its packets: nothing is decoded, and no header is believed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av.error

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.video.completeness import Declared
from augrgb.video.container import open_video
from augrgb.video.frame_clock import FrameClock
from augrgb.video.plausible import longest_s
from augrgb.video.probe import declared_fps
from augrgb.video.video_info import VideoInfo

_JUMP_INTERVALS = 8


@dataclass(frozen=True, slots=True)
class PacketTimes:
    """What the packets of a video say.

    Args:
        rate: Mean frames per second.
        duration_s: End of the last frame, seconds from the first.
        variable_rate: The time between frames changes.
        breaks_off: What is wrong where the data ends before the header says, else "".
    """

    rate: float
    duration_s: float
    variable_rate: bool
    breaks_off: str


def packet_times(path: Path) -> PacketTimes:
    """Read the packets of a video.

    Recordings that were appended to each other (transport streams) each begin with an earlier time; they are counted
    one after another, as the decoder does.

    Raises:
        InputRefused: See `open_video`; E-VID-003, it cannot be read to its end; E-ANN-037, its frames have no times;
            E-VID-024, it claims a time that its bytes cannot hold.
    """
    with open_video(path) as (container, stream):
        declared = Declared.of(container, stream)
        fps = declared_fps(stream) or 25.0
        base_s = float(stream.time_base or 0) or 1 / fps
        by_decoding_order = container.format.name == "avi"
        clock = FrameClock(base_s, 1 / fps)
        count = missing = 0
        end_s = 0.0
        try:
            packets = [(packet.pts, packet.dts, packet.is_discard) for packet in container.demux(stream) if packet.size]
        except (av.error.FFmpegError, OSError) as error:
            raise InputRefused("E-VID-003", path, f"cannot be read to its end ({error})", "Copy it again.") from error
        for recording in _recordings(packets, _JUMP_INTERVALS / fps / base_s):
            stamps = [
                dts if by_decoding_order or pts is None else pts for pts, dts, discard in recording if not discard
            ]
            missing += stamps.count(None)
            for stamp in sorted(stamp for stamp in stamps if stamp is not None):
                end_s = clock.time_of(stamp)
                count += 1
        found = declared.breaks_off("read", count, end_s, stream) if count else ""
    if count < 2 or missing:
        raise InputRefused("E-ANN-037", path, f"{count + missing} frames, not all of which have a time")
    if end_s <= 0:
        raise InputRefused("E-ANN-037", path, "all frames have the same time")
    rate = (count - 1) / end_s
    size = os.stat(path).st_size
    if end_s > longest_s(size, count):
        problem = f"claims to last over {end_s:.0f} s, with {count} frames in {size} bytes"
        raise InputRefused("E-VID-024", path, problem, "Re-encode it, or cut it before the hole.")
    # after a frame that stands long (a dropped one), the last still lasts one usual interval
    interval_s = 1 / rate if not clock.variable_rate else min(1 / rate, 1 / fps)
    return PacketTimes(rate, end_s + interval_s, clock.variable_rate, found)


def measured(info: VideoInfo) -> tuple[VideoInfo, str]:
    """A video with the duration of its packets where the header says another, and how it breaks off ("" if whole).

    Headers lie: a track header of a third of a second before ten seconds of frames, joined transport streams, frames
    that a recorder dropped. A video whose frames have no times keeps what the header says.
    """
    try:
        times = packet_times(info.path)
    except AugrgbError as fault:
        if info.duration_s <= 0 or fault.code == "E-VID-024":
            raise
        return info, ""
    if abs(times.duration_s - info.duration_s) > 1.5 / max(info.fps, 1.0):
        info = replace(info, duration_s=times.duration_s)
    return info, times.breaks_off


_Packet = tuple[int | None, int | None, bool]


def _recordings(packets: list[_Packet], jump: float) -> Iterator[list[_Packet]]:
    """The packets, divided where the decoding time goes back."""
    part: list[_Packet] = []
    last: int | None = None
    for packet in packets:
        stamp = packet[1]
        if stamp is not None and last is not None and stamp < last - jump:
            yield part
            part = []
        part.append(packet)
        last = stamp if stamp is not None else last
    yield part
