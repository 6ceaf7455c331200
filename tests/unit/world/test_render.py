from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from augrgb.video.mp4 import write_mp4
from augrgb.world.appearance import make_light, make_look
from augrgb.world.camera import make_camera
from augrgb.world.film import act
from augrgb.world.motion import Held
from augrgb.world.plan import plan_videos
from augrgb.world.pose_sensor import exact_pose, hidden_joints, sense_pose
from augrgb.world.render import render_frames
from augrgb.world.room import Occluder, paint_room
from augrgb.world.settings import WorldSettings
from augrgb.world.skeleton import INDEX

SETTINGS = WorldSettings(duration_s=5.0, sensor_noise=0.0, lighting=0.0, occlusion=0.0, clutter=0.0)
PLAN = plan_videos(SETTINGS)[0]


def frames_of(performance: Any, settings: Any = SETTINGS) -> Any:
    camera = make_camera(settings, PLAN.camera, PLAN.video_id)
    light = make_light(settings, PLAN.video_id)
    room = paint_room(settings, camera, light, PLAN.video_id)
    look = make_look(settings, PLAN.subject, PLAN.video_id)
    return room, list(render_frames(settings, performance, camera, look, light, room, None, PLAN.video_id))


def test_camera_axes_and_projection() -> None:
    camera = make_camera(replace(SETTINGS, train_cameras=1), "C1", "v")
    seen = camera.see(
        np.array([camera.target, camera.target + np.array([0.0, 0.5, 0]), camera.target + 0.5 * camera.axes[0]])
    )
    np.testing.assert_allclose(seen[0, :2], 0, atol=1e-9)
    assert seen[0, 2] > 3 and seen[1, 1] > 0.4 and seen[2, 0] == pytest.approx(0.5)
    pixels = camera.project(seen)
    np.testing.assert_allclose(pixels[0], [80, 60], atol=1e-6)
    assert pixels[1, 1] < 60 and pixels[2, 0] > 80


def test_the_figure_is_drawn_where_the_joints_are() -> None:
    performance, _ = act(SETTINGS, PLAN)
    room, frames = frames_of(performance)
    camera = make_camera(SETTINGS, PLAN.camera, PLAN.video_id)
    changed = np.abs(frames[30].astype(int) - room).max(axis=2) > 20
    for name in ("neck", "spine", "l_knee", "r_knee", "l_elbow", "r_elbow"):
        x, y = camera.project(camera.see(performance.joints[30, INDEX[name]])).astype(int)
        assert changed[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].any(), name
    assert 0.01 < changed.mean() < 0.2


def test_objects_are_seen_by_the_camera_and_not_by_the_pose_sensor() -> None:
    performance, _ = act(SETTINGS, PLAN)
    performance = replace(performance, held=())
    with_cup = replace(performance, held=(Held("cup", "r", np.ones(len(performance.joints), bool)),))
    difference = np.abs(frames_of(performance)[1][20].astype(int) - frames_of(with_cup)[1][20])
    assert (difference.max(axis=2) > 20).sum() >= 8
    camera = make_camera(SETTINGS, PLAN.camera, PLAN.video_id)
    np.testing.assert_array_equal(exact_pose(performance, camera), exact_pose(with_cup, camera))


def test_nuisances_have_strengths() -> None:
    performance, _ = act(SETTINGS, PLAN)
    room, quiet = frames_of(performance)
    _, noisy = frames_of(performance, replace(SETTINGS, sensor_noise=1.0))

    def shake(frames: Any) -> Any:
        return np.abs(frames[10].astype(int) - frames[11])[:20, :20].mean()

    assert shake(quiet) == 0 and 5 < shake(noisy) < 20
    busy, _ = frames_of(performance, replace(SETTINGS, clutter=1.0))
    assert busy.std() > room.std()


def test_exact_pose_without_errors_and_measured_errors_with_them() -> None:
    settings = WorldSettings(joint_noise_m=0, joint_dropout=0, joint_swap=0, frame_dropout=0)
    performance, _ = act(settings, PLAN)
    camera = make_camera(settings, PLAN.camera, PLAN.video_id)
    exact = exact_pose(performance, camera)
    np.testing.assert_array_equal(sense_pose(settings, performance, camera, None, "v"), exact.astype(np.float32))
    assert (exact[..., 2] > 1).all()

    noisy = sense_pose(replace(settings, joint_noise_m=0.03), performance, camera, None, "v") - exact
    assert noisy[..., :2].std() == pytest.approx(0.03, rel=0.1)
    assert noisy[..., 2].std() == pytest.approx(0.045, rel=0.1)
    assert np.corrcoef(noisy[:-1, :, 0].ravel(), noisy[1:, :, 0].ravel())[0, 1] > 0.6  # it drifts, it does not flicker

    lost = np.isnan(sense_pose(replace(settings, joint_dropout=0.05), performance, camera, None, "v")[..., 0])
    hidden = hidden_joints(exact, camera, None, performance.names)
    assert lost[~hidden].mean() == pytest.approx(0.05, abs=0.015)
    gone = np.isnan(sense_pose(replace(settings, frame_dropout=0.3), performance, camera, None, "v"))
    assert 0.1 < gone.all(axis=(1, 2)).mean() < 0.5 and gone.any(axis=(1, 2)).mean() == gone.all(axis=(1, 2)).mean()


def test_swaps_exchange_left_and_right() -> None:
    settings = WorldSettings(joint_noise_m=0, joint_dropout=0, joint_swap=0.5, frame_dropout=0)
    performance, _ = act(settings, PLAN)
    camera = make_camera(settings, PLAN.camera, PLAN.video_id)
    exact = exact_pose(performance, camera).astype(np.float32)
    sensed = sense_pose(settings, performance, camera, None, "v")
    left, right = INDEX["l_wrist"], INDEX["r_wrist"]
    swapped = (sensed[:, left] == exact[:, right]).all(axis=1)
    assert 0.2 < swapped.mean() < 0.8
    np.testing.assert_array_equal(sensed[swapped, right], exact[swapped, left])
    assert (sensed[:, INDEX["head"]] == exact[:, INDEX["head"]]).all()


def test_joints_behind_an_occluder_are_lost_more_often() -> None:
    settings = WorldSettings(joint_dropout=0.1, joint_swap=0, frame_dropout=0)
    performance, _ = act(settings, PLAN)
    camera = make_camera(settings, PLAN.camera, PLAN.video_id)
    everything = np.full((camera.height, camera.width), 255, np.uint8)
    occluder = Occluder(np.zeros((camera.height, camera.width, 3), np.uint8), everything)
    free = np.isnan(sense_pose(settings, performance, camera, None, "v")).mean()
    behind = np.isnan(sense_pose(settings, performance, camera, occluder, "v")).mean()
    assert behind == pytest.approx(0.4, abs=0.06) and free < 0.2


def test_mp4_is_complete_h264_with_constant_frame_rate(tmp_path: Path) -> None:
    frames = [np.full((48, 64, 3), 20 * i, np.uint8) for i in range(10)]
    assert write_mp4(tmp_path / "a.mp4", frames, 12.5) == 10
    with av.open(str(tmp_path / "a.mp4")) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == pytest.approx(12.5)
        decoded = list(file.decode(video=0))
    assert [round(frame.time * 12.5) for frame in decoded] == list(range(10))
    assert abs(decoded[5].to_ndarray(format="rgb24").mean() - 100) < 4
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_failed_mp4_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Any:
        yield np.zeros((48, 64, 3), np.uint8)
        raise RuntimeError("camera unplugged")

    with pytest.raises(RuntimeError, match="unplugged"):
        write_mp4(tmp_path / "a.mp4", broken(), 10)
    assert list(tmp_path.iterdir()) == []
