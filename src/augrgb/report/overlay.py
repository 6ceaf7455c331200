"""A video with the labels of its detections drawn on the frames while they last."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.core.types import Detection
from augrgb.report.palette import CLASS_COLORS, colors_of
from augrgb.video.decode import DecodeReport, Partial, frames_by_time
from augrgb.video.mp4 import write_mp4
from augrgb.video.probe import probe
from augrgb.video.sound import SoundTrack
from augrgb.video.video_info import VideoInfo

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_PX = 22  # height of a capital letter of that font at scale 1
_QUALITY = 23


def write_overlay(
    path: Path,
    target: Path,
    detections: Sequence[Detection],
    *,
    classes: Sequence[str] = (),
    partial: Partial = "refuse",
    report: DecodeReport | None = None,
    info: VideoInfo | None = None,
) -> int:
    """Write a copy of the video as H.264 MP4 with a line per active detection in its class's color.

    Frames keep their size (an odd last row or column is left out, for the codec needs even sides) and the average
    frame rate; the first sound track is kept, as AAC. One frame is in memory at a time.

    Args:
        detections: Of this video, seconds.
        classes: Decide the colors, as on the timeline; default: the labels in alphabetical order.
        partial, report: See `frames_by_time`.
        info: What the file says about itself, if that is known already.

    Returns:
        Frames written.

    Raises:
        InputRefused: See `frames_by_time`; nothing is written.
        EnvironmentFault: The disk is full or read-only.
    """
    info = info or probe(path)
    fps = info.fps or 25.0
    frames = frames_by_time(path, fps, (max(2, info.width), max(2, info.height)), partial=partial, report=report)
    sound = SoundTrack(path, info.start_s) if info.has_audio else None
    return write_mp4(target, _marked(frames, fps, detections, classes), fps, quality=_QUALITY, sound=sound)


def draw_labels(
    frame: NDArray[np.uint8], lines: Sequence[tuple[str, tuple[int, int, int]]], *, line_height_px: int
) -> NDArray[np.uint8]:
    """A copy of a frame with lines of text on colored bars in the top left corner; what does not fit is counted.

    Letters outside ASCII lose their accents, or become `?`: OpenCV's own font has no others.

    Args:
        frame: (H, W, 3) uint8 RGB.
        lines: Text and RGB color of each line.
    """
    image = np.ascontiguousarray(frame).copy()
    height, width = image.shape[:2]
    room = max(1, height // line_height_px)
    if len(lines) > room:
        kept = room - 1
        lines = [*lines[:kept], (f"+{len(lines) - kept} more", (60, 60, 60))]
    pad = max(1, line_height_px // 6)
    for place, (text, color) in enumerate(lines):
        text = _plain(text)
        scale = (line_height_px - 2 * pad) * 0.7 / _FONT_PX
        text_width = cv2.getTextSize(text, _FONT, scale, 1)[0][0]
        scale *= min(1.0, (width - 2 * pad) / max(1, text_width))
        text_width = min(text_width, width - 2 * pad)
        top = place * line_height_px
        cv2.rectangle(image, (0, top), (text_width + 2 * pad, top + line_height_px - 2), color, -1)
        at = (pad, top + line_height_px - 2 * pad - 1)
        cv2.putText(image, text, at, _FONT, scale, (255, 255, 255), 1, cv2.LINE_AA)
    return image


def _marked(
    frames: Iterator[NDArray[np.uint8]], fps: float, detections: Sequence[Detection], classes: Sequence[str]
) -> Iterator[NDArray[np.uint8]]:
    colors = colors_of(classes, (d.label for d in detections))
    for number, full in enumerate(frames):
        frame = full[: full.shape[0] // 2 * 2, : full.shape[1] // 2 * 2]
        time_s = number / fps
        active = [d for d in detections if d.start_s <= time_s < d.end_s]
        lines = [
            (f"{d.label} {d.score:.2f}", _rgb(CLASS_COLORS[colors[d.label]]))
            for d in sorted(active, key=lambda d: (d.start_s, d.label))
        ]
        yield (
            draw_labels(frame, lines, line_height_px=max(14, frame.shape[0] // 14))
            if lines
            else np.ascontiguousarray(frame)
        )


def _plain(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return bare.encode("ascii", "replace").decode()


def _rgb(code: str) -> tuple[int, int, int]:
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)
