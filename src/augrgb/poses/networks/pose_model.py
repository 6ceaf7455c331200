"""RTMPose and RTMW3D: joints of people in an image, top-down, from SimCC outputs.

Jiang et al., "RTMPose: Real-Time Multi-Person Pose Estimation based on MMPose", arXiv 2303.07399; Li et al., "SimCC: a
Simple Coordinate Classification Perspective for Human Pose Estimation", ECCV 2022. Images and outputs are treated as
the published training configurations do.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.poses.networks.onnx_model import OnnxModel

LAYOUTS = {17: "coco17", 133: "coco133"}
"""Joint layouts by the number of joints that a model gives."""
_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
_DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)
_PADDING = 1.25
_DEPTH_RANGE_M = 2.1744869
"""RTMW3D's depth axis goes from minus to plus this, around the hips."""
_LEAST_SCORE = 0.2

Box = tuple[float, float, float, float]


class PoseModel:
    """A pose network.

    Args:
        path: ONNX file with outputs simcc_x (N, V, X) and simcc_y (N, V, Y), and simcc_z for 3D.
        sha256: See `OnnxModel`.

    Attributes:
        dimensions: 2 or 3.

    Raises:
        InputRefused: See `OnnxModel`; E-MOD-025, other outputs.
    """

    def __init__(self, path: Path, sha256: str | None = None) -> None:
        self.model = OnnxModel(path, sha256)
        self.dimensions = len(self.model.output_names)
        if self.dimensions not in (2, 3):
            problem = f"gives {', '.join(self.model.output_names)}; expected simcc_x, simcc_y and for 3D simcc_z"
            raise InputRefused("E-MOD-025", path, problem, "Only RTMPose-like (SimCC) models are read.")

    def layout_of(self, joints: NDArray[np.float32]) -> str:
        """Name of the joint layout of (..., V, D) joints.

        Raises:
            InputRefused: E-MOD-025, no layout has so many joints.
        """
        count = joints.shape[-2]
        if count not in LAYOUTS:
            problem = f"gives {count} joints; known are {', '.join(map(str, LAYOUTS))}"
            raise InputRefused("E-MOD-025", self.model.path, problem, "Use a model of the COCO body or whole body.")
        return LAYOUTS[count]

    def estimate(
        self, image: NDArray[np.uint8], boxes: list[Box]
    ) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Joints of the person in each box (left, top, right, bottom in pixels).

        Shape: (H, W, 3) uint8 RGB -> per box joints (V, D) and scores (V,): x right and y down in pixels of the
            image, z away in meters from the hips; NaN where the score is below 0.2.
        """
        if not boxes:
            return []
        frames = [_frame(box, self.model.size) for box in boxes]
        outputs = self.model.run(np.stack([_crop(image, frame, self.model.size) for frame in frames]))
        for output in outputs:
            if output.ndim != 3 or output.shape[:2] != outputs[0].shape[:2] or len(output) != len(boxes):
                problem = f"outputs have shapes {[one.shape for one in outputs]}, expected (people, joints, places)"
                raise InputRefused("E-MOD-025", self.model.path, problem, "Only RTMPose-like (SimCC) models are read.")
        places, scores = decode_simcc(outputs)
        people = []
        for (left, top, width, height), place, score in zip(frames, places, scores, strict=True):
            joints = np.empty_like(place)
            joints[:, 0] = left + place[:, 0] * width
            joints[:, 1] = top + place[:, 1] * height
            if self.dimensions == 3:
                joints[:, 2] = (2 * place[:, 2] - 1) * _DEPTH_RANGE_M
            joints[score < _LEAST_SCORE] = np.nan
            people.append((joints, score))
        return people


def decode_simcc(outputs: list[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The likeliest place along each axis, as a fraction of the axis.

    The score is the lower of the maxima along x and y, as in MMPose. Where the input is 288 deep, wide or high and its
    axis has 576 places, place 288 is the middle, whatever the split of a pixel: fractions need no such setting.

    Shape: x, y and perhaps z, each (N, V, places) -> (N, V, D) in [0, 1), (N, V).
    """
    places = [output.argmax(axis=2) / np.float32(output.shape[2]) for output in outputs]
    scores = np.minimum(outputs[0].max(axis=2), outputs[1].max(axis=2))
    return np.stack(places, axis=2).astype(np.float32), scores.astype(np.float32)


def whole_image(image: NDArray[np.uint8]) -> Box:
    """The box of an image that shows one person."""
    return 0.0, 0.0, float(image.shape[1]), float(image.shape[0])


def _frame(box: Box, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, top, width and height of what the network sees: a quarter larger than the box, in its proportions."""
    width, height = (box[2] - box[0]) * _PADDING, (box[3] - box[1]) * _PADDING
    aspect = size[0] / size[1]
    width, height = max(width, height * aspect), max(height, width / aspect)
    return (box[0] + box[2] - width) / 2, (box[1] + box[3] - height) / 2, width, height


def _crop(
    image: NDArray[np.uint8], frame: tuple[float, float, float, float], size: tuple[int, int]
) -> NDArray[np.float32]:
    left, top, width, height = frame
    across, down = size[0] / width, size[1] / height
    matrix = np.array([[across, 0, -left * across], [0, down, -top * down]])
    cut = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
    return ((cut.astype(np.float32) - _MEAN) / _DEVIATION).transpose(2, 0, 1)
