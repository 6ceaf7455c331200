"""BlazePose's landmark network: the square around a person -> 33 joints, in the frame and in meters.

Bazarevsky et al., arXiv 2006.10204; the joints in meters are described in Grishchenko et al., "BlazePose GHUM Holistic:
Real-time 3D Human Landmarks and Pose Estimation", arXiv 2206.11678.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.poses.networks.blazepose_detector import BlazePoseDetector
from augrgb.poses.networks.tflite_model import TfliteModel
from augrgb.poses.region import Region
from augrgb.weights import WEIGHTS, kept_file, weights_entry

PIXELS = 256
"""Side of the landmark network's square input."""
JOINTS = 33
_LANDMARKS = 39
"""33 joints, two auxiliary points (center and rim of the circle around the body), four that are not used."""
LEAST_SCORE = 0.5
"""A pose whose score is lower is no person."""
DETECTOR, LANDMARKS = "blazepose_detector", "blazepose_landmarks"
"""Their names in the catalog of weights."""


@dataclass(frozen=True, slots=True)
class BlazePoseFiles:
    """Where the two networks are."""

    detector: Path
    landmarks: Path

    def method(self) -> dict[str, Any]:
        """What decides the poses, for the pose file."""
        return {
            "model": "blazepose",
            "model_sha256": WEIGHTS[LANDMARKS].sha256,
            "detector_sha256": WEIGHTS[DETECTOR].sha256,
        }


def find_blazepose() -> BlazePoseFiles:
    """The two network files in the user's cache folder, checked by hash.

    Raises:
        InputRefused: E-FILE-001, they have not been fetched, or have changed since.
    """
    found = [kept_file(weights_entry(name)) for name in (DETECTOR, LANDMARKS)]
    if found[0] is None or found[1] is None:
        remedy = f"Fetch them: augrgb weights get {DETECTOR} {LANDMARKS}"
        raise InputRefused("E-FILE-001", "blazepose", "its two networks are not in the cache folder", remedy)
    return BlazePoseFiles(found[0], found[1])


@dataclass(frozen=True, slots=True)
class SeenPose:
    """A person in one frame.

    Args:
        places: (33, 2) pixels of the frame, x right and y down.
        world: (33, 3) meters from the middle of the hips: x right, y up, z away from the camera.
        scores: (33,) how likely a joint is in the frame and not hidden.
        score: How likely this is a person.
        next_region: Where to look for the person in the next frame.
    """

    places: NDArray[np.float32]
    world: NDArray[np.float32]
    scores: NDArray[np.float32]
    score: float
    next_region: Region


class BlazePose:
    """Both networks.

    Raises:
        EnvironmentFault, InputRefused: See `TfliteModel`.
    """

    def __init__(self, files: BlazePoseFiles) -> None:
        self._detector = BlazePoseDetector(files.detector)
        self._landmarks = TfliteModel(files.landmarks)

    def find(self, frame: NDArray[np.uint8]) -> list[Region]:
        """Where people are; see `BlazePoseDetector.people`."""
        return self._detector.people(frame)

    def look(self, frame: NDArray[np.uint8], region: Region) -> SeenPose | None:
        """The person in a region, or None if the network does not see one there.

        Shape: (H, W, 3) uint8 RGB.
        """
        outputs = self._landmarks.run(region.cut(frame, PIXELS).astype(np.float32)[None] / np.float32(255))
        score = float(outputs[1, 1][0, 0])
        if not score >= LEAST_SCORE:
            return None
        landmarks = outputs[1, 5 * _LANDMARKS].reshape(_LANDMARKS, 5)
        return seen_pose(landmarks, outputs[1, 3 * _LANDMARKS].reshape(_LANDMARKS, 3), score, region)


def seen_pose(landmarks: NDArray[np.float32], world: NDArray[np.float32], score: float, region: Region) -> SeenPose:
    """The network's outputs, turned back into the frame.

    Args:
        landmarks: (39, 5): x, y, z in pixels of the input; logits of visibility and presence.
        world: (39, 3): x right, y down, z away, in meters, in the axes of the input.
        score: How likely this is a person.
        region: What the network saw.
    """
    places = region.to_frame(landmarks[:, :2] / np.float32(PIXELS))
    turned = np.concatenate([region.turn(world[:JOINTS, :2]), world[:JOINTS, 2:]], axis=1)
    likely = 1 / (1 + np.exp(-np.clip(landmarks[:JOINTS, 3:5], -50, 50)))
    return SeenPose(
        places[:JOINTS],
        turned * np.array([1, -1, 1], np.float32),
        likely.min(axis=1).astype(np.float32),
        score,
        Region.around(places[JOINTS], places[JOINTS + 1]),
    )
