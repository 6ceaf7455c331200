"""LCR-Net poses as Toyota Smarthome (JSON, 13 joints) and Toyota Smarthome Untrimmed (`.npz`, 17 joints) ship them.

Rogez, Weinzaepfel and Schmid, "LCR-Net++: Multi-person 2D and 3D Pose Detection in Natural Images", PAMI 2019.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.arrays import open_arrays
from augrgb.core.errors import InputRefused
from augrgb.core.files import ARRAY_DAMAGE
from augrgb.core.opening import open_regular
from augrgb.poses.people import PersonTrack, link_people
from augrgb.poses.skeleton_format import (
    ReadOptions,
    SkeletonFormat,
    SkeletonRecording,
    numbers,
    read_untrusted_json,
    wrong,
)

_JOINTS = 13
_FPS = 20.0
_FRAME_SIZE = (640, 480)
_MAX_BYTES = 2**31


class LcrNetJson(SkeletonFormat):
    """LCR-Net JSON (Toyota Smarthome), 13 joints, 2D and 3D.

    `{"njts": 13, "frames": [[{"pose2d": 26, "pose3d": 39, "cumscore"}, ...], ...]}`: all x, then all y, then all z.
    3D poses are meters with y down, turned up here; where the person stands in the room is not in them beyond what the
    file gives. Defaults are those of the dataset: 20 frames per second, 640 x 480 pixels.
    """

    name = "lcrnet"
    suffixes = (".json",)

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        return b'"frames"' in head and (b'"njts"' in head or b'"pose2d"' in head)

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        found = read_untrusted_json(path)
        frames = found.get("frames") if isinstance(found, dict) else None
        if not isinstance(frames, list) or not frames or found.get("njts", _JOINTS) != _JOINTS:
            raise wrong(path, "top level", f"expected {{njts: {_JOINTS}, frames: [...]}}")
        people = [_people(path, number, frame, options.dimensions) for number, frame in enumerate(frames)]
        fps = options.fps or _FPS
        frame_size = (options.frame_size or _FRAME_SIZE) if options.dimensions == 2 else None
        tracks = link_people(people, max_gap=round(fps / 2))
        return SkeletonRecording(tuple(tracks), len(frames), fps, "lcrnet13", frame_size)


class LcrNetArrays(SkeletonFormat):
    """LCR-Net `.npz` (Toyota Smarthome Untrimmed): `kpts` (n, 17, 2) pixels of one person.

    All zeros where no person was found; defaults as for the JSON.
    """

    name = "lcrnet-npz"
    suffixes = (".npz",)

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        return head.startswith(b"PK") and b"kpts.npy" in head[:256]

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        found = _keypoints(path)
        if found.dtype.kind not in "fiu" or found.ndim != 3 or found.shape[1:] != (17, 2) or not len(found):
            raise wrong(path, "kpts", f"{found.dtype} {found.shape}, expected numbers (frames, 17, 2)")
        joints = found.astype(np.float32)
        if not np.isfinite(joints).all():
            frame = int(np.argwhere(~np.isfinite(joints))[0][0])
            raise wrong(path, f"kpts, frame {frame}", "a number is NaN or infinite")
        frames = np.flatnonzero((joints != 0).any(axis=(1, 2)))
        seen = joints[frames]
        people = (PersonTrack(frames, seen, np.ones(seen.shape[:2], np.float32)),) if len(frames) else ()
        frame_size = options.frame_size or _FRAME_SIZE
        return SkeletonRecording(people, len(joints), options.fps or _FPS, "lcrnet17", frame_size)


def _people(
    path: Path, number: int, frame: object, dimensions: int
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    place, key = f"frame {number}", f"pose{dimensions}d"
    if not isinstance(frame, list):
        raise wrong(path, place, "expected a list of people")
    people = []
    for person in frame:
        if not isinstance(person, dict) or key not in person:
            raise wrong(path, place, f"a person without {key}")
        joints = numbers(path, place, person[key], _JOINTS * dimensions).reshape(dimensions, _JOINTS).T
        if dimensions == 3:
            joints = joints * [1, -1, 1]
        score = numbers(path, place, person.get("cumscore", 1.0), 1)[0]
        people.append((joints.astype(np.float32), np.full(_JOINTS, score, np.float32)))
    return people


def _keypoints(path: Path) -> NDArray[Any]:
    try:
        with open_regular(path, "skeleton file") as handle, zipfile.ZipFile(handle) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_BYTES:
                raise InputRefused("E-POS-003", path, f"unpacks to more than {_MAX_BYTES} bytes")
        with open_arrays(path, "skeleton file") as arrays:
            values: NDArray[Any] = arrays["kpts"]
            return values
    except ARRAY_DAMAGE as error:
        raise InputRefused("E-POS-001", path, f"not a readable .npz with kpts ({error})", "Copy it again.") from error
