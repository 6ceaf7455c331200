"""What a video says about itself."""

from pathlib import Path

import pytest

from augrgb.video.probe import probe
from support.video_samples import numbered_frames, write_video


def test_header_facts(tmp_path: Path) -> None:
    info = probe(write_video(tmp_path / "a.mp4", numbered_frames(20)))
    assert (info.width, info.height, info.declared_frames, info.codec) == (64, 48, 20, "h264")
    assert info.fps == pytest.approx(10) and info.duration_s == pytest.approx(2.0)
    assert info.rotation_deg == 0 and not info.mirrored and not info.has_audio and "mp4" in info.container


def test_rotation_swaps_width_and_height(tmp_path: Path) -> None:
    info = probe(write_video(tmp_path / "a.mp4", numbered_frames(2), rotation=90))
    assert (info.width, info.height, info.rotation_deg) == (48, 64, 90)
