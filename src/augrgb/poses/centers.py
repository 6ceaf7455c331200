"""Skeletons without a trunk (COCO, LCR-Net) get one: the middle of the hips as root, and the neck."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault
from augrgb.poses.files import Skeleton

_SIDES = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")


def with_centers(
    joints: NDArray[np.float32], scores: NDArray[np.float32], skeleton: Skeleton
) -> tuple[NDArray[np.float32], NDArray[np.float32], Skeleton]:
    """Two joints more: `mid_hip`, the new root, and `neck`, between the shoulders; unseen where a side is.

    Hips hang from `mid_hip`, shoulders and the old root (nose or head) from `neck`, everything else as before.

    Shape: joints (n, V, D), scores (n, V) -> (n, V + 2, D), (n, V + 2).

    Raises:
        UsageFault: E-POS-014, the skeleton has no hips and shoulders by name, or has a trunk already.
    """
    names = skeleton.names
    if set(_SIDES) - set(names) or {"mid_hip", "neck", "spine_base"} & set(names):
        problem = f"these joints have a trunk already, or no shoulders and hips: {', '.join(names[:8])}..."
        raise UsageFault("E-POS-014", "centers", problem, "Leave the option out.")
    at = {name: names.index(name) for name in _SIDES}
    hip, neck = len(names), len(names) + 1
    parents = list(skeleton.parents)
    parents[parents.index(-1)] = neck
    for name in _SIDES:
        parents[at[name]] = hip if name.endswith("hip") else neck
    pairs = ([at["left_hip"], at["right_hip"]], [at["left_shoulder"], at["right_shoulder"]])
    middles = np.stack([joints[:, pair].mean(axis=1) for pair in pairs], axis=1)
    weakest = np.stack([scores[:, pair].min(axis=1) for pair in pairs], axis=1)
    return (
        np.concatenate([joints, middles], axis=1),
        np.concatenate([scores, weakest], axis=1),
        Skeleton((*names, "mid_hip", "neck"), (*parents, -1, hip)),
    )
