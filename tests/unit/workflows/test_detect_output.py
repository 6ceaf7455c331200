"""Where detections are written is looked at before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from augrgb.core.errors import UsageFault
from augrgb.workflows.detect import detect_videos


def test_an_output_that_cannot_be_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageFault, match="E-FILE-012"):  # and neither the model nor the video is looked at
        detect_videos([tmp_path / "absent.mp4"], tmp_path / "no model", tmp_path / "file" / "out")
