"""Frames that nobody looks at are not converted, and change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from augrgb.core.timeline import Clock
from augrgb.video.decode import FrameTarget, sample_frames, shared_targets
from augrgb.video.frame_choice import frame_choice
from augrgb.video.windows import iter_windows
from support.video_samples import square_frames, write_video

CLOCKS = [
    Clock(15.0, 8, 8),
    Clock(10.0, 8, 4, 3),
    Clock(12.0, 4, 9),
    Clock(7.0, 5, 3, 2),
    Clock(40.0, 8, 8),
    Clock(24.0, 16, 16),
]


@pytest.mark.parametrize("count", [1, 5, 9, 23, 40])
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("positions", [(0, 2), (1,), (3, 0, 3)])
def test_windows_keep_the_frames_that_are_looked_at(
    tmp_path: Path, clock: Clock, positions: tuple[int, ...], count: int
) -> None:
    path = write_video(tmp_path / "v.mkv", square_frames(count, 64, 48), fps=24)
    size = (32, 24)
    targets = (FrameTarget(size), FrameTarget(size, choice=frame_choice(clock, positions)))
    both = list(sample_frames(path, clock.fps, targets))
    whole, few = (list(iter_windows((images[column] for images in both), clock, chunk=3)) for column in range(2))
    assert len(whole) == len(few)
    for one, other in zip(whole, few, strict=True):
        np.testing.assert_array_equal(one[:, list(positions)], other[:, list(positions)])


def test_what_is_not_looked_at_is_not_converted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.mkv", square_frames(32, 64, 48), fps=15)
    (choice,) = {frame_choice(Clock(15.0, 8, 8), [0, 2, 4, 6])}
    images = [image for (image,) in sample_frames(path, 15.0, (FrameTarget((32, 24), choice=choice),))]
    assert len(images) == 32
    assert [bool(image.any()) for image in images] == [number % 2 == 0 or number == 31 for number in range(32)]


def test_forms_with_several_choices_are_converted_once() -> None:
    clock = Clock(15.0, 8, 8)
    one, other = (FrameTarget((8, 8), choice=frame_choice(clock, places)) for places in ([0], [1]))
    gray = FrameTarget((8, 8), "gray", frame_choice(clock, [2]))
    assert shared_targets([one, one, gray]) == [one, one, gray]
    assert shared_targets([one, other, gray]) == [FrameTarget((8, 8)), FrameTarget((8, 8)), gray]
