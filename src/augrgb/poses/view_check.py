"""Poses that a network makes up: from the ceiling it sees people upside down, with limbs that change their length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augrgb.poses.layouts import LAYOUTS
from augrgb.poses.people import PersonTrack

_LEAST_S = 10.0
"""In a shorter clip, a fall or a leap could look like it."""
_SEEN = 0.8
_UPRIGHT = 1 / 3
_VARIATION = 1 / 8
_NAMES = LAYOUTS["blazepose33"].names
_LIMBS = np.array(
    [
        [_NAMES.index(f"{side}_{upper}"), _NAMES.index(f"{side}_{lower}")]
        for side in ("left", "right")
        for upper, lower in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    ]
)


def limb_lengths(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lengths of upper and lower arms and legs.

    Shape: (n, 33, 3) `blazepose33` -> (n, 8).
    """
    return np.asarray(np.linalg.norm(joints[:, _LIMBS[:, 0]] - joints[:, _LIMBS[:, 1]], axis=2), np.float32)


def of_one_size(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Poses relative to the hips, each scaled so that arms and legs together are as long as in the median pose.

    A person does not grow and shrink from frame to frame, as the network's poses do. What limbs differ by among each
    other stays.

    Shape: (n, 33, 3) `blazepose33` -> same.
    """
    together = limb_lengths(joints).sum(axis=1)
    factor = np.median(together) / np.maximum(together, np.float32(1e-6)) if len(together) else together
    return np.asarray(joints * factor[:, None, None], np.float32)


def limb_variation(joints: NDArray[np.float32]) -> float:
    """Standard deviation of a limb's length over its mean, averaged over arms and legs; 0 for a true body.

    Shape: (n, 33, 3) `blazepose33`, n >= 1.
    """
    lengths = limb_lengths(joints)
    return float((lengths.std(axis=0) / np.maximum(lengths.mean(axis=0), 1e-6)).mean())


def upright_share(joints: NDArray[np.float32]) -> float:
    """Share of poses whose torso points up in the image, at most 60 degrees off.

    Shape: (n, 33, 3) `blazepose33`, y up, n >= 1.
    """
    shoulders, hips = (
        joints[:, [_NAMES.index(f"left_{joint}"), _NAMES.index(f"right_{joint}")]].mean(axis=1)
        for joint in ("shoulder", "hip")
    )
    torso = shoulders - hips
    return float((torso[:, 1] > 0.5 * np.linalg.norm(torso, axis=1)).mean())


def doubtful_view(person: PersonTrack, frames: int, fps: float) -> str | None:
    """Why the poses of a video cannot be believed; None if they can.

    All of it must hold: ten seconds or more, the main person found in fewer than 80 % of frames, upright in fewer
    than a third of those, and limbs whose length varies by more than an eighth.
    """
    seen, joints = len(person.frames) / frames, person.joints
    if frames < _LEAST_S * fps or seen >= _SEEN:
        return None
    upright, variation = upright_share(joints), limb_variation(joints)
    if upright >= _UPRIGHT or variation <= _VARIATION:
        return None
    return (
        f"the main person is found in {seen:.0%} of frames, upright in {upright:.0%} of those, and the lengths of arms "
        f"and legs vary by {variation:.0%}: such poses are not true"
    )
