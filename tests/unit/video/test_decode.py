"""Frames by presentation time."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.video.container import DecodeLimits
from augrgb.video.decode import DecodeReport, FrameTarget, frames_by_time, sample_frames
from augrgb.video.frame_clock import FrameClock
from augrgb.video.probe import probe
from support.video_samples import number_of, numbered_frames, square_frames, write_video

SIZE = (64, 48)


def numbers(path: Any, fps: Any, **options: Any) -> Any:
    return [number_of(frame) for frame in frames_by_time(path, fps, SIZE, **options)]


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "ts"])
def test_every_frame_once_at_the_files_own_rate(tmp_path: Path, ending: Any) -> None:
    path = write_video(tmp_path / f"a.{ending}", numbered_frames(30))
    report = DecodeReport()
    assert numbers(path, 10, report=report) == list(range(30))
    assert report.duration_s == pytest.approx(3.0, abs=0.02) and not report.warnings and not report.variable_rate


@pytest.mark.parametrize("fps", [1.0, 4.0, 7.5, 10.0, 15.0, 24.0])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_resampling_shows_the_frame_on_screen(tmp_path: Path, fps: Any, ending: Any) -> None:
    path = write_video(tmp_path / f"a.{ending}", numbered_frames(20))
    expected = [math.floor(k * 10 / fps + 1e-6) for k in range(math.ceil(2.0 * fps - 1e-6))]
    assert numbers(path, fps) == expected


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_variable_frame_rate_is_sampled_by_time(tmp_path: Path, ending: Any) -> None:
    times = [0.0, 0.1, 0.2, 0.7, 0.8, 1.5, 1.55, 1.6, 2.0]
    path = write_video(tmp_path / f"v.{ending}", numbered_frames(9), times_s=times)
    report = DecodeReport()
    shown = numbers(path, 10, report=report)
    assert shown[:20] == [sum(t <= k / 10 + 1e-3 for t in times) - 1 for k in range(20)]
    assert report.variable_rate


def test_b_frames_come_in_presentation_order(tmp_path: Path) -> None:
    path = write_video(tmp_path / "b.mp4", numbered_frames(25), options={"bf": "3", "b-adapt": "0"})
    assert numbers(path, 10) == list(range(25))


@pytest.mark.parametrize("ending", ["mkv", "ts"])
def test_time_starts_at_the_first_frame(tmp_path: Path, ending: Any) -> None:
    times = [5.0 + 0.1 * number for number in range(10)]
    path = write_video(tmp_path / f"late.{ending}", numbered_frames(10), times_s=times)
    assert numbers(path, 10) == list(range(10))


def test_longer_sound_does_not_lengthen_the_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "s.mp4", numbered_frames(10), audio_s=3.0)
    assert numbers(path, 10) == list(range(10))
    assert probe(path).has_audio


def test_one_frame(tmp_path: Path) -> None:
    assert numbers(write_video(tmp_path / "one.mp4", numbered_frames(1)), 15) == [0, 0]  # on screen for 0.1 s


@pytest.mark.parametrize(("degrees", "corner"), [(90, "bottom left"), (180, "bottom right"), (-90, "top right")])
def test_rotation_is_applied(tmp_path: Path, degrees: Any, corner: Any) -> None:
    path = write_video(tmp_path / "r.mp4", square_frames(3), rotation=degrees)
    info = probe(path)
    assert (info.width, info.height) == ((48, 64) if degrees != 180 else (64, 48))
    frame = next(iter(frames_by_time(path, 10, (info.width, info.height))))
    rows = slice(-4, None) if "bottom" in corner else slice(4)
    columns = slice(-4, None) if "right" in corner else slice(4)
    assert frame.shape == (info.height, info.width, 3) and frame[rows, columns].mean() > 240


def test_mirrored_display_matrix() -> None:
    from augrgb.video.orientation import Orientation, _orientation_of_matrix

    one = 65536
    picture = np.arange(6, dtype=np.uint8).reshape(2, 3)
    flip_x = _orientation_of_matrix(np.array([-one, 0, 0, 0, one, 0, 0, 0, 1 << 30], np.int32))
    assert flip_x == Orientation(0, True) and (flip_x.apply(picture) == picture[:, ::-1]).all()
    flip_y = _orientation_of_matrix(np.array([one, 0, 0, 0, -one, 0, 0, 0, 1 << 30], np.int32))
    assert (flip_y.apply(picture) == picture[::-1]).all()
    transpose = _orientation_of_matrix(np.array([0, one, 0, one, 0, 0, 0, 0, 1 << 30], np.int32))
    assert (transpose.apply(picture) == picture.T).all()
    assert not _orientation_of_matrix(np.array([one, one // 2, 0, -one // 2, one, 0, 0, 0, 1 << 30], np.int32)).exact


@pytest.mark.parametrize(
    ("codec", "pixels"), [("libx264", "yuv444p"), ("libx264", "yuv420p10le"), ("ffv1", "gray"), ("ffv1", "bgra")]
)
def test_pixel_formats_become_rgb8(tmp_path: Path, codec: Any, pixels: Any) -> None:
    frames = np.repeat(square_frames(3).mean(axis=3, keepdims=True), 3, axis=3).astype(np.uint8)
    path = write_video(tmp_path / "p.mkv", frames, codec=codec, pixels=pixels)
    decoded = next(iter(frames_by_time(path, 10, SIZE)))
    assert decoded.dtype == np.uint8 and np.abs(decoded.astype(int) - frames[0]).mean() < 4


def test_colors_survive(tmp_path: Path) -> None:
    frames = square_frames(2)
    path = write_video(tmp_path / "c.mp4", frames, pixels="yuv444p")
    decoded = next(iter(frames_by_time(path, 10, SIZE))).astype(int)
    assert np.abs(decoded - frames[0]).mean() < 3


def test_interlaced_and_hdr_videos_warn(tmp_path: Path) -> None:
    for option, text in (("tff=1", "interlaced"), ("transfer=smpte2084", "HDR")):
        path = write_video(tmp_path / "w.mkv", square_frames(3), options={"x264-params": option})
        report = DecodeReport()
        assert numbers(path, 10, report=report) and text in "; ".join(report.warnings)


def test_odd_sizes_and_scaling(tmp_path: Path) -> None:
    path = write_video(tmp_path / "o.mkv", square_frames(2, 101, 67), codec="ffv1", pixels="bgr0")
    whole = next(iter(frames_by_time(path, 10, (101, 67))))
    small = next(iter(frames_by_time(path, 10, (33, 21))))
    assert whole.shape == (67, 101, 3) and small.shape == (21, 33, 3)
    assert abs(float(whole.mean()) - float(small.mean())) < 3


def test_one_decoding_gives_every_form(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", square_frames(5))
    both = list(sample_frames(path, 10, (FrameTarget((32, 24)), FrameTarget((64, 48), "gray"))))
    alone = list(frames_by_time(path, 10, (32, 24)))
    assert all((rgb == expected).all() for (rgb, _), expected in zip(both, alone, strict=True))
    assert both[0][1].shape == (48, 64)


def test_size_change_inside_a_video(tmp_path: Path) -> None:
    first = write_video(tmp_path / "a.ts", numbered_frames(12))
    second = write_video(tmp_path / "b.ts", numbered_frames(12, 96, 80))
    joined = tmp_path / "c.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    report = DecodeReport()
    shown = numbers(joined, 10, report=report)
    assert shown == [*range(12), *range(12)]  # the clock goes on where the first recording ended
    assert any("size changes" in text for text in report.warnings)
    assert any("monotone" in text for text in report.warnings)


def test_limits(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(5))
    with pytest.raises(InputRefused, match="E-VID-010"):
        next(iter(frames_by_time(path, 10, SIZE, limits=DecodeLimits(max_pixels=1000))))
    long = write_video(tmp_path / "l.mkv", numbered_frames(2), times_s=[0, 2000])
    with pytest.raises(InputRefused, match="E-VID-013"):
        numbers(long, 1, limits=DecodeLimits(max_duration_s=1000))


def test_odd_file_names(tmp_path: Path) -> None:
    names = ["-i.mp4", "concat:a|b.mp4", "with 'quotes' ; and\nnewline.mp4", "película 🎬.mp4", "x" * 251 + ".mp4"]
    for name in [*names, os.fsdecode(b"not utf8 \xff.mp4")]:
        path = tmp_path / name
        made = write_video(tmp_path / "made.mp4", numbered_frames(2))
        made.rename(path)
        assert numbers(path, 10) == [0, 1], name


@pytest.mark.parametrize(("every", "refused"), [(10, True), (200, False)])
def test_frames_without_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: Any, refused: Any) -> None:
    class Forgetful(FrameClock):
        def time_of(self, stamp: Any) -> Any:
            return super().time_of(None if self.frames % every == every // 2 else stamp)

    monkeypatch.setattr("augrgb.video.decode.FrameClock", Forgetful)
    path = write_video(tmp_path / "a.mp4", np.tile(numbered_frames(40), (5, 1, 1, 1)))
    report = DecodeReport()
    if refused:
        with pytest.raises(InputRefused, match=r"E-VID-006.*20 of 200 frames"):
            numbers(path, 10, report=report)
    else:
        assert numbers(path, 10, report=report) == [*range(40)] * 5
        assert "1 frames without a time" in report.warnings[0]
