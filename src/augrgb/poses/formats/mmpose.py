"""Keypoints as MMPose's inferencer and demo programs write them: one JSON file per video, instances per frame."""

from __future__ import annotations

import re
from pathlib import Path
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

_LAYOUTS = {17: "coco17", 133: "coco133"}
_DATASETS = re.compile(r"coco|wholebody|ubody", re.IGNORECASE)


class MMPoseJson(SkeletonFormat):
    """MMPose: `[{frame_id, instances: [{keypoints: [[x, y], ...], keypoint_scores: [...]}]}]`, COCO's 17 or 133 joints.

    With `meta_info`, the list is the member `instance_info`. Frames are counted from 0 if a `frame_id` is 0, else from
    1 (the demo programs count so); frames that are not listed show no person. Joints of other datasets (Human3.6M also
    has 17) and lifted 3D keypoints are refused.
    """

    name = "mmpose"
    suffixes = (".json",)

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        return b'"instances"' in head or b'"instance_info"' in head or b'"keypoint_id2name"' in head

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        fps = needed_fps(path, options)
        found = read_untrusted_json(path)
        rows = found.get("instance_info") if isinstance(found, dict) else found
        if not isinstance(rows, list) or not rows:
            raise wrong(path, "top level", "expected a list of frames, or an object with instance_info")
        if isinstance(found, dict):
            _refuse_other_joints(path, found.get("meta_info"))
        by_number: dict[int, list[Person]] = {}
        joints = 0
        for position, row in enumerate(rows):
            place = f"frame {position}"
            number = row.get("frame_id") if isinstance(row, dict) else None
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < MAX_FRAMES:
                raise wrong(path, place, f"frame_id is {number!r}, expected a frame number")
            if number in by_number:
                raise wrong(path, place, f"frame_id {number} is there twice", "Write one file per video.")
            instances = row.get("instances", [])
            if not isinstance(instances, list):
                raise wrong(path, place, "instances is not a list")
            people = [_person(path, f"{place}, instance {i}", instance) for i, instance in enumerate(instances)]
            for xy, _ in people:
                joints = joints or len(xy)
                if len(xy) != joints or joints not in _LAYOUTS:
                    raise wrong(
                        path, place, f"{len(xy)} keypoints, expected {joints if joints in _LAYOUTS else '17, 133'}"
                    )
            by_number[number] = [person for person in people if not np.isnan(person[0]).all()]
        base = 0 if 0 in by_number else 1
        places = place_frames(path, by_number, fps, options.frame_ids, base=base, complete=True)
        frames = places.people(by_number)
        tracks = link_people(frames, max_gap=round(places.fps / 2))
        return SkeletonRecording(
            tuple(tracks), len(frames), places.fps, _LAYOUTS.get(joints, "coco17"), options.frame_size
        )


def _refuse_other_joints(path: Path, meta: object) -> None:
    name = meta.get("dataset_name") if isinstance(meta, dict) else None
    if isinstance(name, str) and not _DATASETS.search(name):
        remedy = "Estimate poses with a model of COCO or COCO-WholeBody."
        raise wrong(path, "meta_info", f"joints of {name!r}, expected those of COCO", remedy)


def _person(path: Path, place: str, instance: Any) -> Person:
    if not isinstance(instance, dict) or not isinstance(instance.get("keypoints"), list):
        raise wrong(path, place, "has no keypoints")
    count = len(instance["keypoints"])
    values = numbers(path, place, instance["keypoints"])
    if len(values) != 2 * count:
        remedy = "Export 2D keypoints; lifted ones have no place in the room."
        raise wrong(path, place, f"{len(values)} numbers for {count} keypoints, expected pairs x, y", remedy)
    scores = numbers(path, place, instance.get("keypoint_scores", [1.0] * count), count)
    return seen_person(values.reshape(count, 2), scores)
