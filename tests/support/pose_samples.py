"""Recorded skeletons and small ONNX models that the tests make for themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def kinect_people(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Two people (2, count, 25, 3) meters: the first walks to and fro, the second stands still two meters away."""
    rng = np.random.default_rng(seed)
    body = rng.uniform([-0.4, -0.9, -0.1], [0.4, 0.8, 0.1], (25, 3)) + np.array([0, 0, 3])
    people = np.repeat(body[None, None], 2, 0).repeat(count, 1)
    people[0, :, :, 0] += 0.5 * np.sin(np.arange(count) / 10)[:, None]
    people[1, :, :, 0] += 2.0
    return np.round(people, 6).astype(np.float32)


def write_kinect(path: Path, people: NDArray[np.float32]) -> Path:
    """A PKU-MMD skeleton file."""
    rows = people.transpose(1, 0, 2, 3).reshape(people.shape[1], -1)
    path.write_text("\n".join(" ".join(f"{value:.6f}" for value in row) for row in rows) + "\n")
    return path


def write_lcrnet(path: Path, poses2d: NDArray[Any], poses3d: NDArray[Any]) -> Path:
    """A Toyota Smarthome file: (n, 13, 2) and (n, 13, 3), one person; frames of NaN are empty."""
    frames = [
        []
        if np.isnan(flat).any()
        else [{"cumscore": 9.5, "pose2d": flat.T.ravel().tolist(), "pose3d": deep.T.ravel().tolist()}]
        for flat, deep in zip(poses2d, poses3d, strict=True)
    ]
    path.write_text(json.dumps({"K": 10, "njts": 13, "frames": frames}))
    return path


def write_coco(path: Path, joints: NDArray[Any], *, first: int = 0, size: tuple[int, int] | None = (640, 480)) -> Path:
    """Results of one person (n, V, 3) x, y, v; with images if `size` is given."""
    people = [
        {"image_id": number + first, "keypoints": frame.ravel().tolist(), "score": 0.9}
        for number, frame in enumerate(joints.astype(float))
    ]
    images = (
        [{"id": number + first, "width": size[0], "height": size[1]} for number in range(len(joints))] if size else 0
    )
    path.write_text(json.dumps({"images": images, "annotations": people} if size else people))
    return path


def coco_walk(count: int) -> NDArray[np.float64]:
    """One person in pixels (count, 17, 3): x, y, v, walking right."""
    rng = np.random.default_rng(3)
    frames = np.repeat(rng.uniform([200, 100, 0], [260, 300, 0], (17, 3))[None], count, 0)
    frames[:, :, 0] += 2 * np.arange(count)[:, None]
    frames[:, :, 2] = 0.8
    return frames


def write_simcc_model(
    path: Path, size: tuple[int, int] = (48, 64), joints: int = 17, depth: float | None = None, batch: str | int = "N"
) -> Path:
    """A pose model (W, H) that finds colors: joint k is the middle of what is bright in channel k mod 3.

    SimCC outputs as RTMPose's, two places per pixel; `depth` in [0, 1) adds a z axis with its peak there.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    width, height = size
    pick = np.zeros((joints, 3, 1, 1), np.float32)
    pick[np.arange(joints), np.arange(joints) % 3] = 1.0
    rival = -0.5 * (pick == 0)  # white and grey are bright in every channel
    # A window with a peak, so that the answer is the middle of a square and not its edge.
    window = np.array([1, 2, 3, 2, 1], np.float32)[None, None].repeat(joints, 0) / 3
    constants = {
        "std": (np.float32([58.395, 57.12, 57.375]) / 255).reshape(1, 3, 1, 1),
        "mean": (np.float32([123.675, 116.28, 103.53]) / 255).reshape(1, 3, 1, 1),
        "pick": pick + rival.astype(np.float32),
        "window": window,
        "twice": np.array([1, 1, 2], np.float32),
        "axes_h": np.array([2], np.int64),
        "axes_w": np.array([3], np.int64),
    }
    nodes = [
        helper.make_node("Mul", ["input", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["colors"]),  # 0 to 1, if the picture was prepared rightly
        helper.make_node("Conv", ["colors", "pick"], ["differences"]),
        helper.make_node("Relu", ["differences"], ["maps"]),
    ]
    for axis, along in (("x", "axes_h"), ("y", "axes_w")):
        nodes += [
            helper.make_node("ReduceMax", ["maps", along], [f"most_{axis}"], keepdims=0),
            helper.make_node("Conv", [f"most_{axis}", "window"], [f"soft_{axis}"], group=joints, pads=[2, 2]),
            helper.make_node(
                "Resize",
                [f"soft_{axis}", "", "twice"],
                [f"simcc_{axis}"],
                mode="linear",
                coordinate_transformation_mode="half_pixel",
            ),
        ]
    outputs = ["simcc_x", "simcc_y"]
    if depth is not None:
        peak = np.zeros((1, joints, 576), np.float32)
        peak[:, :, round(depth * 576)] = 1.0
        constants["peak"] = peak
        constants["zero"] = np.zeros(1, np.float32)
        nodes += [
            helper.make_node("ReduceMax", ["simcc_x", "axes_h"], ["one"], keepdims=1),
            helper.make_node("Mul", ["one", "zero"], ["none"]),
            helper.make_node("Add", ["peak", "none"], ["simcc_z"]),
        ]
        outputs.append("simcc_z")
    graph = helper.make_graph(
        nodes,
        "simcc",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, height, width])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def write_constant_model(path: Path, size: tuple[int, int], **outputs: NDArray[Any]) -> Path:
    """A model that always gives these arrays."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("Identity", [f"{name}_value"], [name]) for name in outputs],
        "constant",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, size[1], size[0]])],
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in outputs.items()
        ],
        [numpy_helper.from_array(value, f"{name}_value") for name, value in outputs.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path
