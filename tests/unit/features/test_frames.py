"""Tracks of every modality from videos that cameras and phones write: turned, variable rate, odd sizes, no stamps."""

import itertools
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from augrgb.features.frames import iter_frames
from augrgb.video.decode import DecodeReport
from augrgb.video.flow.settings import FlowSettings
from support.video_samples import write_video


def moving_texture(count: Any, width: Any = 96, height: Any = 64, step: Any = (2, 1)) -> Any:
    """A soft colored texture that moves by `step` pixels a frame, (count, height, width, 3)."""
    room = np.random.default_rng(0).random((height + 80, width + 80, 3)).astype(np.float32)
    room = cv2.GaussianBlur(room, (0, 0), 3)
    room = ((room - room.min()) / (room.max() - room.min()) * 255).astype(np.uint8)
    corners = [(40 - step[1] * n, 40 - step[0] * n) for n in range(count)]
    return np.stack([room[top : top + height, left : left + width] for top, left in corners])


def track(path: Any, modality: Any, fps: Any, size: Any, **options: Any) -> Any:
    return np.stack(list(iter_frames(path, modality, fps, size, **options)))


def middle(flow: Any, steps: Any = 16) -> Any:
    return np.median(flow[:-1, 12:-12, 12:-12].reshape(-1, 2).astype(float), axis=0) / steps


@pytest.mark.parametrize(
    ("degrees", "turns", "motion"), [(90, 1, (1, -2)), (180, 2, (-2, -1)), (-90, 3, (-1, 2)), (0, 0, (2, 1))]
)
def test_flow_is_computed_on_upright_pictures(tmp_path: Path, degrees: Any, turns: Any, motion: Any) -> None:
    frames = moving_texture(8)
    turned = np.ascontiguousarray(np.rot90(frames, turns, axes=(1, 2)))
    size = (turned.shape[2], turned.shape[1])
    phone = write_video(tmp_path / "phone.mp4", frames, rotation=degrees or None)
    upright = write_video(tmp_path / "upright.mp4", turned)
    flow = track(phone, "flow", 10, size)
    assert flow.shape == (8, size[1], size[0], 2)
    np.testing.assert_allclose(middle(flow), motion, atol=0.15)
    np.testing.assert_allclose(middle(flow), middle(track(upright, "flow", 10, size)), atol=0.1)
    difference = track(phone, "rgb", 10, size).astype(int) - track(upright, "rgb", 10, size)
    assert np.abs(difference).mean() < 3


@pytest.mark.parametrize("modality", ["rgb", "flow"])
def test_variable_rate_equals_a_constant_rate_copy(tmp_path: Path, modality: Any) -> None:
    frames = moving_texture(12, step=(3, 0))
    shown = [0, 1, 1, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10, 11]  # which picture is on screen in each tenth of a second
    starts = [shown.index(number) / 10 for number in range(12)]
    report = DecodeReport()
    variable = write_video(tmp_path / "v.mkv", frames, times_s=starts)
    constant = write_video(tmp_path / "c.mkv", frames[shown])
    first = track(variable, modality, 10, (96, 64), report=report)
    second = track(constant, modality, 10, (96, 64))
    assert report.variable_rate and len(first) == len(second) == 16
    # Flow is zero while a picture stays, so both have the same tenths with and without motion.
    assert np.abs(first.astype(int) - second).mean() < (3 if modality == "rgb" else 1.5)
    if modality == "flow":
        still = [np.abs(field).mean() < 2 for field in first[:-1]]
        assert still == [a == b for a, b in itertools.pairwise(shown)]


@pytest.mark.parametrize(("width", "height"), [(97, 65), (101, 67), (99, 33)])
@pytest.mark.parametrize("rotation", [None, 90])
def test_odd_sizes_in_every_modality(tmp_path: Path, width: Any, height: Any, rotation: Any) -> None:
    frames = moving_texture(5, width, height)
    path = write_video(tmp_path / "odd.mp4", frames, pixels="yuv444p", rotation=rotation)
    size = (width, height) if rotation is None else (height, width)
    rgb, flow = track(path, "rgb", 10, size), track(path, "flow", 10, size)
    assert rgb.shape == (5, size[1], size[0], 3) and flow.shape == (5, size[1], size[0], 2)
    expected = frames if rotation is None else np.rot90(frames, 1, axes=(1, 2))
    assert np.abs(rgb.astype(int) - expected).mean() < 6
    np.testing.assert_allclose(middle(flow), (2, 1) if rotation is None else (1, -2), atol=0.2)


def test_wide_motion_needs_a_wide_bound(tmp_path: Path) -> None:
    path = write_video(tmp_path / "fast.mp4", moving_texture(5, 160, 96, step=(9, 0)))
    narrow, wide = (track(path, "flow", 10, (160, 96), flow=FlowSettings(bound=bound)) for bound in (127 / 16, 20.0))
    assert middle(narrow)[0] == pytest.approx(127 / 16)  # clipped
    assert middle(wide, 127 / 20)[0] == pytest.approx(9, abs=0.2)


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_avi_has_no_presentation_times(tmp_path: Path, codec: Any) -> None:
    """With B-frames, packets come in another order than pictures, and nothing says which is shown when."""
    frames = moving_texture(20)
    options = {"bf": "2", "b-adapt": "0"} if codec == "libx264" else {"bf": "2", "b:v": "4M"}
    path = write_video(tmp_path / "b.avi", frames, codec=codec, options=options)
    with av.open(str(path)) as container:
        stamps = [frame.pts for frame in container.decode(video=0)]
    if codec == "libx264":
        assert None in stamps or stamps != sorted(stamps) or len(set(stamps)) < 20, "these stamps could be trusted"
    report = DecodeReport()
    rgb = track(path, "rgb", 10, (96, 64), report=report)
    assert report.decoded_frames == 20 and len(rgb) >= 20
    # Nearer to its own picture than to its neighbours: none is out of order.
    nearest = [np.abs(frames.astype(int) - picture).mean(axis=(1, 2, 3)).argmin() for picture in rgb[:20]]
    assert nearest == list(range(20))
    np.testing.assert_allclose(middle(track(path, "flow", 10, (96, 64))[:20]), (2, 1), atol=0.2)
