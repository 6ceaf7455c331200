"""Recorded skeletons: Kinect text, LCR-Net, COCO."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.encoders.parts.skeleton_graphs import LAYOUTS, check_parents
from augrgb.poses.files import Skeleton, read_poses
from augrgb.poses.formats import SKELETON_FORMATS, read_skeletons
from augrgb.poses.skeleton_format import ReadOptions
from augrgb.poses.writer import read_made_from, write_pose_file
from support.pose_samples import coco_walk, kinect_people, write_coco, write_kinect, write_lcrnet


def test_every_format_is_registered() -> None:
    estimated = {"coco", "mmpose", "alphapose", "openpose"}
    assert set(SKELETON_FORMATS) == {"kinect", "ntu", "lcrnet", "lcrnet-npz", "utkinect-joints", *estimated}


@pytest.mark.parametrize(
    ("name", "joints"), [("kinect25", 25), ("kinect20", 20), ("lcrnet13", 13), ("coco133", 133), ("lcrnet17", 17)]
)
def test_layouts_are_trees(name: Any, joints: Any) -> None:
    layout = LAYOUTS[name]
    assert len(layout.names) == len(set(layout.names)) == len(layout.parents) == joints
    assert layout.parents.count(-1) == 1
    check_parents(layout.parents)


def test_whole_body_layout_has_the_order_of_coco() -> None:
    names = LAYOUTS["coco133"].names
    assert names[:17] == LAYOUTS["coco17"].names
    assert names[17] == "left_big_toe" and names[22] == "right_heel" and names[23] == "face_0"
    assert names[91] == "left_hand_root" and names[112] == "right_hand_root" and names[132] == "right_little_4"


def test_kinect_people_come_back(tmp_path: Path) -> None:
    people = kinect_people(20)
    found = read_skeletons(write_kinect(tmp_path / "0001-L.txt", people))
    assert found.frames == 20 and found.fps == 30 and found.layout == "kinect25" and len(found.people) == 2
    for track, person in zip(found.people, people, strict=True):
        np.testing.assert_array_equal(track.frames, np.arange(20))
        np.testing.assert_allclose(track.joints, person, atol=1e-5)


def test_kinect_places_that_the_sensor_swaps_are_one_person(tmp_path: Path) -> None:
    people = kinect_people(20)
    swapped = people.copy()
    swapped[:, 7:] = people[::-1, 7:]
    found = read_skeletons(write_kinect(tmp_path / "a.txt", swapped))
    assert len(found.people) == 2
    np.testing.assert_allclose(found.people[0].joints, people[0], atol=1e-5)


def test_kinect_zeros_were_not_seen(tmp_path: Path) -> None:
    people = kinect_people(12)
    people[1] = 0
    people[0, 4:6] = 0
    people[0, 8, 3] = 0
    (track,) = read_skeletons(write_kinect(tmp_path / "a.txt", people)).people
    assert track.frames.tolist() == [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]
    row = track.frames.tolist().index(8)
    assert np.isnan(track.joints[row, 3]).all() and np.isnan(track.joints).sum() == 3 and track.scores[row, 3] == 0


def change_line(path: Any, number: Any, text: Any) -> None:
    lines = path.read_text().splitlines()
    lines[number - 1] = text(lines[number - 1])
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda line: line.rsplit(" ", 1)[0], "149 numbers, expected 150"),
        (lambda line: line + " 1 2 3", "153 numbers, expected 150"),
        (lambda line: line.replace(line.split()[70], "x.y", 1), "no number"),
        (lambda line: line.replace(line.split()[70], "nan", 1), "NaN"),
        (lambda line: "", "empty line"),
        (lambda line: " ".join(line.split()[:75]), "75 numbers, expected 150"),
    ],
)
def test_kinect_faults_name_the_line(tmp_path: Path, change: Any, text: Any) -> None:
    path = write_kinect(tmp_path / "a.txt", kinect_people(9))
    change_line(path, 6, change)
    with pytest.raises(InputRefused, match=text) as caught:
        read_skeletons(path, "kinect")
    assert caught.value.code == "E-POS-013" and f"{path}: line 6" in str(caught.value) and caught.value.remedy


def test_a_trailing_empty_line_is_no_fault_and_an_empty_file_is(tmp_path: Path) -> None:
    path = write_kinect(tmp_path / "a.txt", kinect_people(5))
    path.write_text(path.read_text() + "\n\n")
    assert read_skeletons(path).frames == 5
    path.write_text("")
    with pytest.raises(InputRefused, match=r"E-POS-013.*empty"):
        read_skeletons(path, "kinect")


def poses13(count: Any) -> Any:
    rng = np.random.default_rng(1)
    flat = rng.uniform([250, 100], [330, 300], (13, 2)) + np.zeros((count, 1, 1))
    deep = rng.uniform([-0.4, -0.8, 2.8], [0.4, 0.9, 3.2], (13, 3)) + np.zeros((count, 1, 1))
    deep[..., 0] += 0.01 * np.arange(count)[:, None]
    flat[..., 0] += np.arange(count)[:, None]
    return flat, deep


@pytest.mark.parametrize("dimensions", [2, 3])
def test_lcrnet_json_is_read_axis_by_axis_and_turned_up(tmp_path: Path, dimensions: Any) -> None:
    flat, deep = poses13(8)
    flat[3] = np.nan
    path = write_lcrnet(tmp_path / "Cook_p02_r00_v01_c01_pose3d.json", flat, deep)
    found = read_skeletons(path, options=ReadOptions(dimensions=dimensions))
    (track,) = found.people
    assert found.frames == 8 and found.fps == 20 and found.layout == "lcrnet13"
    assert track.frames.tolist() == [0, 1, 2, 4, 5, 6, 7]
    expected = deep * [1, -1, 1] if dimensions == 3 else flat
    np.testing.assert_allclose(track.joints, expected[track.frames], rtol=1e-5)
    assert found.frame_size == ((640, 480) if dimensions == 2 else None)
    assert (track.scores == 9.5).all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda data: data.update(njts=17), "top level"),
        (lambda data: data.pop("frames"), "top level"),
        (lambda data: data["frames"].__setitem__(4, {"pose2d": 1}), "frame 4.*list of people"),
        (lambda data: data["frames"][4][0].pop("pose3d"), "frame 4.*without pose3d"),
        (lambda data: data["frames"][4][0].update(pose3d=[1.0] * 26), "frame 4.*26 numbers, expected 39"),
        (lambda data: data["frames"][4][0].update(pose3d=["a"] * 39), "frame 4.*not a list of numbers"),
        (lambda data: data["frames"][4][0].update(pose3d=[float("nan")] * 39), "frame 4.*NaN"),
    ],
)
def test_lcrnet_faults_name_the_frame(tmp_path: Path, change: Any, text: Any) -> None:
    path = write_lcrnet(tmp_path / "a.json", *poses13(6))
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(InputRefused, match=text) as caught:
        read_skeletons(path, "lcrnet")
    assert caught.value.code == "E-POS-013" and "a.json" in str(caught.value)


def test_lcrnet_arrays(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).uniform(50, 200, (1, 17, 2)).astype(np.float32).repeat(9, 0)
    joints[2:4] = 0
    np.savez(tmp_path / "a.npz", kpts=joints)
    found = read_skeletons(tmp_path / "a.npz")
    assert found.layout == "lcrnet17" and found.frames == 9 and found.frame_size == (640, 480)
    assert found.people[0].frames.tolist() == [0, 1, 4, 5, 6, 7, 8]
    np.savez(tmp_path / "b.npz", kpts=joints[:, :5])
    with pytest.raises(InputRefused, match=r"E-POS-013.*\(9, 5, 2\)"):
        read_skeletons(tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-30])
    with pytest.raises(InputRefused, match="E-POS-001"):
        read_skeletons(tmp_path / "c.npz")
    np.savez(tmp_path / "d.npz", kpts=np.array([{"a": 1}], object))
    with pytest.raises(InputRefused, match=r"E-POS-001.*pickle"):
        read_skeletons(tmp_path / "d.npz")


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("size", [(640, 480), None])
def test_coco_keypoints(tmp_path: Path, first: Any, size: Any) -> None:
    walk = coco_walk(7)
    walk[2, 5, 2] = 0
    path = write_coco(tmp_path / "a.json", walk, first=first, size=size)
    found = read_skeletons(path, options=ReadOptions(fps=25))
    (track,) = found.people
    assert found.frames == 7 and found.layout == "coco17" and found.frame_size == size
    assert np.isnan(track.joints[2, 5]).all() and np.isnan(track.joints).sum() == 2
    np.testing.assert_allclose(track.joints[3], walk[3, :, :2], rtol=1e-5)
    np.testing.assert_allclose(track.scores[3], 0.8)


def test_coco_whole_body_in_parts(tmp_path: Path) -> None:
    parts = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}
    start, person = 0, {"image_id": 0}
    for name, count in parts.items():
        person[name] = (
            np.stack([np.arange(start, start + count) + 1.0, np.ones(count), np.ones(count)], 1).ravel().tolist()
        )
        start += count
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"images": [{"id": 0, "width": 10, "height": 10}], "annotations": [person]}))
    found = read_skeletons(path, options=ReadOptions(fps=10))
    assert found.layout == "coco133"
    np.testing.assert_array_equal(found.people[0].joints[0, :, 0], np.arange(133) + 1)


@pytest.mark.parametrize(
    ("people", "text"),
    [
        ([{"keypoints": [1, 2, 3]}], "annotation 0.*image_id is None"),
        ([{"image_id": 0, "keypoints": [1.0] * 50}], "annotation 0.*no triples"),
        ([{"image_id": 0, "keypoints": [1.0] * 54}], "annotation 0.*18 keypoints"),
        ([{"image_id": 0, "keypoints": "abc"}], "annotation 0.*not a list"),
        ([{"image_id": -4, "keypoints": [1.0] * 51}], "frame numbers from -4"),
        ([{"image_id": 10**12, "keypoints": [1.0] * 51}], "frame numbers"),
        ({"images": [{"id": 3}], "annotations": [{"image_id": 4, "keypoints": [1.0] * 51}]}, "not among the images"),
        ({"images": [{"name": 3}], "annotations": []}, "images.*without a number"),
    ],
)
def test_coco_faults_name_the_annotation(tmp_path: Path, people: Any, text: Any) -> None:
    (tmp_path / "a.json").write_text(json.dumps(people))
    with pytest.raises(InputRefused, match=text) as caught:
        read_skeletons(tmp_path / "a.json", "coco", ReadOptions(fps=10))
    assert caught.value.code == "E-POS-013"


def test_coco_needs_a_frame_rate(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="Give --fps"):
        read_skeletons(write_coco(tmp_path / "a.json", coco_walk(3)))


@pytest.mark.parametrize(
    ("text", "code"),
    [(b"{", "E-FILE-010"), (b"\xff\xfe", "E-FILE-002"), (b"[" * 200_000, "E-FILE-010")],
)
def test_json_that_is_none(tmp_path: Path, text: Any, code: Any) -> None:
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(InputRefused, match=code):
        read_skeletons(tmp_path / "a.json", "lcrnet")


def test_unrecognised_files_and_formats(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("12,3,4,1\n")
    with pytest.raises(InputRefused, match=r"E-POS-010.*--format: alphapose, coco, kinect"):
        read_skeletons(tmp_path / "a.txt")
    with pytest.raises(UsageFault, match=r"E-CFG-002.*did you mean 'kinect'"):
        read_skeletons(tmp_path / "a.txt", "kinnect")
    with pytest.raises(InputRefused, match="E-FILE-001"):
        read_skeletons(tmp_path / "absent.txt", "kinect")


def test_damaged_archives_are_refused_and_nothing_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    path = tmp_path / "p.npz"
    write_pose_file(path, rng.normal(size=(30, 3, 3)).astype(np.float32), 10.0, Skeleton(("a", "b", "c"), (-1, 0, 1)))
    np.savez_compressed(tmp_path / "k.npz", kpts=rng.uniform(1, 100, (30, 17, 2)).astype(np.float32))
    codes = set()
    for source, read in ((path, read_poses), (tmp_path / "k.npz", lambda p: read_skeletons(p, "lcrnet-npz"))):
        sound = np.frombuffer(source.read_bytes(), np.uint8)
        for _ in range(60):
            broken = sound.copy()
            broken[rng.integers(len(sound), size=2)] = rng.integers(256, size=2)
            (tmp_path / "x.npz").write_bytes(broken.tobytes())
            read_made_from(tmp_path / "x.npz")
            try:
                read(tmp_path / "x.npz")
            except InputRefused as fault:
                codes.add(fault.code)
    assert "E-POS-001" in codes
    assert codes <= {"E-POS-001", "E-POS-002", "E-POS-003", "E-POS-013", "E-FILE-013"}


def test_arrays_of_text_are_no_keypoints(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", kpts=np.full((3, 17, 2), "x"))
    with pytest.raises(InputRefused, match=r"E-POS-013.*expected numbers"):
        read_skeletons(tmp_path / "a.npz", "lcrnet-npz")


def coco_images(path: Any, frame_ids: Any) -> Any:
    walk = coco_walk(len(frame_ids))
    write_coco(path, walk)
    data = json.loads(path.read_text())
    for image, number in zip(data["images"], frame_ids, strict=True):
        image["frame_id"] = number
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("frame_ids", "frames", "seen"),
    [
        ([0, 1, 2, 3], 4, [0, 1, 2, 3]),
        ([0, 1, 2, 6, 7], 8, [0, 1, 2, 6, 7]),  # a gap stays a gap
        ([3, 2, 1, 0], 4, [0, 1, 2, 3]),
    ],
)
def test_coco_frame_numbers_keep_time(tmp_path: Path, frame_ids: Any, frames: Any, seen: Any) -> None:
    found = read_skeletons(coco_images(tmp_path / "a.json", frame_ids), options=ReadOptions(fps=10))
    assert found.frames == frames
    assert sorted(frame for track in found.people for frame in track.frames.tolist()) == seen


@pytest.mark.parametrize(
    ("frame_ids", "ids", "frames", "fps", "seen"),
    [
        # numbers of the video's frames at 10 a second: frame 100 is at 10 s
        ([100, 101, 102], "video", 102, 10.0, [99, 100, 101]),  # counted from 1, as none is 0
        ([0, 10, 20, 30], "video", 4, 1.0, [0, 1, 2, 3]),
        ([1, 11, 21], "video", 3, 1.0, [0, 1, 2]),
        ([5, 15, 25], "video", 13, 5.0, [2, 7, 12]),  # from 1: 4, 14, 24, so every second frame
        # or the frames listed, one after another
        ([100, 101, 102], "listed", 3, 10.0, [0, 1, 2]),
        ([100, 105, 110], "listed", 3, 10.0, [0, 1, 2]),
        ([0, 10, 30], "listed", 4, 10.0, [0, 1, 3]),
    ],
)
def test_coco_frame_numbers_that_start_late_or_step(
    tmp_path: Path, frame_ids: Any, ids: Any, frames: Any, fps: Any, seen: Any
) -> None:
    path = coco_images(tmp_path / "a.json", frame_ids)
    with pytest.raises(InputRefused, match=r"E-POS-022.*two ways.*--frame-ids video.*--frame-ids listed"):
        read_skeletons(path, options=ReadOptions(fps=10))
    found = read_skeletons(path, options=ReadOptions(fps=10, frame_ids=ids))
    assert (found.frames, found.fps) == (frames, fps)
    assert sorted(frame for track in found.people for frame in track.frames.tolist()) == seen


def test_coco_files_of_several_videos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"E-POS-013.*two images of one id or frame_id.*one file per video"):
        read_skeletons(coco_images(tmp_path / "a.json", [0, 1, 0, 1]), options=ReadOptions(fps=10))
    with pytest.raises(InputRefused, match=r"E-POS-013.*frame numbers from 0 to 10{9}"):
        read_skeletons(coco_images(tmp_path / "a.json", [0, 1, 10**9]), options=ReadOptions(fps=10))
