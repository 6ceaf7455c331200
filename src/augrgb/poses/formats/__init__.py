"""The formats of recorded skeletons; the import line is the registration."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.catalog import catalog, check_choice
from augrgb.core.errors import InputRefused
from augrgb.core.opening import open_regular
from augrgb.poses.formats.alphapose import AlphaPoseJson
from augrgb.poses.formats.coco import CocoKeypoints
from augrgb.poses.formats.kinect import KinectText
from augrgb.poses.formats.lcrnet import LcrNetArrays, LcrNetJson
from augrgb.poses.formats.mmpose import MMPoseJson
from augrgb.poses.formats.ntu import NtuSkeleton
from augrgb.poses.formats.openpose import OpenPoseFrames
from augrgb.poses.formats.utkinect import UTKinectText
from augrgb.poses.skeleton_format import ReadOptions, SkeletonFormat, SkeletonRecording

__all__ = [
    "SKELETON_FORMATS",
    "AlphaPoseJson",
    "CocoKeypoints",
    "KinectText",
    "LcrNetArrays",
    "LcrNetJson",
    "MMPoseJson",
    "NtuSkeleton",
    "OpenPoseFrames",
    "UTKinectText",
    "read_skeletons",
]

SKELETON_FORMATS = catalog(SkeletonFormat, globals())  # type: ignore[type-abstract]
_HEAD_BYTES = 4096


def read_skeletons(path: Path, format_name: str = "auto", options: ReadOptions | None = None) -> SkeletonRecording:
    """Read a file of recorded skeletons.

    Args:
        path: The file.
        format_name: A name of `SKELETON_FORMATS`, or `auto` to look at the file.
        options: What the file does not say.

    Raises:
        UsageFault: E-CFG-002, no such format.
        InputRefused: E-POS-010 (not recognized), and see `SkeletonFormat.read`.
    """
    options = options or ReadOptions()
    if format_name != "auto":
        check_choice(SKELETON_FORMATS, format_name, "skeleton format", "--format")
        return SKELETON_FORMATS[format_name].read(path, options)
    with open_regular(path, "skeleton file") as handle:
        head = handle.read(_HEAD_BYTES)
    for kind in SKELETON_FORMATS.values():
        if path.suffix.lower() in kind.suffixes and kind.sniff(head):
            return kind.read(path, options)
    known = ", ".join(sorted(SKELETON_FORMATS))
    raise InputRefused("E-POS-010", path, "its skeleton format is not recognized", f"Name it with --format: {known}.")
