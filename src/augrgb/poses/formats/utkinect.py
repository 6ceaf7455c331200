"""UTKinect-Action3D skeletons: a frame number and 20 joints of a Kinect (first version) per line, x y z in meters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.opening import open_regular
from augrgb.poses.people import PersonTrack
from augrgb.poses.skeleton_format import MAX_FRAMES, ReadOptions, SkeletonFormat, SkeletonRecording, wrong

_JOINTS = 20
_NUMBERS = 1 + 3 * _JOINTS
_FPS = 15.0
_STEP = 2
_MAX_LINE = 2**16


class UTKinectText(SkeletonFormat):
    """UTKinect-Action3D: 61 numbers per line, the frame's number and 20 joints.

    Frames are numbered at 30 a second and every second one is kept, so recordings have 15 frames per second; numbers
    that are missing are frames in which nobody is seen. Of two lines with one number the last counts. Time 0 is the
    first frame that is listed: sequences begin at any number.
    """

    name = "utkinect-joints"
    suffixes = (".txt",)

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        lines = head.split(b"\n")
        return len(lines) > 1 and len(lines[0].split()) == _NUMBERS and lines[0].split()[0].isdigit()

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        people = _people(path)
        first, last = min(people, default=0), max(people, default=0)
        if not people:
            raise wrong(path, "line 1", "the file is empty")
        count = (last - first) // _STEP + 1
        if count > MAX_FRAMES:
            raise wrong(path, "frames", f"frame numbers from {first} to {last}")
        numbers = sorted(people)
        joints = np.stack([people[number] for number in numbers])
        places = np.array([(number - first) // _STEP for number in numbers])
        places, kept = np.unique(places, return_index=True)
        joints = joints[kept]
        track = PersonTrack(places, joints, np.isfinite(joints[..., 0]).astype(np.float32))
        return SkeletonRecording((track,), count, options.fps or _FPS, "kinect20")


def first_frame(path: Path) -> int | None:
    """Number of the first frame that a file of skeletons lists; None if it lists none.

    Raises:
        InputRefused: E-POS-013, see `UTKinectText.read`.
    """
    return min(_people(path), default=None)


def _people(path: Path) -> dict[int, NDArray[np.float32]]:
    """Joints (20, 3) by frame number, NaN where not seen."""
    found: dict[int, NDArray[np.float32]] = {}
    with open_regular(path, "skeleton file") as handle:
        number = 0
        while line := handle.readline(_MAX_LINE):
            number += 1
            words = line.split()
            if not words:
                continue
            if len(words) != _NUMBERS:
                problem = f"{len(words)} numbers, expected {_NUMBERS}: the frame's number, {_JOINTS} joints x 3"
                raise wrong(path, f"line {number}", problem)
            try:
                frame, values = int(words[0]), np.array(words[1:], np.float32).reshape(_JOINTS, 3)
            except ValueError as error:
                raise wrong(path, f"line {number}", "holds something that is no number") from error
            if not np.isfinite(values).all() or frame < 0:
                raise wrong(path, f"line {number}", "a number is negative, NaN or infinite")
            values[(values == 0).all(axis=1)] = np.nan
            found[frame] = values
    return found
