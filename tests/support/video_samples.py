"""Small videos and poses that the tests make for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray


def square_frames(count: int, width: int = 64, height: int = 48, step: float = 2.0) -> NDArray[np.uint8]:
    """A red square moving right over a smooth grey texture, and a white mark in the top left corner."""
    y, x = np.mgrid[:height, :width]
    room = 90 + 40 * np.sin(x / 5.0) * np.cos(y / 4.0)
    frames = np.repeat(np.repeat(room[None, :, :, None], count, 0), 3, 3).astype(np.uint8)
    for number in range(count):
        left = int(number * step) % max(1, width - 12)
        frames[number, height // 2 : height // 2 + 12, left : left + 12] = (220, 30, 30)
        frames[number, : height // 6, : width // 6] = 255
    return frames


def numbered_frames(count: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """Frame i is all grey 20 + 5 i, so that a decoded frame tells its number (see `number_of`)."""
    return np.stack([np.full((height, width, 3), 20 + 5 * number, np.uint8) for number in range(count)])


def number_of(frame: NDArray[np.uint8]) -> int:
    """Which of `numbered_frames` this is, after lossy coding."""
    return round((float(frame.mean()) - 20) / 5)


def write_video(
    path: Path,
    frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    *,
    fps: int = 10,
    times_s: Sequence[float] | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    rotation: int | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    audio_s: float = 0.0,
) -> Path:
    """Encode RGB frames (H, W, 3); `times_s` gives presentation times of a variable frame rate."""
    base = Fraction(1, 1000)
    with av.open(str(path), "w", options=container or {}) as output:
        stream: Any = output.add_stream(codec, rate=fps, options={"crf": "12", **(options or {})})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        if times_s is not None:
            stream.codec_context.time_base = stream.time_base = base
        if rotation is not None:
            stream.set_display_rotation(rotation)
        sound: Any = output.add_stream("aac", rate=16000) if audio_s else None
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            if times_s is not None:
                frame.pts, frame.time_base = round(times_s[number] * 1000), base
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        if sound is not None:
            write_silence(output, sound, audio_s)
    return path


def write_late_video(path: Path, *, delay_s: float, tone_s: tuple[float, float], seconds: float = 3.0) -> Path:
    """Sound from 0 on with a tone, and a moving square that first shows after a delay; times on the file's clock."""
    rate = 16000
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        sound: Any = output.add_stream("aac", rate=rate)
        for number, pixels in enumerate(square_frames(round(seconds * 10))):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = round((delay_s + number / 10) * 1000), Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        wave = np.sin(np.arange(int(rate * (delay_s + seconds))) * 0.2).astype(np.float32) * 0.8
        times_s = np.arange(len(wave)) / rate
        wave[(times_s < tone_s[0]) | (times_s >= tone_s[1])] = 0
        for start in range(0, len(wave) - 1023, 1024):
            piece = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
            piece.sample_rate, piece.pts, piece.time_base = rate, start, Fraction(1, rate)
            output.mux(sound.encode(piece))
        output.mux(sound.encode())
    return path


def write_sound_only(path: Path, seconds: float = 1.0) -> Path:
    """A file without any picture."""
    with av.open(str(path), "w") as output:
        write_silence(output, output.add_stream("aac", rate=16000), seconds)
    return path


def write_poses(path: Path, motion: NDArray[np.float32], **changes: Any) -> Path:
    """A pose file of the stick figure of `STICK`; `changes` replace fields, None leaves one out."""
    fields: dict[str, Any] = {"joints": motion, "fps": 10.0, "names": np.array(STICK), "parents": STICK_PARENTS}
    fields |= changes
    with open(path, "wb") as handle:
        np.savez(handle, **{name: value for name, value in fields.items() if value is not None})
    return path


STICK = ("hips", "neck", "l_hip", "r_hip", "l_wrist")
STICK_PARENTS = np.array([-1, 0, 0, 0, 1])


def stick_motion(count: int, seed: int = 0) -> NDArray[np.float32]:
    """A stick figure that waves, three meters away, (count, 5, 3)."""
    rest = np.array([[0, 0, 3], [0, 0.5, 3], [0.1, 0, 3], [-0.1, 0, 3], [0.3, 0.2, 3]], np.float32)
    joints = np.repeat(rest[None], count, axis=0)
    joints[:, 4, 1] += 0.3 * np.sin(np.arange(count) / 3.0)
    joints += np.random.default_rng(seed).normal(0, 0.01, joints.shape)
    return joints.astype(np.float32)


def write_silence(output: Any, stream: Any, seconds: float) -> None:
    """Append a silent sound track."""
    count = int(seconds * 16000)
    for start in range(0, count, 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, start
        output.mux(stream.encode(frame))
    output.mux(stream.encode())
