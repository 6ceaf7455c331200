"""Keypoints as OpenPose writes them: a folder with one `<video>_000000000012_keypoints.json` per frame."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from augrgb.core.searching import files_in
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

_NAME = re.compile(r"(.+)_(\d{6,})_keypoints\.json", re.IGNORECASE)
_LAYOUTS = {25: "openpose25", 18: "openpose18"}


class OpenPoseFrames(SkeletonFormat):
    """OpenPose: `{"people": [{"pose_keypoints_2d": [x, y, score, ...]}]}` per frame; BODY_25 or COCO's 18 joints.

    One file stands for all files of its video in its folder. OpenPose counts frames from 0; a file that is missing is a
    frame without a person. Hands and face are not read. Coordinates must be pixels (`--keypoint_scale 0`, the default).
    """

    name = "openpose"
    suffixes = (".json",)

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        return b'"people"' in head and (
            b'"pose_keypoints' in head or re.search(rb'"people"\s*:\s*\[\s*\]', head) is not None
        )

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        fps = needed_fps(path, options)
        by_number: dict[int, list[Person]] = {}
        joints = 0
        largest = 0.0
        for file in frame_files(path):
            match = _NAME.fullmatch(file.name)
            number = int(match[2]) if match else 0
            if number >= MAX_FRAMES:
                raise wrong(file, "file name", f"frame number {number}")
            found = read_untrusted_json(file)
            people = found.get("people") if isinstance(found, dict) else None
            if not isinstance(people, list):
                raise wrong(file, "top level", "no list of people, as OpenPose writes it")
            kept = by_number.setdefault(number, [])
            for position, entry in enumerate(people):
                place = f"people[{position}]"
                values = numbers(file, place, entry.get("pose_keypoints_2d") if isinstance(entry, dict) else None)
                count = len(values) // 3
                joints = joints or count
                if len(values) % 3 or count != joints or joints not in _LAYOUTS:
                    expected = joints if joints in _LAYOUTS else "25 (BODY_25) or 18 (COCO)"
                    raise wrong(file, place, f"{len(values)} numbers, expected 3 for each of {expected} joints")
                values = values.reshape(-1, 3)
                largest = max(largest, float(np.abs(values[:, :2]).max()))
                kept.append(seen_person(values[:, :2], values[:, 2]))
        if joints and largest <= 1.5:
            remedy = "Run OpenPose with --keypoint_scale 0."
            raise wrong(path, "keypoints", "coordinates are between 0 and 1, expected pixels", remedy)
        complete = len(by_number) > 1  # one file alone is one frame of somebody's choice
        places = place_frames(path, by_number, fps, options.frame_ids, base=0, complete=complete)
        frames = places.people(by_number)
        tracks = link_people(frames, max_gap=round(places.fps / 2))
        return SkeletonRecording(
            tuple(tracks), len(frames), places.fps, _LAYOUTS.get(joints, "openpose25"), options.frame_size
        )


def video_of(path: Path) -> str | None:
    """The video in the name of a frame's file; None if it is named otherwise.

    >>> video_of(Path("clip_000000000012_keypoints.json"))
    'clip'
    """
    match = _NAME.fullmatch(path.name)
    return match[1] if match else None


def frame_files(path: Path) -> list[Path]:
    """All frames of the video that a file belongs to, by number."""
    video = video_of(path)
    if video is None:
        return [path]
    siblings = files_in(path.parent, wanted=lambda name: _NAME.fullmatch(name) is not None)
    found = [(int(match[2]), file) for file in siblings if (match := _NAME.fullmatch(file.name))]
    return [file for _, file in sorted(found) if video_of(file) == video]
