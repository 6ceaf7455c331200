"""Frames for a film strip, taken from another decoding."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.video.decode import FrameTarget, sample_frames
from augrgb.video.thumbnails import Thumbnails
from augrgb.video.video_info import VideoInfo
from support.video_samples import write_video

INFO = VideoInfo(Path("v.mp4"), 320, 240, 25.0, 40.0, 1000, "h264", "mp4", "yuv420p", 0, False, False)


def taken(declared_s: Any, real_s: Any, count: Any = 8) -> Any:
    """Play a video whose frames say their time in seconds, 25 a second; the times of the thumbnails, and how many."""
    strip, number = Thumbnails(count, 24), 0
    strip.begin(replace(INFO, duration_s=declared_s))
    for frame in range(round(25 * real_s)):
        while strip.next_s < (frame + 1) / 25:
            strip.take(np.full((24, 32, 3), min(255, frame / 25), np.uint8))
            number += 1
    return [int(picture[0, 0, 0]) for picture in strip.frames(real_s)], number


@pytest.mark.parametrize("declared_s", [0.0, 10.0, 100.0, 200.0])
def test_they_are_evenly_spaced_whatever_the_header_says(declared_s: Any) -> None:
    times, converted = taken(declared_s, 200.0)
    assert len(times) == 8
    for place, time_s in enumerate(times):
        assert abs(time_s - (place + 0.5) * 25) <= 25
    assert converted <= 8 * 8


def test_a_true_header_costs_one_conversion_per_thumbnail() -> None:
    times, converted = taken(200.0, 200.0)
    assert converted == 8 and times == [12, 37, 62, 87, 112, 137, 162, 187]


def test_a_video_of_two_frames_repeats_them(tmp_path: Path) -> None:
    dark, bright = np.zeros((48, 64, 3), np.uint8), np.full((48, 64, 3), 255, np.uint8)
    path = write_video(tmp_path / "v.mp4", np.stack([dark, bright]), fps=2)
    strip = Thumbnails(4, 24)
    assert len(list(sample_frames(path, 2, [FrameTarget((32, 24))], thumbnails=strip))) == 2
    means = [picture.mean() for picture in strip.frames(1.0)]
    assert [mean > 128 for mean in means] == [False, False, True, True]
    assert strip.frames(1.0)[0].shape == (24, 32, 3)


def test_without_frames_there_are_none() -> None:
    assert Thumbnails().frames(10.0) == []
