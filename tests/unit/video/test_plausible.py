"""What a video claims about its length costs nothing: it is judged by its bytes, its frames and the longest hole."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from augrgb.annotations.videos.look import look, measure
from augrgb.annotations.videos.match_videos import look_at
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.parallel.child import Child, ChildJob, allow_more_time
from augrgb.video.decode import FrameTarget, sample_frames
from augrgb.video.plausible import longest_s
from augrgb.video.probe import probe

HOURS = 3600.0


def write_claim(path: Path, times_s: list[float]) -> Path:
    """A small video whose frames are shown at these times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for number, time_s in enumerate(times_s):
            image = np.full((32, 32, 3), 40 * (number % 5), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def write_patched_claim(path: Path, hours: float) -> Path:
    """An MP4 or MOV of three frames, whose ticks are made seconds."""
    write_claim(path, [0.0, 1.0, 2.0])
    data = bytearray(path.read_bytes())
    at = data.index(b"mdhd") + 16
    scale = int.from_bytes(data[at : at + 4], "big")
    write_claim(path, [0.0, hours * HOURS / 2 / scale, hours * HOURS / scale])
    data = bytearray(path.read_bytes())
    at = data.index(b"mdhd") + 16
    data[at : at + 4] = (1).to_bytes(4, "big")
    path.write_bytes(data.replace(b"edts", b"free"))  # without the edit list, which knows the true length
    return path


def count_frames(path: Path) -> int:
    return sum(1 for _ in sample_frames(path, 15.0, (FrameTarget((16, 16)),)))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("hours", [1.5, 47.0, 100.0])
def test_two_frames_that_claim_hours_are_refused_at_once(tmp_path: Path, suffix: str, hours: float) -> None:
    path = tmp_path / f"claim.{suffix}"
    if suffix == "mkv":
        write_claim(path, [0.0, 1.0, hours * HOURS])
    else:
        write_patched_claim(path, 2 * hours)
    assert path.stat().st_size < 3000
    began_s = time.process_time()
    with pytest.raises(InputRefused, match=r"E-VID-024 .*claim"):
        count_frames(path)
    assert time.process_time() - began_s < 5
    with pytest.raises(AugrgbError, match="E-VID-024"):
        measure(path)
    assert probe(path).duration_s <= longest_s(path.stat().st_size, 10**9)


def test_many_holes_are_bounded_by_frames_and_bytes(tmp_path: Path) -> None:
    path = write_claim(tmp_path / "holes.mkv", [3000.0 * n for n in range(60)])  # 50 hours in 60 frames
    with pytest.raises(InputRefused, match="E-VID-024"):
        count_frames(path)


def test_slides_that_stand_for_minutes_are_fine(tmp_path: Path) -> None:
    path = write_claim(tmp_path / "slides.mp4", [0.0, 300.0, 600.0])
    assert probe(path).duration_s > 500
    assert count_frames(path) >= 600 * 15


def test_a_claim_never_ends_a_batch(tmp_path: Path) -> None:
    write_patched_claim(tmp_path / "claim.mp4", 100)
    write_claim(tmp_path / "good.mp4", [0.0, 1.0, 2.0])
    folder = look_at({path.stem: path for path in sorted(tmp_path.iterdir())})
    assert set(folder.infos) == {"good"} and folder.refused["claim"].code == "E-VID-024"


def test_faults_of_the_child_are_those_of_the_video(tmp_path: Path) -> None:
    with pytest.raises(AugrgbError, match="E-FILE-001"):
        look(tmp_path / "absent.mp4")


def _ask_for_centuries(_: object) -> float:
    allow_more_time(1e30)
    allow_more_time(float("inf"))
    return 1.0


def test_a_job_that_asks_for_centuries_is_waited_for() -> None:
    with Child(_ask_for_centuries, needs_main=False) as child:
        assert child.call(ChildJob("long", None, 1e12)) == 1.0
