"""Times of frames from packets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from augrgb.video.frame_times import irregular_times_s
from support.video_samples import square_frames, write_video


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_constant_rate_needs_no_times(tmp_path: Path, codec: str) -> None:
    path = write_video(tmp_path / "a.mp4", square_frames(30), fps=10, codec=codec)
    assert len(irregular_times_s(path, 10.0)) == 0


def test_a_variable_rate_is_given_in_order_from_the_first_frame(tmp_path: Path) -> None:
    times = np.cumsum([0.4, *([0.03, 0.3] * 15)])
    path = write_video(tmp_path / "a.mp4", square_frames(31), times_s=times.tolist(), options={"bf": "2"})
    assert irregular_times_s(path, 6.0) == pytest.approx(times - times[0], abs=0.002)


def test_the_part_before_damage_is_given(tmp_path: Path) -> None:
    times = np.cumsum([0.0, *([0.03, 0.3] * 15)])
    path = write_video(tmp_path / "a.mkv", square_frames(31), times_s=times.tolist())
    path.write_bytes(path.read_bytes()[:-2000])
    found = irregular_times_s(path, 6.0)
    assert 2 < len(found) < 31 and np.abs(found[:, None] - times).min(axis=1).max() < 0.002
