"""Pose networks and person detectors in ONNX, on small models that find colors."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import EnvironmentFault, InputRefused, UsageFault
from augrgb.core.opening import sha256_file
from augrgb.poses.networks.onnx_model import OnnxModel
from augrgb.poses.networks.person_detector import PersonDetector
from augrgb.poses.networks.pose_model import PoseModel, decode_simcc, whole_image
from support.pose_samples import write_constant_model, write_simcc_model

pytest.importorskip("onnxruntime", reason="ONNX models need onnxruntime: pip install 'augrgb[pose]'")
pytest.importorskip("onnx", reason="these tests make their models with onnx")

SPOTS = {0: (70, 40), 1: (50, 90), 2: (95, 120)}  # red, green and blue: x, y


def picture(width: Any = 160, height: Any = 200, spots: Any = SPOTS, side: Any = 9) -> Any:
    """Black with a red, a green and a blue square around three places."""
    found = np.zeros((height, width, 3), np.uint8)
    for channel, (x, y) in spots.items():
        found[y - side // 2 : y + side // 2 + 1, x - side // 2 : x + side // 2 + 1, channel] = 255
    return found


@pytest.mark.parametrize("size", [(48, 64), (64, 48)])
@pytest.mark.parametrize("box", [None, (30.0, 10.0, 120.0, 150.0), (-20.0, 5.0, 140.0, 190.0)])
@pytest.mark.parametrize("batch", ["N", 1])
def test_joints_come_back_in_pixels_of_the_picture(tmp_path: Path, size: Any, box: Any, batch: Any) -> None:
    model = PoseModel(write_simcc_model(tmp_path / "m.onnx", size, batch=batch))
    boxes = [box or whole_image(picture())] * 2
    (joints, scores), again = model.estimate(picture(), boxes)
    assert joints.shape == (17, 2) and scores.shape == (17,) and model.layout_of(joints) == "coco17"
    np.testing.assert_array_equal(joints, again[0])
    tolerance = 1.25 * max((boxes[0][2] - boxes[0][0]) / size[0], (boxes[0][3] - boxes[0][1]) / size[1]) + 1
    for joint in range(17):
        np.testing.assert_allclose(joints[joint], SPOTS[joint % 3], atol=tolerance)


def test_channels_are_red_green_blue(tmp_path: Path) -> None:
    """A model trained on RGB must not see BGR: joint 0 looks at the first channel only."""
    model = PoseModel(write_simcc_model(tmp_path / "m.onnx"))
    ((joints, _),) = model.estimate(picture(), [whole_image(picture())])
    assert abs(joints[0, 1] - SPOTS[0][1]) < 8 and abs(joints[2, 1] - SPOTS[2][1]) < 8


def test_unseen_joints_are_nan(tmp_path: Path) -> None:
    model = PoseModel(write_simcc_model(tmp_path / "m.onnx"))
    ((joints, scores),) = model.estimate(np.zeros((200, 160, 3), np.uint8), [(0.0, 0.0, 160.0, 200.0)])
    assert np.isnan(joints).all() and (scores < 0.2).all()
    assert model.estimate(picture(), []) == []


@pytest.mark.parametrize(("depth", "meters"), [(0.5, 0.0), (0.75, 2.1744869 / 2), (0.25, -2.1744869 / 2)])
def test_depth_is_meters_from_the_hips(tmp_path: Path, depth: Any, meters: Any) -> None:
    model = PoseModel(write_simcc_model(tmp_path / "m.onnx", (48, 64), joints=133, depth=depth))
    ((joints, _),) = model.estimate(picture(), [whole_image(picture())])
    assert model.dimensions == 3 and joints.shape == (133, 3) and model.layout_of(joints) == "coco133"
    np.testing.assert_allclose(joints[:, 2], meters, atol=1e-5)


def test_simcc_decoding_by_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    outputs = [rng.normal(size=(3, 5, places)).astype(np.float32) for places in (96, 128, 576)]
    places, scores = decode_simcc(outputs)
    for n in range(3):
        for v in range(5):
            expected = [max(range(axis.shape[2]), key=lambda i, a=axis[n, v]: a[i]) / axis.shape[2] for axis in outputs]
            np.testing.assert_allclose(places[n, v], expected, rtol=1e-6)
            assert scores[n, v] == min(outputs[0][n, v].max(), outputs[1][n, v].max())


def test_models_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E-FILE-001"):
        PoseModel(tmp_path / "absent.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(InputRefused, match="E-MOD-024"):
        PoseModel(tmp_path / "text.onnx")
    good = write_simcc_model(tmp_path / "good.onnx")
    assert PoseModel(good, sha256_file(good).upper()).model.size == (48, 64)
    with pytest.raises(InputRefused, match="E-MOD-003"):
        PoseModel(good, "0" * 64)
    one = write_constant_model(tmp_path / "one.onnx", (48, 64), heat=np.zeros((1, 17, 64, 48), np.float32))
    with pytest.raises(InputRefused, match=r"E-MOD-025.*simcc_x"):
        PoseModel(one)
    flat = write_constant_model(
        tmp_path / "flat.onnx", (48, 64), x=np.zeros((1, 17), np.float32), y=np.zeros(3, np.float32)
    )
    with pytest.raises(InputRefused, match="E-MOD-025"):
        PoseModel(flat).estimate(picture(), [whole_image(picture())])
    odd = write_simcc_model(tmp_path / "odd.onnx", joints=21)
    with pytest.raises(InputRefused, match=r"E-MOD-025.*21 joints"):
        PoseModel(odd).layout_of(np.zeros((21, 2), np.float32))


def test_missing_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EnvironmentFault, match=r"E-ENV-003.*augrgb\[pose\]"):
        OnnxModel(tmp_path / "m.onnx")


DETS = np.float32(
    [[[10, 20, 40, 60, 0.9], [11, 21, 41, 61, 0.8], [50, 5, 60, 60, 0.2], [30, 0, 64, 30, 0.7], [0, 0, 9, 9, 0.6]]]
)
LABELS = np.int64([[0, 0, 0, 0, 5]])


def test_detected_people_in_pixels_of_the_picture(tmp_path: Path) -> None:
    path = write_constant_model(tmp_path / "rtmdet.onnx", (64, 64), dets=DETS, labels=LABELS)
    detector = PersonDetector(path)
    assert detector.kind == "rtmdet"
    # 128 x 100 pixels are halved: weak, doubled, and other things than people are left out.
    assert detector.people(picture(128, 100)) == [(20, 40, 80, 100), (60, 0, 128, 60)]


def test_raw_yolox_outputs_are_decoded(tmp_path: Path) -> None:
    cells = 8 * 8 + 4 * 4 + 2 * 2
    raw = np.zeros((1, cells, 85), np.float32)
    cell = 64 + 1 * 4 + 2  # stride 16, row 1, column 2
    raw[0, cell, :6] = [0.5, 0.25, np.log(1.5), np.log(2.0), 0.9, 0.8]
    raw[0, 3, :6] = [0, 0, 0, 0, 0.5, 0.5]  # 0.25: too weak
    raw[0, 5, 4], raw[0, 5, 40] = 0.9, 0.9  # another class
    path = write_constant_model(tmp_path / "yolox_tiny.onnx", (64, 64), output=raw)
    center, size = (2.5 * 16, 1.25 * 16), (24, 32)
    box = [center[0] - size[0] / 2, center[1] - size[1] / 2, center[0] + size[0] / 2, center[1] + size[1] / 2]
    np.testing.assert_allclose(PersonDetector(path).people(picture(64, 64)), [box], atol=1e-4)
    short = write_constant_model(tmp_path / "yolox_short.onnx", (64, 64), output=raw[:, :-1])
    with pytest.raises(InputRefused, match=r"E-MOD-025.*83 boxes, expected 84"):
        PersonDetector(short).people(picture(64, 64))


def test_detectors_that_cannot_be_used(tmp_path: Path) -> None:
    path = write_constant_model(tmp_path / "model.onnx", (64, 64), dets=DETS, labels=LABELS)
    with pytest.raises(UsageFault, match=r"E-CFG-014.*--detector-kind"):
        PersonDetector(path)
    assert len(PersonDetector(path, "yolox").people(picture(128, 100))) == 2
    odd = write_constant_model(tmp_path / "rtmdet.onnx", (64, 64), masks=np.zeros((1, 8, 8, 8), np.float32))
    with pytest.raises(InputRefused, match=r"E-MOD-025.*not boxes"):
        PersonDetector(odd).people(picture(64, 64))


@pytest.mark.parametrize(("kind", "grey"), [("yolox", 114.0), ("rtmdet", (114 - 103.53) / 57.375)])
def test_pictures_are_prepared_as_the_detector_was_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, grey: Any
) -> None:
    detector = PersonDetector(write_constant_model(tmp_path / "m.onnx", (64, 64), dets=DETS, labels=LABELS), kind)
    seen = []
    run = detector.model.run
    monkeypatch.setattr(detector.model, "run", lambda x: (seen.append(x), run(x))[1])
    detector.people(np.full((32, 64, 3), (10, 20, 30), np.uint8))
    (x,) = seen[0]
    assert x[0, 50, 5] == pytest.approx(grey, rel=1e-5)  # below the picture
    blue = 30.0 if kind == "yolox" else (30 - 103.53) / 57.375
    assert x[0, 5, 5] == pytest.approx(blue, rel=1e-5)  # blue comes first
