"""What a video file says about itself, after a look at its first frame."""

from __future__ import annotations

import os
from pathlib import Path

import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from augrgb.core.errors import InputRefused
from augrgb.video.container import LIMITS, DecodeLimits, open_video, reason
from augrgb.video.orientation import orientation_of
from augrgb.video.plausible import longest_s, most_frames
from augrgb.video.video_info import VideoInfo


def probe(path: Path, limits: DecodeLimits = LIMITS) -> VideoInfo:
    """Read the header and decode one frame.

    Raises:
        InputRefused: See `open_video`; E-VID-002 without any frame; E-VID-003 when the first frame cannot be decoded.
    """
    path = Path(path)
    with open_video(path, limits) as (container, stream):
        stream.codec_context.thread_count = 1
        try:
            frame = next(container.decode(stream), None)
        except (av.error.FFmpegError, OSError) as error:
            raise InputRefused(
                "E-VID-003", path, f'decoded 0 of {stream.frames} frames, then "{reason(error)}"', "Re-encode it."
            ) from error
        if frame is None:
            raise no_frames(path, stream)
        return info_of(path, container, stream, frame)


def info_of(path: Path, container: InputContainer, stream: VideoStream, frame: VideoFrame) -> VideoInfo:
    """What an open file says about itself, with its first frame."""
    orientation = orientation_of(frame)
    width, height = (frame.height, frame.width) if orientation.swaps_sides else (frame.width, frame.height)
    return VideoInfo(
        path=path,
        width=width,
        height=height,
        fps=declared_fps(stream),
        duration_s=_believed_s(path, declared_duration_s(container, stream)),
        declared_frames=stream.frames,
        codec=stream.codec_context.name,
        container=container.format.name,
        pixel_format=frame.format.name,
        rotation_deg=90 * orientation.quarter_turns,
        mirrored=orientation.mirrored,
        has_audio=len(container.streams.audio) > 0,
        start_s=float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base else 0.0,
        first_frame_s=_first_frame_s(container, frame),
    )


def _believed_s(path: Path, declared_s: float) -> float:
    """A declared duration; 0.0 (unknown) where the file is far too small for it."""
    size = os.stat(path).st_size
    return declared_s if 0 <= declared_s <= longest_s(size, most_frames(size)) else 0.0


def _first_frame_s(container: InputContainer, frame: VideoFrame) -> float:
    """Players begin at the earliest time stamp of any track; 0.0 where a file has none."""
    if frame.pts is None or frame.time_base is None or container.start_time is None:
        return 0.0
    delay_s = float(frame.pts * frame.time_base) - container.start_time / 1e6
    return round(delay_s, 6) if 0.001 <= delay_s < 3600 else 0.0


def declared_fps(stream: VideoStream) -> float:
    """Average frame rate in the header, 0.0 if it does not say."""
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate else 0.0


_NO_DURATION = ("mpeg", "mpegvideo", "flv")
"""Containers whose headers have no duration, or one of the recorder's; what FFmpeg reports there is an estimate."""


def declared_duration_s(container: InputContainer, stream: VideoStream) -> float:
    """Duration of the video stream in the header, seconds; 0.0 if unknown.

    The container's own duration counts only when nothing else (sound, subtitles) could be what makes it long.
    """
    if container.format.name in _NO_DURATION:
        return 0.0
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if len(container.streams) == 1 and container.duration:
        start_s = float(
            (stream.start_time or 0) * (stream.time_base or 0)
        )  # Matroska counts from 0, not the first frame
        return float(container.duration) / 1e6 - max(start_s, 0.0) * ("matroska" in container.format.name)
    return 0.0


def no_frames(path: Path, stream: VideoStream) -> InputRefused:
    """The refusal of a video in which nothing could be decoded."""
    if stream.frames:
        problem = f"decoded 0 of {stream.frames} frames: the image data is missing"
        return InputRefused("E-VID-003", path, problem, "It was cut off: copy or download it again.")
    return InputRefused("E-VID-002", path, "the video stream has no frames")
