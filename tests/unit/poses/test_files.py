"""Pose files and tracks."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.poses.files import PoseFile, Skeleton, pose_frames, read_poses
from support.video_samples import STICK, STICK_PARENTS, stick_motion, write_poses


def poses(joints: Any, fps: Any = 10.0) -> Any:
    return PoseFile(joints, fps, Skeleton(STICK, tuple(STICK_PARENTS.tolist())))


def test_round_trip(tmp_path: Path) -> None:
    joints = stick_motion(12)
    joints[3, 2] = np.nan
    found = read_poses(write_poses(tmp_path / "a.npz", joints))
    np.testing.assert_array_equal(found.joints, joints)
    assert found.fps == 10 and found.skeleton.names == STICK and found.duration_s == pytest.approx(1.2)


def test_own_rate_changes_nothing() -> None:
    joints = stick_motion(12)
    track = pose_frames(poses(joints), 10)
    np.testing.assert_allclose(track.joints, joints, atol=1e-6)
    assert track.seen.all()


def test_resampled_by_time() -> None:
    joints = np.zeros((11, 5, 3), np.float32)
    joints[:, :, 0] = np.arange(11)[:, None] * 0.1  # one meter per second
    track = pose_frames(poses(joints), 15)
    assert len(track.joints) == 17  # 1.1 s
    np.testing.assert_allclose(track.joints[:16, 0, 0], np.arange(16) / 15, atol=1e-6)


def test_short_gaps_are_bridged_and_long_ones_filled_and_marked() -> None:
    joints = np.zeros((30, 5, 3), np.float32)
    joints[:, 1, 0] = np.arange(30)
    joints[5:7, 1] = np.nan
    joints[12:22, 1] = np.nan
    joints[:, 4] = np.nan
    track = pose_frames(poses(joints), 10)
    np.testing.assert_allclose(track.joints[4:8, 1, 0], [4, 5, 6, 7], atol=1e-4)
    assert track.seen[:12, 1].all() and track.seen[22:, 1].all() and not track.seen[12:22, 1].any()
    assert set(np.unique(track.joints[12:22, 1, 0])) == {11.0, 22.0}
    assert not track.seen[:, 4].any() and np.isfinite(track.joints).all()


def test_a_joint_seen_once() -> None:
    joints = stick_motion(8)
    joints[:, 4] = np.nan
    joints[3, 4] = 7.0
    track = pose_frames(poses(joints), 10)
    assert (track.joints[:, 4] == 7.0).all() and track.seen[:, 4].tolist() == [i == 3 for i in range(8)]


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"joints": np.zeros((4, 5, 2), np.float32)}, "E-POS-002", "expected floats"),
        ({"joints": np.zeros((0, 5, 3), np.float32)}, "E-POS-002", "expected floats"),
        ({"joints": np.full((4, 5, 3), np.inf, np.float32)}, "E-POS-002", "infinite at frame 0"),
        ({"joints": np.full((4, 5, 3), np.nan, np.float32)}, "E-POS-002", "ever seen"),
        ({"joints": np.full((4, 5, 3), 1500, np.float32)}, "E-POS-002", "millimetres"),
        ({"names": np.array(["a", "b"])}, "E-POS-002", "5 different names"),
        ({"parents": np.array([1, 0, 0, 0, 0])}, "E-POS-002", "tree"),
        ({"parents": np.array([-1, 9, 0, 0, 0])}, "E-POS-002", "tree"),
        ({"fps": 0.0}, "E-POS-002", "fps"),
        ({"fps": None}, "E-POS-002", "without fps"),
        ({"names": np.array([{"a": 1}] * 5, object)}, "E-FILE-013", "pickled"),
    ],
)
def test_what_is_refused(tmp_path: Path, changes: Any, code: Any, text: Any) -> None:
    path = write_poses(tmp_path / "a.npz", stick_motion(4), **changes)
    with pytest.raises(InputRefused, match=text) as caught:
        read_poses(path)
    assert caught.value.code == code and "a.npz" in str(caught.value)


def test_files_that_are_no_poses(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E-FILE-001"):
        read_poses(tmp_path / "absent.npz")
    whole = write_poses(tmp_path / "a.npz", stick_motion(50)).read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.npz").write_bytes(whole[:cut])
        with pytest.raises(InputRefused, match="E-POS-001"):
            read_poses(tmp_path / "cut.npz")


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    class Gadget:
        def __reduce__(self) -> Any:
            return (open, (str(tmp_path / "pwned"), "w"))

    with zipfile.ZipFile(tmp_path / "evil.npz", "w") as archive:
        archive.writestr("joints.npy", b"\x93NUMPY\x01\x00" + pickle.dumps(Gadget()))
        for name in ("fps", "names", "parents"):
            archive.writestr(f"{name}.npy", pickle.dumps(Gadget()))
    np.save(tmp_path / "objects.npy", np.array([Gadget()], object), allow_pickle=True)
    for name in ("evil.npz", "objects.npy"):
        with pytest.raises(InputRefused):
            read_poses(tmp_path / name)
    assert not (tmp_path / "pwned").exists()
