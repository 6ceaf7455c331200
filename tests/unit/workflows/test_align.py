"""The videos whose motion is compared with that of sensors are decoded in a child process."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.types import VideoRecord
from augrgb.sensors import alignment
from augrgb.workflows.align import check_clock
from support.video_samples import square_frames, write_video


def test_a_bad_video_is_left_out_and_nothing_is_decoded_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("decoded in this process")

    monkeypatch.setattr(alignment, "frames_by_time", refuse)  # the child has the real one
    write_video(tmp_path / "good.mp4", square_frames(60), fps=15)
    (tmp_path / "bad.mp4").write_text("<html>no video</html>")
    records = []
    for name in ("good", "bad"):
        path = tmp_path / f"{name}.npz"
        np.savez(path, values=np.random.default_rng(0).normal(size=(40, 2)), fps=np.float64(10))
        records.append(VideoRecord(name, 4.0, tmp_path / f"{name}.mp4", signal=path))
    with caplog.at_level(logging.WARNING):
        found = check_clock(records, "signal")
    assert found is not None and found.recordings == 1
    assert "E-VID-001" in caplog.text and "left out" in caplog.text
