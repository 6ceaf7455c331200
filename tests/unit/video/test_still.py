"""One frame by time: the same as decoding everything, for odd files too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.video.still import still_at
from support.video_samples import number_of, numbered_frames, write_video


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts"])
def test_the_frame_at_a_time_is_the_one_on_screen(tmp_path: Path, name: str) -> None:
    film = write_video(tmp_path / name, numbered_frames(40), fps=4, options={"g": "8"})
    for number in (0, 1, 17, 33, 39):
        assert number_of(still_at(film, number / 4 + 0.1)) == number
    assert number_of(still_at(film, 1e6)) == 39 and number_of(still_at(film, 0.0)) == 0


def test_variable_rate_rotation_and_a_late_start(tmp_path: Path) -> None:
    times = np.cumsum([0.0, *([0.05, 0.3] * 10)]).round(3)
    frames = numbered_frames(len(times))
    film = write_video(tmp_path / "phone.mp4", frames, fps=10, times_s=(times + 2.0).tolist(), rotation=90)
    for number in (0, 5, 20):
        found = still_at(film, float(times[number]) + 0.02)
        assert found.shape == (64, 48, 3) and number_of(found) == number


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("text")
    with pytest.raises(InputRefused, match="E-VID-001"):
        still_at(tmp_path / "a.mp4", 0.0)
