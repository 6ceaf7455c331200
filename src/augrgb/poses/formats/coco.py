"""Keypoints in COCO's JSON, 17 or 133 of them, one file per video: annotations with images, or a list of results."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    wrong,
)

_LAYOUTS = {17: "coco17", 133: "coco133"}


class CocoKeypoints(SkeletonFormat):
    """COCO keypoints, 17 or 133: `keypoints: [x, y, v, ...]` per person.

    v = 0 means not seen, otherwise v is kept as the score. Frames are the `images` in order of `frame_id` (else `id`),
    or without `images` the `image_id` of each result: numbers counted from 0 if one is 0, else from 1. Where `frame_id`
    leaves frames out, no person was seen there; its common step is one frame. For 133 joints, `keypoints` may be the 17
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
        place_of, count = _frame_numbers(path, people, images)
        frames: list[list[Person]] = [[] for _ in range(count)]
        joints = 0
        for number, person in enumerate(people):
            place = f"annotation {number}"
            where = place_of.get(_image_id(path, place, person))
            if where is None:
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
                frames[where].append((np.where(seen[:, None], values[:, :2], np.nan).astype(np.float32), scores))
        tracks = link_people(frames, max_gap=round(fps / 2))
        frame_size = options.frame_size or _frame_size(path, images)
        return SkeletonRecording(tuple(tracks), count, fps, _LAYOUTS.get(joints, "coco17"), frame_size)


def _frame_numbers(path: Path, people: list[Any], images: list[Any] | None) -> tuple[dict[int, int], int]:
    """image id -> frame, and the number of frames."""
    if images is not None:
        try:
            ids = [int(image["id"]) for image in images]
            timed = bool(images) and all("frame_id" in image for image in images)
            numbered = [int(image["frame_id"]) for image in images] if timed else ids
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise wrong(path, "images", "an image without a number as id") from error
        if len(set(ids)) < len(ids) or len(set(numbered)) < len(numbered):
            raise wrong(path, "images", "two images of one id or frame_id", "Write one file per video.")
        if timed:
            return _by_frame_id(path, dict(zip(ids, numbered, strict=True)))
        return {number: position for position, number in enumerate(sorted(ids))}, len(ids)
    ids = [_image_id(path, f"annotation {number}", person) for number, person in enumerate(people)]
    first = 0 if 0 in ids else 1
    last = max(ids, default=first - 1)
    if min(ids, default=0) < 0 or last - first >= MAX_FRAMES:
        raise wrong(path, "image_id", f"frame numbers from {min(ids)} to {last}; expected 0 or 1 to {MAX_FRAMES}")
    return {number: number - first for number in ids}, last - first + 1


def _by_frame_id(path: Path, frame_of: dict[int, int]) -> tuple[dict[int, int], int]:
    """As `_frame_numbers`: what is listed at even steps is every frame, and what such steps miss is a gap in time."""
    first, last = min(frame_of.values()), max(frame_of.values())
    step = math.gcd(*(number - first for number in frame_of.values())) or 1
    count = (last - first) // step + 1
    if count > MAX_FRAMES:
        raise wrong(path, "images", f"frame_id from {first} to {last} by {step}: more than {MAX_FRAMES} frames")
    return {image: (number - first) // step for image, number in frame_of.items()}, count


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
