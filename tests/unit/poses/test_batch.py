"""`augrgb data poses`: batches of skeleton files and videos to pose files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import InputRefused, Quarantined, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.features.store import open_features
from augrgb.parallel.child import run_children
from augrgb.parallel.engine import LocalEngine
from augrgb.parallel.limits import ChildLimits
from augrgb.poses.batch import PersonChoice
from augrgb.poses.convert import convert_poses
from augrgb.poses.estimate import estimate_poses
from augrgb.poses.files import pose_frames, read_poses
from augrgb.poses.writer import read_made_from
from augrgb.workflows.extract import extract
from support.places import SHARED, needs_shared
from support.pose_samples import (
    coco_walk,
    kinect_people,
    write_coco,
    write_constant_model,
    write_kinect,
    write_lcrnet,
    write_simcc_model,
)
from support.tiny_project import expect_success, run_cli
from support.video_samples import write_video

SHARED_POSES = SHARED / "data" / "pose" / "P11T13C03_LCRNet2d.npz"


def folder_bytes(folder: Any) -> Any:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.npz"))}


def test_kinect_becomes_a_pose_file(tmp_path: Path) -> None:
    people = kinect_people(30)
    people[:, 10:12] = 0
    write_kinect(tmp_path / "0001-L.txt", people)
    outcome = expect_success("data", "poses", tmp_path / "0001-L.txt", "-o", tmp_path / "poses", "--workers", 1)
    assert "1 videos done (0 before), 0 refused" in outcome.out
    found = read_poses(tmp_path / "poses" / "0001-L.npz")
    assert found.fps == 30 and found.units == "meters" and found.skeleton.names[0] == "spine_base"
    assert np.isnan(found.joints[10:12]).all()
    np.testing.assert_allclose(np.delete(found.joints, [10, 11], 0), np.delete(people[0], [10, 11], 0), atol=1e-5)
    assert found.scores is not None and found.scores[0].min() == 1 and found.scores[10].max() == 0
    made = read_made_from(tmp_path / "poses" / "0001-L.npz")
    assert made["source"]["file"] == "0001-L.txt" and len(made["source"]["sha256"]) == 64 and made["people"] == 2


def test_the_second_person_is_kept_on_request(tmp_path: Path) -> None:
    people = kinect_people(30)
    write_kinect(tmp_path / "a.txt", people[::-1])  # the one who walks comes second in the file
    convert_poses([tmp_path / "a.txt"], tmp_path / "p", people=PersonChoice(second=True), workers=0)
    np.testing.assert_allclose(read_poses(tmp_path / "p" / "a.npz").joints, people[0], atol=1e-5)
    np.testing.assert_allclose(read_poses(tmp_path / "p" / "second" / "a.npz").joints, people[1], atol=1e-5)
    report = convert_poses([tmp_path / "a.txt"], tmp_path / "p", people=PersonChoice(second=True), workers=0)
    assert report.reused == 1
    (tmp_path / "p" / "second" / "a.npz").unlink()
    report = convert_poses([tmp_path / "a.txt"], tmp_path / "p", people=PersonChoice(second=True), workers=0)
    assert report.reused == 0 and (tmp_path / "p" / "second" / "a.npz").exists()


def test_a_second_person_of_an_earlier_choice_does_not_stay(tmp_path: Path) -> None:
    people = kinect_people(10)
    write_kinect(tmp_path / "a.txt", people)
    convert_poses([tmp_path / "a.txt"], tmp_path / "p", people=PersonChoice(second=True), workers=0)
    people[1] = 0
    write_kinect(tmp_path / "a.txt", people)
    convert_poses([tmp_path / "a.txt"], tmp_path / "p", people=PersonChoice(second=True), workers=0)
    assert (tmp_path / "p" / "a.npz").exists() and not (tmp_path / "p" / "second" / "a.npz").exists()


def test_poses_below_their_sources_are_no_sources_and_originals_are_never_overwritten(tmp_path: Path) -> None:
    write_kinect(tmp_path / "a.txt", kinect_people(8))
    joints = np.random.default_rng(0).uniform(50, 200, (6, 17, 2)).astype(np.float32)
    np.savez(tmp_path / "b.npz", kpts=joints)
    before = (tmp_path / "b.npz").read_bytes()
    for _ in range(2):
        assert len(convert_poses([tmp_path], tmp_path / "poses", workers=0).done) == 2
    with pytest.raises(UsageFault, match=r"E-CFG-018.*Choose another --out"):
        convert_poses([tmp_path], tmp_path, workers=0)
    with pytest.raises(UsageFault, match=r"E-CFG-018.*would be overwritten"):
        convert_poses([tmp_path / "b.npz"], tmp_path, workers=0)
    assert (tmp_path / "b.npz").read_bytes() == before


def test_bad_files_are_named_with_line_and_remedy_and_the_rest_is_done(tmp_path: Path) -> None:
    source = tmp_path / "skeletons"
    source.mkdir()
    for name in "abc":
        write_kinect(source / f"{name}.txt", kinect_people(8))
    (source / "b.txt").write_text((source / "b.txt").read_text().replace("\n", " 7\n", 1))
    (source / "d.json").write_text("{")
    (source / "e.txt").write_text("3,10,20,1\n")
    outcome = run_cli("data", "poses", source, "-o", tmp_path / "p", "--workers", 2)
    assert outcome.code == 4
    assert f"E-POS-013 {source / 'b.txt'}: line 1: 151 numbers, expected 150" in outcome.err
    assert f"E-POS-010 {source / 'd.json'}" in outcome.err and f"E-POS-010 {source / 'e.txt'}" in outcome.err
    assert "export the file again" in outcome.err and "Traceback" not in outcome.err
    assert sorted(path.name for path in (tmp_path / "p").glob("*.npz")) == ["a.npz", "c.npz"]
    report = json.loads((tmp_path / "p" / "report.json").read_text())
    assert report["done"] == 2 and [entry["video"] for entry in report["refused"]] == ["b", "d", "e"]
    assert run_cli("data", "poses", source, "-o", tmp_path / "p", "--allow-failures", 3).code == 0


def test_finished_files_are_kept_and_stale_ones_made_again(tmp_path: Path) -> None:
    source, out = tmp_path / "s", tmp_path / "p"
    source.mkdir()
    for name in "abc":
        write_kinect(source / f"{name}.txt", kinect_people(8, seed=ord(name)))
    convert_poses([source], out, workers=0)
    first = folder_bytes(out)
    (out / "b.npz").write_bytes(first["b.npz"][:100])  # cut off
    report = convert_poses([source], out, workers=0)
    assert report.reused == 2 and folder_bytes(out) == first
    write_kinect(source / "c.txt", kinect_people(9, seed=5))
    assert convert_poses([source], out, workers=0).reused == 2
    assert len(read_poses(out / "c.npz").joints) == 9
    assert convert_poses([source], out, workers=0, fps=25).reused == 0
    assert convert_poses([source], out, workers=0, fps=25, people=PersonChoice("longest")).reused == 0


def test_processes_do_not_change_the_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_kinect(tmp_path / f"{name}.txt", kinect_people(8, seed=ord(name)))
    sources = [tmp_path / "a.txt", tmp_path / "b.txt"]
    convert_poses(sources, tmp_path / "one", workers=0)
    convert_poses(sources, tmp_path / "two", workers=2)
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")


def test_twins_and_empty_folders_are_refused(tmp_path: Path) -> None:
    for folder in "xy":
        (tmp_path / folder).mkdir()
        write_kinect(tmp_path / folder / "a.txt", kinect_people(4))
    with pytest.raises(InputRefused, match="E-ID-005"):
        convert_poses([tmp_path / "x", tmp_path / "y"], tmp_path / "p", workers=0)
    (tmp_path / "empty").mkdir()
    assert run_cli("data", "poses", tmp_path / "empty", "-o", tmp_path / "p").code == 3


def test_2d_poses_become_frame_heights(tmp_path: Path) -> None:
    walk = coco_walk(6)
    write_coco(tmp_path / "a.json", walk, size=None)
    outcome = run_cli("data", "poses", tmp_path / "a.json", "-o", tmp_path / "p", "--fps", 25)
    assert outcome.code == 4 and "Give --size WIDTHxHEIGHT" in outcome.err
    expect_success("data", "poses", tmp_path / "a.json", "-o", tmp_path / "p", "--fps", 25, "--size", "640x480")
    found = read_poses(tmp_path / "p" / "a.npz")
    assert found.units == "frame_heights" and found.joints.shape == (6, 17, 3)
    np.testing.assert_allclose(found.joints[..., 0], (walk[..., 0] - 320) / 480, atol=1e-5)
    np.testing.assert_allclose(found.joints[..., 1], (240 - walk[..., 1]) / 480, atol=1e-5)
    assert (found.joints[..., 2] == 0).all()


def test_lcrnet_files_give_2d_or_3d(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    flat = rng.uniform(100, 300, (1, 13, 2)).repeat(5, 0)
    deep = rng.uniform(-1, 1, (1, 13, 3)).repeat(5, 0)
    write_lcrnet(tmp_path / "a.json", flat, deep)
    expect_success("data", "poses", tmp_path / "a.json", "-o", tmp_path / "3d")
    expect_success("data", "poses", tmp_path / "a.json", "-o", tmp_path / "2d", "--dimensions", 2)
    np.testing.assert_allclose(read_poses(tmp_path / "3d" / "a.npz").joints, deep * [1, -1, 1], atol=1e-5)
    assert read_poses(tmp_path / "2d" / "a.npz").units == "frame_heights"


def test_millimetres_are_noticed(tmp_path: Path) -> None:
    write_kinect(tmp_path / "a.txt", kinect_people(5) * 1000)
    with pytest.raises(Quarantined, match=r"E-POS-002.*millimetres"):
        convert_poses([tmp_path / "a.txt"], tmp_path / "p", workers=0)
    assert not (tmp_path / "p" / "a.npz").exists()


def test_nobody_is_no_pose(tmp_path: Path) -> None:
    write_kinect(tmp_path / "a.txt", np.zeros((2, 4, 25, 3), np.float32))
    with pytest.raises(Quarantined, match="no person is visible in any of 4 frames"):
        convert_poses([tmp_path / "a.txt"], tmp_path / "p", workers=0)


def test_bvh(tmp_path: Path) -> None:
    text = """HIERARCHY
ROOT hips
{
  OFFSET 0 0 0
  CHANNELS 3 Xposition Yposition Zposition
  JOINT knee
  {
    OFFSET 0 -40 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -40 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.05
0 90 300 0 0 0
10 90 300 0 0 0
"""
    (tmp_path / "walk.bvh").write_text(text)
    expect_success("data", "poses", tmp_path / "walk.bvh", "-o", tmp_path / "p")
    found = read_poses(tmp_path / "p" / "walk.npz")
    assert found.fps == pytest.approx(20) and found.skeleton.names[:2] == ("hips", "knee")
    np.testing.assert_allclose(found.joints[1, :2], [[0.1, 0.9, 3], [0.1, 0.5, 3]], atol=1e-6)
    (tmp_path / "bad.bvh").write_text(text.replace("10 90 300 0 0 0", "10 90"))
    outcome = run_cli("data", "poses", tmp_path / "bad.bvh", "-o", tmp_path / "p")
    assert outcome.code == 4 and "bad.bvh" in outcome.err


@pytest.mark.parametrize("name", ["agcn", "small_pose"])
@pytest.mark.parametrize("kind", ["kinect", "coco"])
def test_pose_files_feed_the_pose_encoders(tmp_path: Path, name: Any, kind: Any) -> None:
    if kind == "kinect":
        source = write_kinect(tmp_path / "a.txt", kinect_people(40))
        convert_poses([source], tmp_path / "p", workers=0)
    else:
        source = write_coco(tmp_path / "a.json", coco_walk(40))
        convert_poses([source], tmp_path / "p", workers=0, fps=30, people=PersonChoice(centers=True))
    poses = read_poses(tmp_path / "p" / "a.npz")
    encoder = ENCODERS[name](names=poses.skeleton.names, parents=poses.skeleton.parents)
    save_encoder(tmp_path / "e", encoder, EncoderSettings(Clock(30, 16, 8)))
    dataset = Dataset("d", ("x",), {"a": VideoRecord("a", poses.duration_s, None, tmp_path / "p" / "a.npz")})
    extract(dataset, tmp_path / "e", tmp_path / "f", workers=0)
    features = open_features(tmp_path / "f").read("a").values
    assert len(features) >= 4 and np.isfinite(features).all() and features.std(axis=0).max() > 0


@needs_shared("data/pose/P11T13C03_LCRNet2d.npz")
def test_real_lcrnet_poses(tmp_path: Path) -> None:
    expect_success("data", "poses", SHARED_POSES, "-o", tmp_path, "--workers", 1)
    found = read_poses(tmp_path / "P11T13C03_LCRNet2d.npz")
    assert found.joints.shape == (34520, 17, 3) and found.fps == 20
    pixels = np.load(SHARED_POSES)["kpts"]
    empty = (pixels == 0).all(axis=(1, 2))
    np.testing.assert_array_equal(np.isnan(found.joints).all(axis=(1, 2)), empty)
    frame = int(np.flatnonzero(~empty)[100])
    expected = (pixels[frame] - [320, 240]) / 480 * [1, -1]
    np.testing.assert_allclose(found.joints[frame, :, :2], expected, atol=1e-4)
    names = found.skeleton.names
    seen = found.joints[~empty]
    # Upright people on most frames: heads above hips above ankles.
    assert np.mean(seen[:, names.index("nose"), 1] > seen[:, names.index("left_hip"), 1]) > 0.95
    assert np.mean(seen[:, names.index("left_hip"), 1] > seen[:, names.index("left_ankle"), 1]) > 0.95
    assert pose_frames(found, 10).seen.mean() < 0.6  # the empty half is filled, and marked


# From video, with small models that find colors.

SIZE = (160, 120)


def colored_video(path: Any, count: Any = 12, **options: Any) -> Any:
    """A red, a green and a blue square that move right by two pixels a frame."""
    frames = np.zeros((count, SIZE[1], SIZE[0], 3), np.uint8)
    for number in range(count):
        for channel, (x, y) in enumerate([(40, 30), (60, 60), (80, 90)]):
            frames[number, y - 8 : y + 8, x + 2 * number - 8 : x + 2 * number + 8, channel] = 255
    return write_video(path, frames, **options)


@pytest.fixture
def onnx() -> Any:
    pytest.importorskip("onnxruntime", reason="ONNX models need onnxruntime: pip install 'augrgb[pose]'")
    return pytest.importorskip("onnx", reason="these tests make their models with onnx")


def expected_joints(count: Any, joints: Any = 17) -> Any:
    places = np.array([(40, 30), (60, 60), (80, 90)], float)[np.arange(joints) % 3]
    return places[None] + np.arange(count)[:, None, None] * [2, 0]


def test_poses_of_a_video(tmp_path: Path, onnx: Any) -> None:
    video = colored_video(tmp_path / "a.mp4")
    model = write_simcc_model(tmp_path / "m.onnx", (64, 48))
    out = tmp_path / "p"
    expect_success("data", "poses", video, "-o", out, "--model", model, "--fps", 10, "--workers", 1)
    found = read_poses(out / "a.npz")
    assert found.fps == 10 and found.joints.shape == (12, 17, 3) and found.units == "frame_heights"
    pixels = found.joints[..., :2] * [1, -1] * SIZE[1] + np.array(SIZE) / 2
    np.testing.assert_allclose(pixels, expected_joints(12), atol=4)
    made = read_made_from(out / "a.npz")
    assert made["method"]["fps"] == 10 and len(made["method"]["model_sha256"]) == 64
    assert estimate_poses([video], out, model, fps=10, workers=0).reused == 1
    assert estimate_poses([video], out, model, fps=5, workers=0).reused == 0


def test_rotated_video_gives_upright_poses(tmp_path: Path, onnx: Any) -> None:
    model = write_simcc_model(tmp_path / "m.onnx", (48, 48))
    colored_video(tmp_path / "turned.mp4", rotation=90)
    estimate_poses([tmp_path / "turned.mp4"], tmp_path / "p", model, fps=10, workers=0)
    found = read_poses(tmp_path / "p" / "turned.npz").joints[0, :, :2] * [1, -1] * SIZE[0] + np.array(SIZE[::-1]) / 2
    # Shown a quarter turn counter-clockwise: (x, y) lands at (y, width - x).
    expected = np.stack([expected_joints(1)[0, :, 1], SIZE[0] - expected_joints(1)[0, :, 0]], axis=1)
    np.testing.assert_allclose(found, expected, atol=5)


def test_a_detector_says_where_people_are(tmp_path: Path, onnx: Any) -> None:
    video = colored_video(tmp_path / "a.mp4", count=6)
    model = write_simcc_model(tmp_path / "m.onnx", (64, 48))
    # Two boxes: one around the squares, one in the dark corner, where nobody is.
    boxes = np.float32([[[10, 5, 60, 55, 0.9], [66, 2, 79, 20, 0.8]]])
    detector = write_constant_model(tmp_path / "yolox.onnx", (80, 60), dets=boxes, labels=np.int64([[0, 0]]))
    estimate_poses([video], tmp_path / "p", model, detector=detector, fps=10, workers=0)
    pixels = read_poses(tmp_path / "p" / "a.npz").joints[..., :2] * [1, -1] * SIZE[1] + np.array(SIZE) / 2
    np.testing.assert_allclose(pixels, expected_joints(6), atol=4)
    nobody = write_constant_model(
        tmp_path / "rtmdet.onnx", (80, 60), dets=boxes * np.float32([1, 1, 1, 1, 0.1]), labels=np.int64([[0, 0]])
    )
    with pytest.raises(Quarantined, match="no person is visible"):
        estimate_poses([video], tmp_path / "q", model, detector=nobody, fps=10, workers=0)


def test_3d_poses_are_meters(tmp_path: Path, onnx: Any) -> None:
    video = colored_video(tmp_path / "a.mp4", count=5)
    model = write_simcc_model(tmp_path / "m.onnx", (64, 48), joints=133, depth=0.5)
    estimate_poses([video], tmp_path / "p", model, fps=10, workers=0)
    found = read_poses(tmp_path / "p" / "a.npz")
    assert found.units == "meters" and found.joints.shape == (5, 133, 3)
    np.testing.assert_allclose(found.joints[..., 2], 0, atol=1e-5)
    names = found.skeleton.names
    limbs = [("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")]
    ends = [[(names.index(f"{side}_{a}"), names.index(f"{side}_{b}")) for a, b in limbs] for side in ("left", "right")]
    total = sum(np.linalg.norm(found.joints[0, a] - found.joints[0, b]) for pair in ends for a, b in pair)
    assert total == pytest.approx(2 * (0.186 + 0.146 + 0.245 + 0.246) * 1.70, abs=0.05)


def test_bad_videos_are_left_out_and_models_are_checked_first(tmp_path: Path, onnx: Any) -> None:
    model = write_simcc_model(tmp_path / "m.onnx", (64, 48))
    colored_video(tmp_path / "good.mp4")
    (tmp_path / "bad.mp4").write_bytes((tmp_path / "good.mp4").read_bytes()[:500])
    outcome = run_cli(
        *("data", "poses", tmp_path / "good.mp4", tmp_path / "bad.mp4", "-o", tmp_path / "p"),
        *("--model", model, "--workers", 1),
    )
    assert outcome.code == 4 and "bad.mp4" in outcome.err and "E-VID-" in outcome.err
    assert (tmp_path / "p" / "good.npz").exists() and not (tmp_path / "p" / "bad.npz").exists()
    (tmp_path / "m2.onnx").write_text("no")
    outcome = run_cli("data", "poses", tmp_path / "good.mp4", "-o", tmp_path / "q", "--model", tmp_path / "m2.onnx")
    assert outcome.code == 3 and outcome.err.count("E-MOD-024") == 1
    outcome = run_cli("data", "poses", tmp_path / "good.mp4", "-o", tmp_path / "q")
    assert outcome.code == 2 and "give --model FILE.onnx" in outcome.err
    outcome = run_cli("data", "poses", tmp_path / "good.mp4", "-o", tmp_path / "q", "--model", model, "--size", "1x1")
    assert outcome.code == 2


def test_every_file_is_read_in_a_child_with_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, onnx: Any) -> None:
    calls = []

    def watched(function: Any, jobs: Any, workers: Any, *, limits: Any = None, warm_up: Any = None) -> Any:
        calls.append((limits, min(job.timeout_s for job in jobs)))
        return run_children(function, jobs, workers, limits=limits)

    monkeypatch.setattr("augrgb.parallel.engine.run_children", watched)
    write_kinect(tmp_path / "a.txt", kinect_people(4))
    convert_poses([tmp_path / "a.txt"], tmp_path / "p", workers=0)
    video, model = colored_video(tmp_path / "b.mp4"), write_simcc_model(tmp_path / "m.onnx", (64, 48))
    estimate_poses([video], tmp_path / "p", model, workers=0)
    assert len(calls) == 3 and all(limits is not None and time_s > 0 for limits, time_s in calls)


def test_a_file_that_wants_all_memory_is_refused_alone(tmp_path: Path) -> None:
    engine = LocalEngine(1, ChildLimits(memory_bytes=80 * 2**20))
    deep = {"njts": 13, "frames": [[{"pose3d": [0.5] * 39}] * 2] * 40_000}
    (tmp_path / "big.json").write_text(json.dumps(deep))
    write_kinect(tmp_path / "a.txt", kinect_people(4))
    with pytest.raises(Quarantined, match=r"E-JOB-002.*memory"):
        convert_poses([tmp_path / "big.json", tmp_path / "a.txt"], tmp_path / "p", engine=engine)
    assert (tmp_path / "p" / "a.npz").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--size", "640"), "WIDTHxHEIGHT"),
        (("--person", "tallest"), "energy, largest, longest"),
        (("--format", "kinnect"), "did you mean 'kinect'"),
        (("--bvh-units", "ell"), "expected one of"),
    ],
)
def test_wrong_options(tmp_path: Path, words: Any, text: Any) -> None:
    write_kinect(tmp_path / "a.txt", kinect_people(4))
    outcome = run_cli("data", "poses", tmp_path / "a.txt", "-o", tmp_path / "p", *words)
    assert outcome.code == 2 and text in outcome.err


def test_names_that_repeat_in_a_folder_are_those_of_its_dataset(tmp_path: Path, onnx: Any) -> None:
    model = write_simcc_model(tmp_path / "rtm.onnx", (64, 48))
    for place in ("cam1", "cam2"):
        (tmp_path / "videos" / place).mkdir(parents=True)
        colored_video(tmp_path / "videos" / place / "fall.mp4")
    estimate_poses([tmp_path / "videos"], tmp_path / "poses", model, fps=10, workers=0)
    assert sorted(path.name for path in (tmp_path / "poses").glob("*.npz")) == ["cam1%2Ffall.npz", "cam2%2Ffall.npz"]
