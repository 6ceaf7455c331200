"""Videos as cameras, phones and converters really make them, short."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from support.video_samples import write_video

Frames = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]


def write_odd_videos(folder: Path, frames: Frames) -> list[Path]:
    """Fifteen kinds of the same scene; `frames` are RGB (n, H, W, 3), at 15 a second, n at least 16."""

    def sized(width: int, height: int) -> list[NDArray[np.uint8]]:
        return [np.asarray(cv2.resize(frame, (width, height)), np.uint8) for frame in frames]

    folder.mkdir(parents=True, exist_ok=True)
    half = frames[0].shape[1] // 4 * 2
    gaps = np.random.default_rng(0).uniform(0.02, 0.2, len(frames))
    upright = [np.ascontiguousarray(frame[:, :half]) for frame in frames]
    lying = [np.ascontiguousarray(np.rot90(frame)) for frame in sized(320, 240)]
    gray = [np.repeat(frame.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2) for frame in frames]
    return [
        write_video(folder / "plain.mp4", frames, fps=15),
        write_video(folder / "portrait.mp4", upright, fps=15),
        write_video(folder / "rotated.mp4", lying, fps=15, rotation=-90),
        write_video(folder / "dark.mp4", [(frame * 0.06).astype(np.uint8) for frame in frames], fps=15),
        write_video(folder / "black.mp4", [np.zeros_like(frame) for frame in frames], fps=15),
        write_video(folder / "white.mp4", [np.full_like(frame, 255) for frame in frames], fps=15),
        write_video(folder / "gray.mp4", gray, fps=15),
        write_video(folder / "odd.mkv", sized(321, 181), fps=15, pixels="yuv444p"),
        write_video(folder / "thin.mp4", sized(640, 32), fps=15),
        write_video(folder / "tiny.mp4", sized(16, 16), fps=15),
        write_video(folder / "large.mp4", sized(1920, 1080)[:6], fps=15),
        write_video(folder / "one_frame.mp4", frames[:1], fps=15),
        write_video(folder / "two_frames.mp4", frames[:2], fps=15),
        write_video(folder / "slow.mp4", frames[:15:5], fps=1),
        write_video(folder / "variable.mp4", frames, fps=15, times_s=np.cumsum(gaps).tolist()),
    ]
