"""Opening untrusted video files: local regular files of a few known containers, and nothing else.

The file is opened here and handed to the demuxer as bytes, so odd names (leading `-`, `concat:`, bytes that are not
UTF-8) never reach a protocol parser, and playlists or subtitle tricks cannot make it open a second file.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from augrgb.core.errors import InputRefused
from augrgb.core.opening import open_regular

DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg,dv,mxf"
"""Containers of cameras, recorders and the web that hold everything in one file; playlists and image lists do not."""
_PLAYLISTS = (b"#extm3u", b"ffconcat", b"[playlist]", b"v=0\r\n", b"v=0\no=", b"<mpd", b"<smil")

logging.getLogger("libav").setLevel(logging.CRITICAL)  # its messages never name the file


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one file may cost.

    Args:
        max_pixels: Width x height of one frame; 8K is 33 million.
        max_duration_s: Presentation time; a two-frame file may claim centuries.
    """

    max_pixels: int = 2**26
    max_duration_s: float = 48 * 3600.0


LIMITS = DecodeLimits()


@contextlib.contextmanager
def open_video(path: Path, limits: DecodeLimits = LIMITS) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a local video file; gives its container and its first real video stream (cover art is not video).

    Raises:
        InputRefused: E-FILE-001 (absent), E-FILE-008 (cannot be read), E-FILE-009 (not a regular file), E-VID-001 (not
            a video), E-VID-002 (no video stream), E-VID-004 (no decoder), E-VID-010 (frames too large), E-VID-015
            (another container).
    """
    path = Path(path)
    with open_regular(path, "video file") as handle:
        _refuse_non_videos(path, handle)
        try:
            container = av.open(
                handle,
                mode="r",
                buffer_size=2**18,
                container_options={"format_whitelist": DEMUXERS, "protocol_whitelist": "none"},
                options={"max_pixels": str(limits.max_pixels)},
                metadata_errors="replace",
            )
        except (av.error.FFmpegError, OSError) as error:
            raise _cannot_open(path, error) from error
        with container:
            yield container, _first_video_stream(path, container, limits)


def reason(error: Exception) -> str:
    """FFmpeg's own short text of an error, such as `Invalid data found when processing input`."""
    return str(getattr(error, "strerror", None) or error)


def _refuse_non_videos(path: Path, handle: BinaryIO) -> None:
    head = handle.read(4096)
    handle.seek(0)
    if not head:
        raise InputRefused("E-VID-001", path, "the file is empty (0 bytes)", "Copy or download it again.")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        raise InputRefused("E-VID-001", path, "looks like HTML or XML, not like a video", "Download it again.")
    if text.startswith(_PLAYLISTS):
        raise InputRefused("E-VID-001", path, "looks like a playlist", "Give the video files themselves.")
    if not any(byte < 9 for byte in head) and _is_text(head):
        raise InputRefused("E-VID-001", path, "looks like plain text, not like a video", "Check what was saved there.")


def _is_text(head: bytes) -> bool:
    try:
        head[:-4].decode("utf-8") if len(head) == 4096 else head.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _cannot_open(path: Path, error: Exception) -> InputRefused:
    if isinstance(error, OSError) and not isinstance(error, av.error.FFmpegError):
        return InputRefused("E-FILE-008", path, f"cannot be read ({reason(error)})")
    if isinstance(error, av.error.ArgumentError):
        return InputRefused(
            "E-VID-015",
            path,
            "not a supported container (mp4/mov, mkv/webm, avi, mpeg, wmv, flv, ogg, dv, mxf)",
            "Convert it.",
        )
    return InputRefused(
        "E-VID-001",
        path,
        f"cannot be opened ({reason(error)}); it is not a video, or was cut off before its index",
        "Copy or download it again; an interrupted recording needs a repair tool.",
    )


def _first_video_stream(path: Path, container: InputContainer, limits: DecodeLimits) -> VideoStream:
    still = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [stream for stream in container.streams.video if not stream.disposition & still]
    if not streams:
        found = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise InputRefused("E-VID-002", path, f"no video stream (found: {found}; cover art does not count)")
    stream = streams[0]
    context = stream.codec_context
    if context is None or not context.is_decoder:
        raise InputRefused("E-VID-004", path, "no decoder for its video codec", "Re-encode it as H.264.")
    if context.width * context.height > limits.max_pixels:
        raise too_large(path, context.width, context.height, limits)
    return stream


def too_large(path: Path, width: int, height: int, limits: DecodeLimits) -> InputRefused:
    """The refusal of frames with too many pixels."""
    problem = f"frames of {width} x {height} pixels; at most {limits.max_pixels} pixels are allowed"
    return InputRefused("E-VID-010", path, problem, "Scale the video down first.")
