"""A person whose bones keep their length: what the network says of directions, with one length for each bone.

A network that looks at single frames lets limbs grow and shrink. As in motion capture, every bone is given the length
that it has in the median frame, and points where the network says. Both sides of the body get the same lengths.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from augrgb.poses.layouts import LAYOUTS
from augrgb.poses.people import PersonTrack

_NAMES = LAYOUTS["blazepose33"].names
_SIDES = ("left", "right")
_HEAD = tuple(range(1, 11))
_BONES = (
    *(("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "pinky"), ("wrist", "index"), ("wrist", "thumb")),
    *(("hip", "knee"), ("knee", "ankle"), ("ankle", "heel"), ("ankle", "foot_index")),
)
"""From the trunk outward; on both sides."""
_LEAST_WEIGHT = 1e-3


def with_fixed_limbs(person: PersonTrack) -> PersonTrack:
    """The person with one length for each bone, the middle of the hips where it was.

    Lengths are medians over frames, weighted by the squared score of the less certain end.

    Args:
        person: Joints (m, 33, 3) in the layout `blazepose33`.
    """
    if not len(person.frames):
        return person
    seen, scores = person.joints.astype(np.float64), np.clip(person.scores, 0, 1)
    fixed = np.empty_like(seen)
    left_hip, right_hip = _pair("hip")
    left_shoulder, right_shoulder = _pair("shoulder")
    hips, shoulders = (seen[:, [a, b]].mean(axis=1) for a, b in (_pair("hip"), _pair("shoulder")))
    trunk = [left_hip, right_hip, left_shoulder, right_shoulder]
    neck = hips + _along(shoulders - hips, scores[:, trunk])
    for middle, (left, right) in ((hips, (left_hip, right_hip)), (neck, (left_shoulder, right_shoulder))):
        half = _along(seen[:, left] - seen[:, right], scores[:, [left, right]]) / 2
        fixed[:, left], fixed[:, right] = middle + half, middle - half
    fixed[:, 0] = neck + _along(seen[:, 0] - shoulders, scores[:, [0, left_shoulder, right_shoulder]])
    for joint in _HEAD:
        fixed[:, joint] = fixed[:, 0] + _along(seen[:, joint] - seen[:, 0], scores[:, [0, joint]])
    for inner, outer in _BONES:
        pairs = list(zip(_pair(inner), _pair(outer), strict=True))
        bones = [seen[:, b] - seen[:, a] for a, b in pairs]
        length = np.mean([_length(bone, scores[:, [a, b]]) for bone, (a, b) in zip(bones, pairs, strict=True)])
        for bone, (a, b) in zip(bones, pairs, strict=True):
            fixed[:, b] = fixed[:, a] + _unit(bone) * length
    return replace(person, joints=fixed.astype(np.float32))


def _pair(joint: str) -> tuple[int, int]:
    left, right = (_NAMES.index(f"{side}_{joint}") for side in _SIDES)
    return left, right


def _along(bones: NDArray[np.float64], scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Bones (m, 3) in their directions, all of their median length."""
    return _unit(bones) * _length(bones, scores)


def _unit(bones: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = bones / np.maximum(np.linalg.norm(bones, axis=1, keepdims=True), 1e-9)
    return found


def _length(bones: NDArray[np.float64], scores: NDArray[np.float32]) -> float:
    """The median length, weighted by scores; bones (m, 3), scores of their ends (m, k)."""
    lengths = np.linalg.norm(bones, axis=1)
    order = np.argsort(lengths, kind="stable")
    weight = np.cumsum(scores.min(axis=1)[order].astype(np.float64) ** 2 + _LEAST_WEIGHT)
    return float(lengths[order][np.searchsorted(weight, weight[-1] / 2)])
