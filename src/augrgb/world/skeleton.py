"""The figure's skeleton: 21 joints, forward kinematics by rotations, and people of different proportions.

World axes, meters: y up; an unturned figure faces +z and has its left hand at +x. At rest it stands with hanging arms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augrgb.poses.rotation import Floats as Floats
from augrgb.poses.rotation import rotation

# name, parent, offset from the parent at rest in meters (a person of 1.75 m); the left side, mirrored below
_TRUNK = (
    ("hips", "", (0.0, 0.0, 0.0)),
    ("spine", "hips", (0.0, 0.12, 0.0)),
    ("chest", "spine", (0.0, 0.16, 0.0)),
    ("neck", "chest", (0.0, 0.23, 0.0)),
    ("head", "neck", (0.0, 0.10, 0.01)),
)
_ARM = (
    ("collar", "chest", (0.05, 0.17, 0.0)),
    ("shoulder", "collar", (0.13, 0.0, 0.0)),
    ("elbow", "shoulder", (0.0, -0.29, 0.0)),
    ("wrist", "elbow", (0.0, -0.26, 0.0)),
)
_LEG = (
    ("hip", "hips", (0.09, -0.04, 0.0)),
    ("knee", "hip", (0.0, -0.43, 0.0)),
    ("ankle", "knee", (0.0, -0.41, 0.0)),
    ("toe", "ankle", (0.0, -0.06, 0.15)),
)


def _sided(part: tuple[tuple[str, str, tuple[float, float, float]], ...], side: str, sign: float) -> list[tuple]:  # type: ignore[type-arg]
    own = {name for name, _, _ in part}
    return [
        (f"{side}_{name}", f"{side}_{parent}" if parent in own else parent, (sign * x, y, z))
        for name, parent, (x, y, z) in part
    ]


_TABLE = [*_TRUNK, *_sided(_ARM, "l", 1), *_sided(_ARM, "r", -1), *_sided(_LEG, "l", 1), *_sided(_LEG, "r", -1)]

JOINT_NAMES: tuple[str, ...] = tuple(name for name, _, _ in _TABLE)
INDEX: dict[str, int] = {name: i for i, name in enumerate(JOINT_NAMES)}
PARENTS: tuple[int, ...] = tuple(INDEX[parent] if parent else -1 for _, parent, _ in _TABLE)
REST_OFFSETS: Floats = np.array([offset for _, _, offset in _TABLE])

ANGLES: tuple[str, ...] = (
    *("spine_bend", "spine_side", "spine_twist", "neck_bend", "neck_turn"),
    *(
        f"{side}_{name}"
        for side in "lr"
        for name in (
            *("shoulder_flex", "shoulder_abduct", "shoulder_twist", "elbow_flex"),
            *("hip_flex", "hip_abduct", "knee_flex", "ankle_flex"),
        )
    ),
)
"""Anatomical angles in degrees; 0 = rest. Flexion lifts forward (knee: backward), abduction sideways and outwards,
`shoulder_twist` turns the forearm inwards, `spine_bend` forward, `spine_side` and turns to the left."""
ANGLE: dict[str, int] = {name: i for i, name in enumerate(ANGLES)}


@dataclass(frozen=True, slots=True)
class Proportions:
    """Scale factors of a person against the 1.75 m figure at rest."""

    height: float = 1.0
    legs: float = 1.0
    arms: float = 1.0
    shoulders: float = 1.0
    girth: float = 1.0

    def offsets(self) -> Floats:
        """Offset of each joint from its parent at rest, meters, (V, 3)."""
        scale = np.full((len(JOINT_NAMES), 3), self.height)
        for i, name in enumerate(JOINT_NAMES):
            if name.endswith(("knee", "ankle")):
                scale[i] *= self.legs
            elif name.endswith(("elbow", "wrist")):
                scale[i] *= self.arms
            elif name.endswith(("collar", "shoulder")):
                scale[i, 0] *= self.shoulders
        return np.asarray(REST_OFFSETS * scale)


def local_rotations(angles: Floats, heading: Floats) -> Floats:
    """Rotation of each joint against its parent.

    Args:
        angles: (n, len(ANGLES)) degrees.
        heading: (n,) degrees about y; positive turns the figure to its left.

    Returns:
        (n, V, 3, 3).
    """
    result = np.broadcast_to(np.eye(3), (len(angles), len(JOINT_NAMES), 3, 3)).copy()

    def angle(name: str) -> Floats:
        return angles[:, ANGLE[name]]

    result[:, INDEX["hips"]] = rotation(1, heading)
    half = rotation(1, 0.5 * angle("spine_twist")) @ rotation(2, -0.5 * angle("spine_side"))
    half = half @ rotation(0, 0.5 * angle("spine_bend"))
    result[:, INDEX["spine"]] = result[:, INDEX["chest"]] = half
    result[:, INDEX["neck"]] = rotation(1, angle("neck_turn")) @ rotation(0, angle("neck_bend"))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        shoulder = rotation(2, sign * angle(f"{side}_shoulder_abduct")) @ rotation(0, -angle(f"{side}_shoulder_flex"))
        result[:, INDEX[f"{side}_shoulder"]] = shoulder @ rotation(1, -sign * angle(f"{side}_shoulder_twist"))
        result[:, INDEX[f"{side}_elbow"]] = rotation(0, -angle(f"{side}_elbow_flex"))
        hip = rotation(2, sign * angle(f"{side}_hip_abduct")) @ rotation(0, -angle(f"{side}_hip_flex"))
        result[:, INDEX[f"{side}_hip"]] = hip
        result[:, INDEX[f"{side}_knee"]] = rotation(0, angle(f"{side}_knee_flex"))
        result[:, INDEX[f"{side}_ankle"]] = rotation(0, -angle(f"{side}_ankle_flex"))
    return result


def forward_kinematics(offsets: Floats, parents: tuple[int, ...], rotations: Floats, root: Floats) -> Floats:
    """Joint positions of a chain of rotated bones.

    Args:
        offsets: (V, 3) meters, in the parent's axes; parents come before their children.
        parents: V indices, -1 = root.
        rotations: (n, V, 3, 3), each against its parent.
        root: (n, 3) position of the root.

    Returns:
        (n, V, 3) meters.
    """
    turned = rotations.copy()
    joints = np.empty((len(root), len(parents), 3))
    for i, parent in enumerate(parents):
        if parent < 0:
            joints[:, i] = root
        else:
            turned[:, i] = turned[:, parent] @ rotations[:, i]
            joints[:, i] = joints[:, parent] + turned[:, parent] @ offsets[i]
    return joints
