"""Kinect v2 skeletons as PKU-MMD ships them: one line per frame, two people, 25 joints, x y z in meters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.opening import open_regular
from augrgb.poses.people import link_people
from augrgb.poses.skeleton_format import ReadOptions, SkeletonFormat, SkeletonRecording, wrong

_JOINTS = 25
_PER_PERSON = _JOINTS * 3
_FPS = 30.0
_MAX_LINE = 2**16
_Person = tuple[NDArray[np.float32], NDArray[np.float32]]


class KinectText(SkeletonFormat):
    """Kinect v2 text (PKU-MMD): 150 numbers per line, or 75 for one person.

    People and joints at exactly 0 0 0 were not seen.
    Axes: recorded images of this sensor are mirrored, and so are its coordinates: x grows to the right of the
    image, y up, z away from the camera, as everywhere here. The two places of a line are not two people: the
    sensor may swap them, so people are linked by where they are.
    """

    name = "kinect"
    suffixes = (".txt", ".skeleton")

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        words = head.split(b"\n", 1)[0].replace(b",", b" ").split()
        try:
            [float(word) for word in words[:-1]]  # the last one may be cut off
        except ValueError:
            return False
        return len(words) >= _PER_PERSON

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        count = 0

        def counted() -> Iterator[list[_Person]]:
            nonlocal count
            for people in _frames(path):
                count += 1
                yield people

        fps = options.fps or _FPS
        tracks = link_people(counted(), max_gap=round(fps / 2))
        if not count:
            raise wrong(path, "line 1", "the file is empty")
        return SkeletonRecording(tuple(tracks), count, fps, "kinect25")


def _frames(path: Path) -> Iterator[list[_Person]]:
    width: int | None = None
    with open_regular(path, "skeleton file") as handle:
        number = 0
        while line := handle.readline(_MAX_LINE):
            number += 1
            words = line.replace(b",", b" ").split()
            if not words:
                rest = handle.read(_MAX_LINE)
                if rest.strip():
                    raise wrong(path, f"line {number}", "an empty line between frames")
                return
            width = width or len(words)
            if len(words) not in (_PER_PERSON, 2 * _PER_PERSON) or len(words) != width:
                expected = f"{2 * _PER_PERSON} (2 people x {_JOINTS} joints x 3)" if number == 1 else str(width)
                raise wrong(path, f"line {number}", f"{len(words)} numbers, expected {expected}")
            try:
                values = np.array(words, np.float32).reshape(-1, _JOINTS, 3)
            except ValueError as error:
                raise wrong(path, f"line {number}", "holds something that is no number") from error
            if not np.isfinite(values).all():
                raise wrong(path, f"line {number}", "a number is NaN or infinite")
            values[(values == 0).all(axis=2)] = np.nan
            seen = [person for person in values if not np.isnan(person).all()]
            yield [(person, (~np.isnan(person[:, 0])).astype(np.float32)) for person in seen]
