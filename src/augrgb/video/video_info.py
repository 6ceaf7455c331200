"""What a video file says about itself, as plain values: no decoder is imported to read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Header facts of a video; the decoder has the last word on frames and duration.

    Args:
        path: The file.
        width, height: Pixels as shown, after rotation.
        fps: Average frame rate declared (0.0 if unknown).
        duration_s: Declared duration of the video stream, seconds (0.0 if unknown).
        declared_frames: Frames in the header (0 if the container does not say).
        codec, container, pixel_format: FFmpeg's names.
        rotation_deg: Counter-clockwise turn that was applied to width and height: 0, 90, 180 or 270.
        mirrored: The display matrix flips the image.
        has_audio: There is a sound track.
        start_s: Time stamp of the first frame, seconds.
        first_frame_s: When a player shows the first frame: seconds after the start of whichever track begins first.
    """

    path: Path
    width: int
    height: int
    fps: float
    duration_s: float
    declared_frames: int
    codec: str
    container: str
    pixel_format: str
    rotation_deg: int
    mirrored: bool
    has_audio: bool
    start_s: float = 0.0
    first_frame_s: float = 0.0
