"""Clips and stills out of a file, without encoding anything again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import av.error
import cv2
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from augrgb.core.errors import AugrgbError
from augrgb.core.files import atomic_path, write_bytes
from augrgb.video.container import open_video, reason
from augrgb.video.live.messages import ClipReady, ClipRequest


def cut_file(source: Path, request: ClipRequest) -> ClipReady:
    """Write the clip and the still of a request; what fails is said in the answer.

    The clip begins at the key frame before the wanted time.
    """
    clip = still = None
    from_s = to_s = 0.0
    problems = []
    try:
        from_s, to_s = _write_clip(source, request.clip, request.from_s, request.to_s)
        clip = request.clip
    except (AugrgbError, av.error.FFmpegError, OSError, ValueError) as error:
        problems.append(f"no clip: {_text(error)}")
    try:
        _write_still(source, request.still, request.still_s)
        still = request.still
    except (AugrgbError, av.error.FFmpegError, OSError, ValueError) as error:
        problems.append(f"no still: {_text(error)}")
    return ClipReady(request.id, clip, still, from_s, to_s, "; ".join(problems))


def _sought(container: InputContainer, stream: VideoStream, at_s: float) -> tuple[Fraction, int]:
    """Go to the key frame before a time; seconds of a tick, and the tick of time zero."""
    base, first = stream.time_base, stream.start_time or 0
    if base is None:
        raise ValueError("its frames have no times")
    container.seek(first + int(max(0.0, at_s) / base), stream=stream, backward=True)
    return base, first


def _write_clip(source: Path, path: Path, from_s: float, to_s: float) -> tuple[float, float]:
    with open_video(source) as (container, stream):
        base, first = _sought(container, stream, from_s)
        begin_s, end_s, count, shift = 0.0, 0.0, 0, 0
        with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as output:
            made = output.add_stream_from_template(stream)
            for packet in container.demux(stream):
                if packet.dts is None or packet.pts is None or not packet.size:
                    continue
                time_s = float((packet.pts - first) * base)
                if float((packet.dts - first) * base) > to_s and time_s > end_s:
                    break  # only now: frames that are shown before the last one may be stored after it
                if count == 0:
                    begin_s, shift = time_s, packet.dts
                count, end_s = count + 1, max(end_s, time_s)
                packet.dts, packet.pts = packet.dts - shift, packet.pts - shift
                packet.stream = made
                output.mux(packet)
            if not count:
                raise ValueError("the file has nothing there")
    return begin_s, end_s


def _write_still(source: Path, path: Path, at_s: float) -> None:
    found: VideoFrame | None = None
    with open_video(source) as (container, stream):
        base, first = _sought(container, stream, at_s)
        for frame in container.decode(stream):
            if found is not None and frame.pts is not None and float((frame.pts - first) * base) > at_s:
                break
            found = frame
        if found is None:
            raise ValueError("there is no frame")
        done, jpeg = cv2.imencode(".jpg", found.to_ndarray(format="bgr24"))
    if not done:
        raise ValueError("the frame cannot be encoded")
    write_bytes(path, jpeg.tobytes())


def _text(error: Exception) -> str:
    return reason(error) if isinstance(error, av.error.FFmpegError) else str(error)
