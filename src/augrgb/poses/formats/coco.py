"""Keypoints in COCO's JSON, 17 or 133 of them, one file per video: annotations with images, or a list of results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.poses.frame_numbers import place_frames
from augrgb.poses.people import link_people
from augrgb.poses.skeleton_format import (
    Person,
    ReadOptions,
    SkeletonFormat,
    SkeletonRecording,
    needed_fps,
    numbers,
    read_untrusted_json,
    wrong,
)

_LAYOUTS = {17: "coco17", 133: "coco133"}


class CocoKeypoints(SkeletonFormat):
    """COCO keypoints, 17 or 133: `keypoints: [x, y, v, ...]` per person.

    v = 0 means not seen, otherwise v is kept as the score. Frames are the `images` in order of `frame_id` (else `id`),
    or without `images` the `image_id` of each result: numbers counted from 0 if one is 0, else from 1. Where `frame_id`
    leaves frames out, no person was seen there. For 133 joints, `keypoints` may be the 17
    of the body followed by `foot_kpts`, `face_kpts`, `lefthand_kpts`, `righthand_kpts`, as in COCO-WholeBody.
    """

    name = "coco"
    suffixes = (".json",)

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        if b'"instances"' in head or b'"keypoint_id2name"' in head or re.search(rb'"image_id"\s*:\s*"', head):
            return False  # MMPose, AlphaPose
        return b'"keypoints"' in head or (b'"images"' in head and b'"frames"' not in head)

    @classmethod
    def read(cls, path: Path, options: ReadOptions) -> SkeletonRecording:
        fps = needed_fps(path, options)
        found = read_untrusted_json(path)
        people, images = (found.get("annotations"), found.get("images")) if isinstance(found, dict) else (found, None)
        if not isinstance(people, list) or not (images is None or isinstance(images, list)):
            raise wrong(path, "top level", "expected {images, annotations} or a list of results")
        number_of, counted = _frame_numbers(path, people, images)
        used = list(number_of.values())
        places = place_frames(
            path,
            used,
            fps,
            options.frame_ids if counted else "video",
            base=0 if 0 in used or not counted else 1,
            complete=images is not None,
        )
        frames: list[list[Person]] = [[] for _ in range(places.count if used else 0)]
        joints = 0
        for number, person in enumerate(people):
            place = f"annotation {number}"
            listed = number_of.get(_image_id(path, place, person))
            if listed is None:
                raise wrong(path, place, f"image_id {person['image_id']} is not among the images")
            values = _keypoints(path, place, person)
            joints = joints or len(values)
            if len(values) != joints or joints not in _LAYOUTS:
                raise wrong(
                    path, place, f"{len(values)} keypoints, expected {joints if joints in _LAYOUTS else '17, 133'}"
                )
            seen = values[:, 2] > 0
            if seen.any():
                scores = np.where(seen, values[:, 2], 0).astype(np.float32)
                frames[places.of(listed)].append(
                    (np.where(seen[:, None], values[:, :2], np.nan).astype(np.float32), scores)
                )
        tracks = link_people(frames, max_gap=round(places.fps / 2))
        frame_size = options.frame_size or _frame_size(path, images)
        return SkeletonRecording(tuple(tracks), len(frames), places.fps, _LAYOUTS.get(joints, "coco17"), frame_size)


def _frame_numbers(path: Path, people: list[Any], images: list[Any] | None) -> tuple[dict[int, int], bool]:
    """image id -> frame number, and whether these are numbers of frames (else the ids are only in their order)."""
    if images is None:
        ids = [_image_id(path, f"annotation {number}", person) for number, person in enumerate(people)]
        return {number: number for number in ids}, True
    try:
        ids = [int(image["id"]) for image in images]
        timed = bool(images) and all("frame_id" in image for image in images)
        numbered = [int(image["frame_id"]) for image in images] if timed else ids
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise wrong(path, "images", "an image without a number as id") from error
    if len(set(ids)) < len(ids) or len(set(numbered)) < len(numbered):
        raise wrong(path, "images", "two images of one id or frame_id", "Write one file per video.")
    if timed:
        return dict(zip(ids, numbered, strict=True)), True
    return {number: position for position, number in enumerate(sorted(ids))}, False


def _image_id(path: Path, place: str, person: object) -> int:
    found = person.get("image_id") if isinstance(person, dict) else None
    if isinstance(found, bool) or not isinstance(found, int):
        raise wrong(path, place, f"image_id is {found!r}, expected a frame number")
    return found


def _keypoints(path: Path, place: str, person: dict[str, Any]) -> NDArray[np.float64]:
    values = numbers(path, place, person.get("keypoints"))
    for part in ("foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts"):
        if part in person and len(values) < 133 * 3:
            values = np.concatenate([values, numbers(path, place, person[part])])
    if len(values) % 3:
        raise wrong(path, place, f"{len(values)} numbers are no triples x, y, v")
    return values.reshape(-1, 3)


def _frame_size(path: Path, images: list[Any] | None) -> tuple[int, int] | None:
    sizes = {(image.get("width"), image.get("height")) for image in images or ()}
    if len(sizes) > 1:
        raise wrong(path, "images", f"{len(sizes)} sizes of frames in one file", "Write one file per video.")
    width, height = next(iter(sizes), (None, None))
    return (int(width), int(height)) if isinstance(width, int) and isinstance(height, int) and height > 0 else None
