"""What pose programs and NTU RGB+D write: MMPose, AlphaPose, OpenPose, `.skeleton`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.parallel.engine import LocalEngine
from augrgb.poses.convert import convert_poses
from augrgb.poses.files import read_poses
from augrgb.poses.formats import read_skeletons
from augrgb.poses.layouts import LAYOUTS
from augrgb.poses.skeleton_format import ReadOptions
from support.places import SHARED, needs_shared

OPTIONS = ReadOptions(fps=25.0, frame_size=(640, 480))


def walk(count: int, joints: int = 17) -> NDArray[np.float64]:
    """A person that walks right, (count, joints, 3): x, y, score; the last joint is never seen."""
    rng = np.random.default_rng(0)
    frames = np.repeat(rng.uniform([200, 100, 0], [260, 300, 0], (joints, 3))[None], count, 0)
    frames[:, :, 0] += 2 * np.arange(count)[:, None]
    frames[:, :, 2] = 0.75
    frames[:, -1, 2] = 0
    return frames


def mmpose_rows(frames: NDArray[np.float64], first: int) -> list[dict[str, Any]]:
    return [
        {"frame_id": i + first, "instances": [{"keypoints": f[:, :2].tolist(), "keypoint_scores": f[:, 2].tolist()}]}
        for i, f in enumerate(frames)
    ]


def same(track: Any, frames: NDArray[np.float64]) -> None:
    seen = frames[..., 2] > 0
    np.testing.assert_allclose(track.joints, np.where(seen[..., None], frames[..., :2], np.nan), rtol=1e-5)
    np.testing.assert_allclose(track.scores, frames[..., 2])


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("joints", [17, 133])
def test_mmpose(tmp_path: Path, first: int, wrapped: bool, joints: int) -> None:
    frames = walk(12, joints)
    rows = mmpose_rows(frames, first)
    rows[0]["instances"] = []  # nobody is seen in the first frame
    meta = {"dataset_name": "coco", "keypoint_id2name": {"0": "nose"}}
    path = tmp_path / "clip.json"
    path.write_text(json.dumps({"meta_info": meta, "instance_info": rows} if wrapped else rows))
    found = read_skeletons(path, options=OPTIONS)
    assert found.frames == 12 and found.layout == f"coco{joints}" and found.frame_size == (640, 480)
    (track,) = found.people
    assert track.frames.tolist() == list(range(1, 12))
    same(track, frames[1:])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda found: found["meta_info"].update(dataset_name="h36m"), "h36m"),
        (lambda found: found["instance_info"][0].update(frame_id=2), "twice"),
        (lambda found: found["instance_info"][0].update(frame_id="a"), "expected a frame number"),
        (lambda found: found["instance_info"][0].update(frame_id=10**12), "expected a frame number"),
        (lambda found: found["instance_info"][0]["instances"][0].update(keypoints=[[1, 2, 3]] * 17), "pairs"),
        (lambda found: found["instance_info"][0]["instances"][0].update(keypoints=[[1, 2]] * 5), "expected 5"),
    ],
)
def test_mmpose_refusals(tmp_path: Path, change: Any, text: str) -> None:
    found = {"meta_info": {"dataset_name": "coco"}, "instance_info": mmpose_rows(walk(4), 1)}
    if text == "expected 5":
        for row in found["instance_info"]:
            row["instances"][0]["keypoint_scores"] = [1] * 5  # type: ignore[index]
    change(found)
    path = tmp_path / "clip.json"
    path.write_text(json.dumps(found))
    with pytest.raises(InputRefused) as caught:
        read_skeletons(path, options=OPTIONS)
    assert text.split()[0] in str(caught.value) and caught.value.code == "E-POS-013"


@pytest.mark.parametrize(
    ("names", "shift"),
    [("{}.jpg", 0), ("{:06d}.jpg", 0), ("frames/clip_{:05d}.png", 0)],
)
def test_alphapose_frames(tmp_path: Path, names: str, shift: int) -> None:
    """Its own numbers start at 0 even where nobody is seen in frame 0; padded ones at 1, as ffmpeg writes images."""
    frames = walk(10)
    first = 0 if names == "{}.jpg" else 1
    people = [
        {"image_id": names.format(i + first), "keypoints": f.ravel().tolist(), "score": 2.9, "idx": 1}
        for i, f in enumerate(frames)
        if names != "{}.jpg" or i > 0
    ]
    path = tmp_path / "alphapose-results.json"
    path.write_text(json.dumps(people))
    found = read_skeletons(path, options=OPTIONS)
    assert found.frames == 10 and found.layout == "coco17"
    (track,) = found.people
    same(track, frames[-len(track.frames) :])
    assert track.frames.tolist() == list(range(10 - len(people), 10))


def test_alphapose_halpe(tmp_path: Path) -> None:
    """26 joints give COCO's; 136 give COCO-WholeBody's, whose left foot comes first."""
    path = tmp_path / "a.json"
    for joints, layout in ((26, "coco17"), (136, "coco133")):
        frame = walk(1, joints)[0]
        frame[-1, 2] = 0.5
        path.write_text(json.dumps([{"image_id": "0.jpg", "keypoints": frame.ravel().tolist()}]))
        found = read_skeletons(path, options=OPTIONS)
        assert found.layout == layout
        names = LAYOUTS[layout].names
        (track,) = found.people
        np.testing.assert_allclose(track.joints[0, :17], frame[:17, :2], rtol=1e-6)
        if joints == 136:
            halpe = {"left_big_toe": 20, "right_big_toe": 21, "left_small_toe": 22, "left_heel": 24, "right_heel": 25}
            halpe |= {"face_0": 26, "face_67": 93, "left_hand_root": 94, "right_hand_root": 115, "right_little_4": 135}
            for name, at in halpe.items():
                np.testing.assert_allclose(track.joints[0, names.index(name)], frame[at, :2], rtol=1e-6)


def test_alphapose_of_two_videos_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    person = walk(1)[0].ravel().tolist()
    path.write_text(json.dumps([{"image_id": f"{name}_0001.jpg", "keypoints": person} for name in ("x", "y")]))
    with pytest.raises(InputRefused, match="one frame number"):
        read_skeletons(path, options=OPTIONS)


def write_openpose(folder: Path, video: str, frames: NDArray[np.float64], leave_out: int = -1) -> None:
    folder.mkdir(exist_ok=True)
    for i, frame in enumerate(frames):
        if i != leave_out:
            people = [] if i == 0 else [{"person_id": [-1], "pose_keypoints_2d": frame.ravel().tolist()}]
            (folder / f"{video}_{i:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))


@pytest.mark.parametrize("joints", [18, 25])
def test_openpose_folder(tmp_path: Path, joints: int) -> None:
    """A folder with the frames of two videos gives two pose files, whole again when one frame changes."""
    frames = walk(12, joints)
    write_openpose(tmp_path / "in", "clip_a", frames, leave_out=5)
    write_openpose(tmp_path / "in", "b", frames[:8])
    out = tmp_path / "out"

    def convert() -> Any:
        return convert_poses([tmp_path / "in"], out, fps=25.0, frame_size=(640, 480), engine=LocalEngine(0))

    convert()
    assert sorted(path.name for path in out.glob("*.npz")) == ["b.npz", "clip_a.npz"]
    poses = read_poses(out / "clip_a.npz")
    assert poses.joints.shape[:2] == (12, joints) and poses.skeleton.names == LAYOUTS[f"openpose{joints}"].names
    assert np.isnan(poses.joints[[0, 5]]).all() and not np.isnan(poses.joints[6, 0]).any()
    assert "2 before" in convert().summary()
    before = (out / "b.npz").read_bytes()
    write_openpose(tmp_path / "in", "b", frames[:7])
    (tmp_path / "in" / f"b_{7:012d}_keypoints.json").unlink()
    convert()
    assert (out / "b.npz").read_bytes() != before


def test_openpose_coordinates_must_be_pixels(tmp_path: Path) -> None:
    frames = walk(3, 25)
    frames[..., :2] /= 640
    write_openpose(tmp_path, "a", frames)
    with pytest.raises(InputRefused, match="keypoint_scale"):
        read_skeletons(tmp_path / f"a_{0:012d}_keypoints.json", options=OPTIONS)


def write_ntu(path: Path, people: dict[str, NDArray[np.float64]], states: NDArray[np.int64]) -> Path:
    """(n, 25, 3) meters per body; NaN = the body is not in the frame."""
    count = len(next(iter(people.values())))
    lines = [str(count)]
    for i in range(count):
        here = {body: joints[i] for body, joints in people.items() if not np.isnan(joints[i]).all()}
        lines.append(str(len(here)))
        for body, joints in here.items():
            lines += [f"{body} 0 1 1 0 0 0 0.02 -0.05 2", "25"]
            lines += [
                f"{x} {y} {z} 277.4 191.8 1036.2 519.8 -0.21 0.04 0.97 -0.01 {s}"
                for (x, y, z), s in zip(joints, states, strict=True)
            ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_ntu_skeleton(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = np.round(rng.uniform(-1, 1, (6, 25, 3)), 4) + np.array([0, 0, 3])
    second = first + 1
    second[:2] = np.nan
    states = np.full(25, 2)
    states[3], states[4] = 1, 0
    path = write_ntu(tmp_path / "S001C001P001R001A001.skeleton", {"7205": first, "7206": second}, states)
    found = read_skeletons(path)
    assert (found.frames, found.fps, found.layout) == (6, 30.0, "kinect25")
    one, two = found.people
    assert one.frames.tolist() == list(range(6)) and two.frames.tolist() == [2, 3, 4, 5]
    np.testing.assert_allclose(np.delete(one.joints, 4, 1), np.delete(first, 4, 1), atol=1e-6)
    assert np.isnan(one.joints[:, 4]).all()
    assert one.scores[0, [0, 3, 4]].tolist() == [1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("line", "text"), [(1, "ends or is empty"), (3, "joints"), (5, "12 per joint"), (6, "no number")]
)
def test_ntu_refusals(tmp_path: Path, line: int, text: str) -> None:
    joints = np.random.default_rng(0).uniform(1, 2, (2, 25, 3))
    path = write_ntu(tmp_path / "a.skeleton", {"1": joints}, np.full(25, 2))
    lines = path.read_text().splitlines()
    lines[line - 1 if line > 1 else 0] = {1: "5", 3: lines[2], 5: "1 2 3", 6: lines[5].replace("277.4", "x")}[line]
    if line == 3:
        lines[3] = "21"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputRefused, match=text) as caught:
        read_skeletons(path, "ntu")
    assert caught.value.code == "E-POS-013" and "line" in str(caught.value)


@needs_shared("cases")
@pytest.mark.parametrize(
    "case", ["mmpose_json/clip01.json", "mmpose_json2/clip01.json", "alphapose/alphapose-results.json"]
)
def test_shared_cases(case: str) -> None:
    found = read_skeletons(SHARED / "cases" / case, options=OPTIONS)
    assert found.layout == "coco17" and len(found.people) == 1
    track = found.people[0]
    assert track.frames.tolist() == list(range(found.frames)) and found.frames > 5
    np.testing.assert_allclose(np.diff(track.joints[:, 0, 0]), 1.0, atol=1e-4)
