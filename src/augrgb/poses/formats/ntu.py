"""Kinect v2 skeletons as NTU RGB+D ships them: `.skeleton` text with bodies and joints per frame.

Shahroudy et al., "NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis", CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.opening import open_regular
from augrgb.poses.people import PersonTrack
from augrgb.poses.skeleton_format import MAX_FRAMES, ReadOptions, SkeletonFormat, SkeletonRecording, wrong

_JOINTS = 25
_PER_JOINT = 12
_FPS = 30.0
_MAX_BODIES = 6  # of the sensor
_MAX_LINE = 2**12
_CONFIDENCE = np.array([0.0, 0.5, 1.0], np.float32)  # not tracked, inferred, tracked


class NtuSkeleton(SkeletonFormat):
    """NTU RGB+D `.skeleton`: the number of frames; per frame the bodies; per body an id and 25 joints of 12 numbers.

    The first three numbers of a joint are meters in the camera's axes (x right, y up, z away), the last one is the
    tracking state: 0 was not seen, 1 is inferred (score 0.5), 2 is tracked. People are the sensor's body ids. 30 frames
    per second.
    """

    name = "ntu"
    suffixes = (".skeleton", ".txt")

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        lines = [line.split() for line in head.splitlines()[:3]]
        return (
            len(lines) == 3
            and all(len(line) == 1 and line[0].isdigit() for line in lines[:2])
            and len(lines[2]) in (1, 10)
        )

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        lines = _Lines(path)
        count = lines.integer("the number of frames", MAX_FRAMES)
        seen: dict[str, list[tuple[int, NDArray[np.float32], NDArray[np.float32]]]] = {}
        for frame in range(count):
            for _ in range(lines.integer(f"the number of bodies of frame {frame}", _MAX_BODIES)):
                body = lines.words("a body's id and state")[0]
                joints = lines.integer("the number of joints", 2**10)
                if joints != _JOINTS:
                    raise lines.fault(f"{joints} joints, expected {_JOINTS}")
                values = np.stack([lines.numbers() for _ in range(joints)])
                scores = _CONFIDENCE[np.clip(values[:, 11], 0, 2).astype(int)]
                points = values[:, :3].astype(np.float32)
                points[(scores == 0) | (points == 0).all(axis=1)] = np.nan
                scores[np.isnan(points).any(axis=1)] = 0
                if not np.isnan(points).all():
                    seen.setdefault(body, []).append((frame, points, scores))
        if not count:
            raise lines.fault("no frames")
        people = []
        for rows in seen.values():
            frames = [row[0] for row in rows]
            if len(set(frames)) < len(frames):
                raise wrong(path, f"frame {frames[0]}", "one body id twice in a frame")
            track = PersonTrack(
                np.array(frames, np.int64), np.stack([r[1] for r in rows]), np.stack([r[2] for r in rows])
            )
            people.append(track)
        return SkeletonRecording(tuple(people), count, options.fps or _FPS, "kinect25")


class _Lines:
    """The lines of a file with their number."""

    def __init__(self, path: Path) -> None:
        self.path, self.number = path, 0
        self._lines = self._read()

    def _read(self) -> Iterator[list[str]]:
        with open_regular(self.path, "skeleton file") as handle:
            while line := handle.readline(_MAX_LINE):
                yield line.decode("ascii", "replace").split()

    def words(self, expected: str) -> list[str]:
        self.number += 1
        found = next(self._lines, None)
        if not found:
            raise self.fault(f"the file ends or is empty where {expected} was expected")
        return found

    def integer(self, expected: str, most: int) -> int:
        words = self.words(expected)
        if len(words) != 1 or not words[0].isdecimal() or int(words[0]) > most:
            raise self.fault(f"{' '.join(words)[:60]!r}, expected {expected} (at most {most})")
        return int(words[0])

    def numbers(self) -> NDArray[np.float64]:
        words = self.words("a joint")
        try:
            values = np.array(words, np.float64)
        except ValueError as error:
            raise self.fault("holds something that is no number") from error
        if len(values) != _PER_JOINT:
            raise self.fault(f"{len(values)} numbers, expected {_PER_JOINT} per joint")
        if not np.isfinite(values[:3]).all() or not np.isfinite(values[11]):
            raise self.fault("a number is NaN or infinite")
        return values

    def fault(self, problem: str) -> Exception:
        return wrong(self.path, f"line {self.number}", problem)
