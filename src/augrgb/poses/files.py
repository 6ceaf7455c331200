"""Pose files -> pose tracks.

A pose file is an `.npz` with `joints` (n, V, 3) meters in the camera's axes (x right, y up, z away; NaN = not seen),
`fps`, `names` (V,) and `parents` (V,), -1 for the root. 2D poses are (n, V, 2) with `units` "frame_heights": x right
and y up from the middle of the image, both in heights of the image; they are read with z = 0. Optional: `scores`
(n, V), the confidence in each joint; `image` (n, V, 2), where joints lie in the image, as shares of its width (from the
left) and height (from the top), NaN = not known; and `made_from`, JSON about where the file comes from.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.core.arrays import open_arrays
from augrgb.core.errors import InputRefused
from augrgb.core.files import ARRAY_DAMAGE
from augrgb.core.opening import open_regular

_MAX_BYTES = 2**31
_MAX_COORDINATE_M = 100.0
_FIELDS = ("joints", "fps", "names", "parents")
_OPTIONAL = ("scores", "units", "image")
Units = Literal["meters", "frame_heights"]
_EARLIER_UNITS = {"picture_heights": "frame_heights"}
"""As files that were made before the first release call them."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Joint names and the tree that joins them (`parents`: index of each joint's parent, -1 = root)."""

    names: tuple[str, ...]
    parents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PoseFile:
    """A checked pose file.

    Args:
        joints: (n, V, 3) float32 with NaN where not seen; z = 0 in 2D poses.
        fps: Frames per second.
        skeleton: Joint names and tree.
        units: Of the coordinates.
        scores: (n, V) float32 confidence, if the file has one.
        image: (n, V, 2) float32 places in the image as shares of its width and height, if the file has them.
    """

    joints: NDArray[np.float32]
    fps: float
    skeleton: Skeleton
    units: Units = "meters"
    scores: NDArray[np.float32] | None = None
    image: NDArray[np.float32] | None = None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.joints) / self.fps


@dataclass(frozen=True, slots=True)
class PoseFrames:
    """Poses on a clock's frame rate.

    Args:
        joints: (n, V, 3) float32, finite everywhere.
        seen: (n, V) bool: measured, or interpolated over a short gap; False = filled with the nearest value.
    """

    joints: NDArray[np.float32]
    seen: NDArray[np.bool_]


def read_poses(path: Path) -> PoseFile:
    """Read and check a pose file.

    Raises:
        InputRefused: E-FILE-001 (absent), E-POS-001 (not a readable `.npz`), E-FILE-013 (pickled objects), E-POS-003
            (too large), E-POS-002 (shapes, names, units or values that cannot be poses).
    """
    return checked_poses(Path(path), _read_arrays(Path(path)))


def checked_poses(path: Path, values: Mapping[str, NDArray[Any]]) -> PoseFile:
    """The arrays of a pose file, checked; what is written is checked in the same way.

    Raises:
        InputRefused: E-POS-002, see `read_poses`.
    """
    joints, names, parents = values["joints"], values["names"], values["parents"]
    units = str(values["units"]) if "units" in values else "meters"
    units = _EARLIER_UNITS.get(units, units)
    if units not in ("meters", "frame_heights"):
        raise _wrong(path, f"units are {units!r}, expected 'meters' or 'frame_heights'")
    wanted = 3 if units == "meters" else 2
    if joints.dtype.kind != "f" or joints.ndim != 3 or joints.shape[2] != wanted or 0 in joints.shape:
        expected = f"floats (frames, joints, {wanted}) for units {units!r}"
        raise _wrong(path, f"joints are {joints.dtype} {joints.shape}, expected {expected}")
    count = joints.shape[1]
    if names.dtype.kind != "U" or names.shape != (count,) or len(set(names.tolist())) != count:
        raise _wrong(path, f"names are {names.dtype} {names.shape}, expected {count} different names")
    if parents.dtype.kind not in "iu" or parents.shape != (count,) or not _is_tree(parents):
        raise _wrong(path, f"parents {parents.tolist()} are no tree over {count} joints with root -1")
    fps = values["fps"]
    if fps.size != 1 or fps.dtype.kind not in "fiu" or not (math.isfinite(fps.item()) and fps.item() > 0):
        raise _wrong(path, f"fps is {fps.tolist()}, expected one positive number")
    if np.isinf(joints).any():
        frame = int(np.argwhere(np.isinf(joints))[0][0])
        raise _wrong(path, f"a joint is infinite at frame {frame}; NaN marks joints that were not seen")
    seen = joints[~np.isnan(joints)]
    if not seen.size:
        raise _wrong(path, "no joint is ever seen")
    if float(np.median(np.abs(seen))) > _MAX_COORDINATE_M:
        found = "millimetres, not meters" if units == "meters" else "pixels, not heights of the image"
        raise _wrong(path, f"coordinates around {float(np.median(np.abs(seen))):.0f}: are these {found}?")
    scores = values.get("scores")
    if scores is not None and (scores.dtype.kind != "f" or scores.shape != joints.shape[:2]):
        raise _wrong(path, f"scores are {scores.dtype} {scores.shape}, expected floats {joints.shape[:2]}")
    image = values.get("image")
    if image is not None:
        if image.dtype.kind != "f" or image.shape != (*joints.shape[:2], 2) or np.isinf(image).any():
            raise _wrong(path, f"image is {image.dtype} {image.shape}, expected finite floats {(*joints.shape[:2], 2)}")
        image = image.astype(np.float32)
    if units == "frame_heights":
        joints = np.concatenate([joints, np.where(np.isnan(joints[..., :1]), np.nan, 0)], axis=2)
    skeleton = Skeleton(tuple(map(str, names)), tuple(int(parent) for parent in parents))
    confidence = scores.astype(np.float32) if scores is not None else None
    return PoseFile(joints.astype(np.float32), float(fps.item()), skeleton, units, confidence, image)  # type: ignore[arg-type]


def pose_frames(poses: PoseFile, fps: float, *, max_gap_s: float = 0.35) -> PoseFrames:
    """Resample poses by time and close gaps.

    Track frame k is the pose at k / fps, interpolated between the two neighbouring measurements of each joint. Gaps
    of up to `max_gap_s` are interpolated and count as seen; longer ones are filled with the nearest measurement in
    time, and joints that are never seen with the mean of the others.

    Shape: (n, V, 3) with n = ceil(duration * fps).
    """
    count = max(1, math.ceil(poses.duration_s * fps - 1e-6))
    times_s = np.arange(count) / fps
    joints = np.zeros((count, poses.joints.shape[1], 3), np.float32)
    seen = np.zeros(joints.shape[:2], bool)
    measured = np.asarray(~np.isnan(poses.joints).any(axis=2))
    known = np.asarray(measured.any(axis=0))
    for joint in np.flatnonzero(known):
        at_s = np.flatnonzero(measured[:, joint]) / poses.fps
        values = poses.joints[measured[:, joint], joint].astype(np.float64)
        joints[:, joint], seen[:, joint] = _resample(
            at_s, values, times_s, max(max_gap_s, 1 / poses.fps), 1 / poses.fps
        )
    joints[:, ~known] = joints[:, known].mean(axis=1, keepdims=True)
    return PoseFrames(joints, seen)


def _resample(
    at_s: NDArray[np.float64],
    values: NDArray[np.float64],
    times_s: NDArray[np.float64],
    max_gap_s: float,
    frame_s: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """One joint at `times_s` from measurements (m, 3) at `at_s`: linear over short gaps, else the nearest.

    A sample less than a frame (`frame_s`) away from a measurement counts as seen.
    """
    before = np.clip(np.searchsorted(at_s, times_s + 1e-9, side="right") - 1, 0, len(at_s) - 1)
    after = np.minimum(before + 1, len(at_s) - 1)
    gap_s = at_s[after] - at_s[before]
    weight = np.clip((times_s - at_s[before]) / np.where(gap_s > 0, gap_s, 1.0), 0.0, 1.0)
    bridged = (gap_s <= max_gap_s + 1e-9) & (times_s >= at_s[0]) & (times_s <= at_s[-1])
    weight = np.where(bridged, weight, np.rint(weight))[:, None]
    distance_s = np.minimum(np.abs(times_s - at_s[before]), np.abs(times_s - at_s[after]))
    return (1 - weight) * values[before] + weight * values[after], bridged | (distance_s < frame_s - 1e-9)


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with open_regular(path, "pose file") as handle, zipfile.ZipFile(handle) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > _MAX_BYTES:
            raise InputRefused("E-POS-003", path, f"unpacks to {size} bytes; at most {_MAX_BYTES} are allowed")
        with open_arrays(path, "pose file") as arrays:
            missing = [name for name in _FIELDS if name not in arrays]
            if missing:
                raise _wrong(path, f"without {', '.join(missing)}; found {', '.join(sorted(arrays)) or 'nothing'}")
            return {name: arrays[name] for name in (*_FIELDS, *_OPTIONAL) if name in arrays}
    except ARRAY_DAMAGE as error:
        if "pickle" in str(error).lower():
            remedy = "Save plain arrays; objects could run code when read, so they never are."
            raise InputRefused("E-FILE-013", path, "holds pickled Python objects", remedy) from error
        raise InputRefused("E-POS-001", path, f"not a readable .npz pose file ({error})", "Write it again.") from error


def _is_tree(parents: NDArray[Any]) -> bool:
    for joint in range(len(parents)):
        steps = 0
        while joint != -1:
            if not -1 <= joint < len(parents) or steps > len(parents):
                return False
            joint, steps = int(parents[joint]), steps + 1
    return int((parents == -1).sum()) == 1


def _wrong(path: Path, problem: str) -> InputRefused:
    return InputRefused("E-POS-002", path, problem, "See docs/architecture.md for the pose format.")
