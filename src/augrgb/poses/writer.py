"""Writing pose files: checked before they appear, equal bytes from equal values, and where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.arrays import open_arrays
from augrgb.core.errors import AugrgbError
from augrgb.core.files import ARRAY_DAMAGE, atomic_file
from augrgb.core.plain_data import parse_json
from augrgb.poses.files import PoseFile, Skeleton, Units, checked_poses

_SAYS_NOTHING: tuple[type[Exception], ...] = (*ARRAY_DAMAGE, TypeError, AugrgbError)


def write_pose_file(
    path: Path,
    joints: NDArray[np.float32],
    fps: float,
    skeleton: Skeleton,
    *,
    units: Units = "meters",
    scores: NDArray[np.float32] | None = None,
    image: NDArray[Any] | None = None,
    made_from: Mapping[str, Any] | None = None,
) -> PoseFile:
    """Write a pose file; nothing appears unless `read_poses` would take it.

    Args:
        path: The `.npz` file.
        joints: (n, V, 3) meters, or (n, V, 2) image heights; NaN = not seen.
        fps: Frames per second.
        skeleton: Joint names and tree.
        units: See `augrgb.poses.files`.
        scores: (n, V) confidence.
        image: (n, V, 2) places in the image, see `augrgb.poses.files`.
        made_from: Plain JSON values: source, method, options.

    Raises:
        InputRefused: E-POS-002, these cannot be poses.
        EnvironmentFault: The disk.
    """
    fields: dict[str, NDArray[Any]] = {
        "joints": joints.astype(np.float32, copy=False),
        "fps": np.array(float(fps)),
        "names": np.array(skeleton.names),
        "parents": np.array(skeleton.parents, np.int64),
        "units": np.array(units),
    }
    if scores is not None:
        fields["scores"] = scores.astype(np.float32, copy=False)
    if image is not None:
        fields["image"] = image.astype(np.float32, copy=False)
    checked = checked_poses(path, fields)
    fields["made_from"] = np.array(json.dumps(dict(made_from or {}), sort_keys=True))
    with atomic_file(path) as handle:
        np.savez_compressed(handle, **fields)  # type: ignore[arg-type]
    return checked


def read_made_from(path: Path) -> dict[str, Any] | None:
    """What a pose file says about where it comes from; None if it is absent, damaged, or says nothing."""
    try:
        with open_arrays(path, "pose file") as arrays:
            found = parse_json(str(arrays["made_from"]), path)
            arrays["joints"]  # decompressed, which finds a damaged file
            return dict(found)
    except _SAYS_NOTHING:
        return None
