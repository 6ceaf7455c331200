"""BlazePose without its networks: anchors, boxes, outputs in the frame, files."""

from pathlib import Path

import numpy as np
import pytest

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.poses.brightness import DarkLift
from augrgb.poses.estimate import estimate_poses
from augrgb.poses.networks.blazepose import BlazePoseFiles, find_blazepose, seen_pose
from augrgb.poses.networks.blazepose_detector import anchors, decode, letterbox
from augrgb.poses.region import Region


def test_anchors_are_the_middles_of_cells() -> None:
    found = anchors()
    assert found.shape == (28 * 28 * 2 + 14 * 14 * 2 + 7 * 7 * 6, 2)
    np.testing.assert_allclose(found[[0, 1, 2, 56]] * 28, [[0.5, 0.5], [0.5, 0.5], [1.5, 0.5], [0.5, 1.5]], rtol=1e-6)
    np.testing.assert_allclose(found[-1] * 7, [6.5, 6.5], rtol=1e-6)


def test_overlapping_candidates_are_averaged_by_score_and_others_kept() -> None:
    centers = np.float32([[0.25, 0.25], [0.25, 0.25], [0.75, 0.75], [0.5, 0.5]])
    raw = np.zeros((4, 12), np.float32)
    raw[:, 2:4] = 44.8  # a fifth of the input
    raw[1, 4] = 22.4  # the hips, a tenth to the right of the anchor
    logits = np.float32([1.0, 2.0, 3.0, -1.0])
    people = decode(raw, logits, centers)
    assert len(people) == 2
    np.testing.assert_allclose(people[0, :6], [0.75, 0.75, 0.2, 0.2, 0.75, 0.75], rtol=1e-5)
    likely = 1 / (1 + np.exp(-logits[:2]))
    np.testing.assert_allclose(people[1, 4], 0.25 + 0.1 * likely[1] / likely.sum(), rtol=1e-5)
    assert decode(raw, np.full(4, -5, np.float32), centers).shape == (0, 12)


def test_letterbox_says_where_pixels_went() -> None:
    frame = np.zeros((240, 320, 3), np.uint8)
    frame[100:120, 200:220] = 255
    image, scale, shift = letterbox(frame)
    rows, columns = np.nonzero(image[..., 0] > 128)
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    np.testing.assert_allclose((middle - shift) / scale, [210, 110], atol=0.5)
    assert image.shape == (224, 224, 3) and image[:20].max() == 0


def test_outputs_are_turned_back_into_the_frame() -> None:
    """A quarter turn: what is up in the square is to the right in the frame."""
    landmarks, world = np.zeros((39, 5), np.float32), np.zeros((39, 3), np.float32)
    landmarks[:, :2] = 128
    landmarks[0, :2] = [128, 64]  # the nose, a quarter of the square above its middle
    landmarks[0, 3:] = [100, 0]
    landmarks[34, :2] = [128, 28]
    world[0] = [0, -0.5, 0.1]  # half a meter above the hips
    pose = seen_pose(landmarks, world, 0.9, Region(100, 100, 80, np.pi / 2))
    np.testing.assert_allclose(pose.places[0], [120, 100], atol=1e-4)
    np.testing.assert_allclose(pose.world[0], [0.5, 0, 0.1], atol=1e-6)
    assert pose.scores[0] == 0.5 and pose.places.shape == (33, 2)
    assert pose.next_region.angle == pytest.approx(np.pi / 2, abs=1e-6)
    assert pose.next_region.side == pytest.approx(2 * 1.25 * 80 * 100 / 256)


def test_dark_frames_are_lifted_and_bright_ones_stay() -> None:
    rng = np.random.default_rng(0)
    bright = rng.integers(100, 255, (48, 64, 3)).astype(np.uint8)
    assert DarkLift()(bright) is bright
    lifted = DarkLift()(bright // 12)
    assert 0.3 < lifted.mean() / 255 < 0.8
    assert DarkLift()(np.zeros((48, 64, 3), np.uint8)).max() == 0


def test_files_that_are_absent_or_others_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    message = "E-FILE-001.*augrgb weights get blazepose_detector blazepose_landmarks"
    with pytest.raises(InputRefused, match=message):
        find_blazepose()
    folder = tmp_path / "augrgb" / "weights"
    folder.mkdir(parents=True)
    for name in ("pose_detection.tflite", "pose_landmark_full.tflite"):
        (folder / name).write_bytes(b"another model")
    with pytest.raises(InputRefused, match=message):
        find_blazepose()


def test_another_detector_is_refused(tmp_path: Path) -> None:
    files = BlazePoseFiles(tmp_path / "a.tflite", tmp_path / "b.tflite")
    with pytest.raises(UsageFault, match="E-CFG-013"):
        estimate_poses([tmp_path], tmp_path / "poses", files, detector=tmp_path / "yolox.onnx")
