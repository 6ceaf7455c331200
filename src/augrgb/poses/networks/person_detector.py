"""People in an image by YOLOX or RTMDet, as exported to ONNX by MMDeploy or by YOLOX itself."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.poses.networks.onnx_model import OnnxModel
from augrgb.poses.networks.pose_model import Box

DetectorKind = Literal["yolox", "rtmdet"]
_PERSON = 0  # of COCO's classes
_GREY = 114
_LEAST_SCORE = 0.3
_OVERLAP = 0.45
_STRIDES = (8, 16, 32)
_MOST_PEOPLE = 8
# Blue, green, red, as RTMDet was trained; YOLOX sees plain values.
_MEAN = np.array([103.53, 116.28, 123.675], np.float32)
_DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)


class PersonDetector:
    """A detector network.

    Args:
        path: ONNX file. Outputs: boxes with scores (1, N, 5), with labels (1, N) or without; or YOLOX's raw
            (1, N, 5 + classes).
        kind: How images are prepared; None = by the file's name.
        sha256: See `OnnxModel`.

    Raises:
        UsageFault: E-CFG-014, the kind is not given and the name does not contain it.
        InputRefused: See `OnnxModel`.
    """

    def __init__(self, path: Path, kind: DetectorKind | None = None, sha256: str | None = None) -> None:
        named: list[DetectorKind] = [known for known in ("yolox", "rtmdet") if known in Path(path).name.lower()]
        if kind is None and len(named) != 1:
            remedy = "Give --detector-kind: yolox or rtmdet."
            raise UsageFault("E-CFG-014", path, "the kind of detector is not clear from its name", remedy)
        self.kind: DetectorKind = kind or named[0]
        self.model = OnnxModel(path, sha256)

    def people(self, image: NDArray[np.uint8]) -> list[Box]:
        """Boxes of people (left, top, right, bottom in pixels), most certain first, eight at most.

        Shape: (H, W, 3) uint8 RGB.

        Raises:
            InputRefused: E-MOD-025, the model's outputs are not boxes.
        """
        width, height = self.model.size
        ratio = min(height / image.shape[0], width / image.shape[1])
        size = max(1, int(image.shape[1] * ratio)), max(1, int(image.shape[0] * ratio))
        padded = np.full((height, width, 3), _GREY, np.uint8)
        padded[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)[..., ::-1]
        x = padded.astype(np.float32)
        if self.kind == "rtmdet":
            x = (x - _MEAN) / _DEVIATION
        boxes, scores = self._boxes(self.model.run(x.transpose(2, 0, 1)[None]))
        boxes = np.clip(boxes / ratio, 0, [image.shape[1], image.shape[0]] * 2)
        good = (scores >= _LEAST_SCORE) & (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
        kept = _apart(boxes[good], scores[good])[:_MOST_PEOPLE]
        return [(float(b[0]), float(b[1]), float(b[2]), float(b[3])) for b in boxes[good][kept]]

    def _boxes(self, outputs: list[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        found = outputs[0][0] if outputs[0].ndim == 3 else outputs[0]
        if found.ndim == 2 and found.shape[1] == 5:
            if len(outputs) > 1:
                found = found[outputs[1].reshape(-1)[: len(found)] == _PERSON]
            return found[:, :4], found[:, 4]
        if found.ndim == 2 and found.shape[1] > 5 and len(outputs) == 1 and self.kind == "yolox":
            return self._decoded(found)
        problem = f"outputs {[one.shape for one in outputs]} are not boxes with scores"
        raise InputRefused("E-MOD-025", self.model.path, problem, "Export it with its boxes decoded.")

    def _decoded(self, raw: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """YOLOX's cells to boxes: centers in strides from the cell, logarithms of sizes, object times class score."""
        width, height = self.model.size
        cells, strides = [], []
        for stride in _STRIDES:
            down, across = np.mgrid[: height // stride, : width // stride]
            cells.append(np.stack([across, down], axis=-1).reshape(-1, 2))
            strides.append(np.full((len(cells[-1]), 1), stride))
        grid, stride_of = np.concatenate(cells), np.concatenate(strides)
        if len(grid) != len(raw):
            problem = f"gives {len(raw)} boxes, expected {len(grid)} for {width} x {height} pixels"
            raise InputRefused("E-MOD-025", self.model.path, problem, "Is it a YOLOX model of this size?")
        center, size = (raw[:, :2] + grid) * stride_of, np.exp(np.minimum(raw[:, 2:4], 20)) * stride_of
        boxes = np.concatenate([center - size / 2, center + size / 2], axis=1)
        return boxes.astype(np.float32), raw[:, 4] * raw[:, 5 + _PERSON]


def _apart(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> list[int]:
    """Numbers of boxes that no better one overlaps much, best first."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    for box in np.argsort(-scores, kind="stable").tolist():
        low = np.maximum(boxes[kept, :2], boxes[box, :2])
        high = np.minimum(boxes[kept, 2:], boxes[box, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        if not (shared / np.maximum(areas[kept] + areas[box] - shared, 1e-9) > _OVERLAP).any():
            kept.append(box)
    return kept
