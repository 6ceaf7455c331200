"""BlazePose's person detector: a frame -> people, each as the circle around a body.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", arXiv 2006.10204; anchors as in Liu et al.,
"SSD: Single Shot MultiBox Detector", ECCV 2016, all of one size; overlapping candidates are averaged as in
Bazarevsky et al., "BlazeFace", arXiv 1907.05047, section 3.3.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from augrgb.poses.networks.tflite_model import TfliteModel
from augrgb.poses.region import Region

PIXELS = 224
"""Side of the square input."""
_LAYERS = ((8, 2), (16, 2), (32, 6))
"""Stride in pixels, and anchors per cell: two per layer of the network, of which three have stride 32."""
_BOX = 4
_LEAST_SCORE = 0.3
"""Low, since a person in the dark scores low; the landmark network decides who is one."""
_OVERLAP = 0.3


class BlazePoseDetector:
    """Finds people in a frame.

    Args:
        path: `pose_detection.tflite`.

    Raises:
        EnvironmentFault, InputRefused: See `TfliteModel`.
    """

    def __init__(self, path: Path) -> None:
        self._model = TfliteModel(path)
        self._anchors = anchors()

    def people(self, frame: NDArray[np.uint8]) -> list[Region]:
        """The squares around people, most certain first.

        Shape: (H, W, 3) uint8 RGB.
        """
        image, scale, shift = letterbox(frame)
        outputs = self._model.run(image.astype(np.float32)[None] / np.float32(127.5) - 1)
        count = len(self._anchors)
        found = decode(outputs[1, count, 12][0], outputs[1, count, 1][0, :, 0], self._anchors)
        points = [(candidate[_BOX:].reshape(-1, 2) * PIXELS - shift) / scale for candidate in found]
        return [Region.around(point[0], point[1]) for point in points]


def anchors() -> NDArray[np.float32]:
    """Centers of all anchors as fractions of the input: (2254, 2), layer by layer, row by row.

    >>> anchors().shape
    (2254, 2)
    """
    layers = []
    for stride, per_cell in _LAYERS:
        cells = PIXELS // stride
        down, across = np.mgrid[:cells, :cells]
        centers = (np.stack([across, down], axis=-1).reshape(-1, 2) + 0.5) / cells
        layers.append(np.repeat(centers, per_cell, axis=0))
    return np.concatenate(layers).astype(np.float32)


def letterbox(frame: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float, NDArray[np.float32]]:
    """The frame in the middle of a black square input.

    Shape: (H, W, 3) -> (224, 224, 3), the scale, and the shift (2,): input = frame * scale + shift, in pixels.
    """
    height, width = frame.shape[:2]
    scale = PIXELS / max(height, width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (PIXELS - inner[0]) // 2, (PIXELS - inner[1]) // 2
    image = np.zeros((PIXELS, PIXELS, 3), np.uint8)
    image[top : top + inner[1], left : left + inner[0]] = cv2.resize(frame, inner, interpolation=cv2.INTER_AREA)
    return image, scale, np.array([left, top], np.float32)


def decode(raw: NDArray[np.float32], logits: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Candidates above the score of 0.3, overlapping ones averaged by score; most certain first.

    Args:
        raw: (n, 12) in pixels, all but the size from the anchor: box center x, y, width, height; four points x, y
            (middle of the hips; rim of the circle around the body; middle of the shoulders; rim of the upper body's).
        logits: (n,) scores.
        centers: (n, 2) anchors as fractions.

    Shape: -> (people, 12), the same values as fractions of the input.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    good = np.flatnonzero(scores >= _LEAST_SCORE)
    good = good[np.argsort(-scores[good], kind="stable")]
    candidates, scores = raw[good] / np.float32(PIXELS), scores[good]
    points = [0, *range(_BOX, candidates.shape[1], 2)]
    for axis in (0, 1):
        candidates[:, [point + axis for point in points]] += centers[good, axis][:, None]
    people = []
    while len(candidates):
        same = _overlap(candidates[0], candidates) > _OVERLAP
        same[0] = True  # a box without area does not overlap itself
        people.append(np.average(candidates[same], axis=0, weights=scores[same]))
        candidates, scores = candidates[~same], scores[~same]
    return np.array(people, np.float32).reshape(-1, raw.shape[1])


def _overlap(one: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of boxes (center and size)."""
    low = np.maximum(one[:2] - one[2:4] / 2, others[:, :2] - others[:, 2:4] / 2)
    high = np.minimum(one[:2] + one[2:4] / 2, others[:, :2] + others[:, 2:4] / 2)
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    union = np.prod(one[2:4]) + np.prod(others[:, 2:4], axis=1) - shared
    found: NDArray[np.float32] = shared / np.maximum(union, 1e-9)
    return found
