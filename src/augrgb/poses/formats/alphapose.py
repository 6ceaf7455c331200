"""Keypoints as AlphaPose writes them: `alphapose-results.json`, one entry per person and frame image."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from augrgb.poses.frame_numbers import place_frames
from augrgb.poses.people import link_people
from augrgb.poses.skeleton_format import (
    MAX_FRAMES,
    Person,
    ReadOptions,
    SkeletonFormat,
    SkeletonRecording,
    needed_fps,
    numbers,
    read_untrusted_json,
    seen_person,
    wrong,
)

_DIGITS = re.compile(r"(\d+)\D*$")
_FEET = (20, 22, 24, 21, 23, 25)  # Halpe has left and right in turn, COCO-WholeBody the left foot first
_ORDERS = {  # number of joints -> layout, and where its joints stand in the file
    17: ("coco17", tuple(range(17))),
    26: ("coco17", tuple(range(17))),
    133: ("coco133", tuple(range(133))),
    136: ("coco133", (*range(17), *_FEET, *range(26, 136))),
}


class AlphaPoseJson(SkeletonFormat):
    """AlphaPose: a list of `{image_id: "12.jpg", keypoints: [x, y, score, ...]}`; 17, 133, or Halpe's 26 or 136 joints.

    Of Halpe's joints the 17 of COCO are kept, of 136 also feet, face and hands. Frames follow from the number at the
    end of the image's name. AlphaPose numbers the frames of a video from 0 without leading zeros (`0.jpg`); numbers
    with leading zeros are those of somebody's images, and count from 0 if one is 0, else from 1. Frames without an
    entry show no person; those after the last entry are not known.
    """

    name = "alphapose"
    suffixes = (".json",)

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        return b'"keypoints"' in head and re.search(rb'"image_id"\s*:\s*"', head) is not None

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        fps = needed_fps(path, options)
        found = read_untrusted_json(path)
        if not isinstance(found, list) or not found:
            raise wrong(path, "top level", "expected a list of people", "Write AlphaPose's default format.")
        by_number: dict[int, list[Person]] = {}
        names: dict[int, str] = {}
        width = 0
        for position, entry in enumerate(found):
            place = f"entry {position}"
            number, name = _frame(path, place, entry)
            if names.setdefault(number, name) != name:
                problem = f"{name!r} and {names[number]!r} have one frame number"
                raise wrong(path, place, problem, "Write one file per video.")
            values = numbers(path, place, entry.get("keypoints"))
            width = width or len(values)
            if len(values) != width or width % 3 or width // 3 not in _ORDERS:
                expected = (
                    f"{width}" if width // 3 in _ORDERS else f"3 for each of {', '.join(map(str, _ORDERS))} joints"
                )
                raise wrong(path, place, f"{len(values)} numbers, expected {expected}")
            joints = values.reshape(-1, 3)[list(_ORDERS[width // 3][1])]
            person = seen_person(joints[:, :2], joints[:, 2])
            if not np.isnan(person[0]).all():
                by_number.setdefault(number, []).append(person)
        padded = any(len(match[1]) > 1 and match[1][0] == "0" for name in names.values() if (match := _digits(name)))
        first = 1 if padded and 0 not in names else 0
        places = place_frames(path, names, fps, options.frame_ids, base=first, complete=False)
        frames = places.people(by_number)
        tracks = link_people(frames, max_gap=round(places.fps / 2))
        return SkeletonRecording(tuple(tracks), len(frames), places.fps, _ORDERS[width // 3][0], options.frame_size)


def _digits(name: str) -> re.Match[str] | None:
    return _DIGITS.search(PurePosixPath(name.replace("\\", "/")).stem)


def _frame(path: Path, place: str, entry: Any) -> tuple[int, str]:
    name = entry.get("image_id") if isinstance(entry, dict) else None
    match = _digits(name) if isinstance(name, str) else None
    if match is None or int(match[1]) >= MAX_FRAMES:
        remedy = "Images must be named by their frame numbers."
        raise wrong(path, place, f"image_id is {name!r}, expected a name that ends in a frame number", remedy)
    return int(match[1]), str(name)
