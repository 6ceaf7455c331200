"""Videos without labels, and the pose files beside them, for pretraining: what cannot be used is left out."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from augrgb.annotations.videos.look import look
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.opening import resolved
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders.parts.body_frame import body_marks
from augrgb.poses.files import Skeleton, read_poses
from augrgb.poses.pose_lengths import pose_length_faults
from augrgb.video.folder import name_videos

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UnlabeledVideos:
    """Videos without labels.

    Args:
        dataset: Those that can be read; with poses where these can teach.
        left_out: Why others, and pose files, are left out.
    """

    dataset: Dataset
    left_out: tuple[AugrgbError, ...] = ()

    @property
    def with_poses(self) -> int:
        """How many have poses."""
        return sum(video.poses is not None for video in self.dataset.videos.values())


def unlabeled_videos(videos: Sequence[Path], *, poses: bool = True) -> UnlabeledVideos:
    """Open videos, and the pose files beside them, of which those of the most frequent skeleton teach.

    Args:
        videos: Files, folders and patterns.
        poses: Whether to look for pose files.

    Raises:
        InputRefused: E-VID-005, no video that can be read.
    """
    records: dict[str, VideoRecord] = {}
    faults: list[AugrgbError] = []
    beside: dict[str, Path] = {}
    skeletons: dict[str, Skeleton] = {}
    for name, file in name_videos(videos).items():
        try:
            duration = look(file).duration_s
        except AugrgbError as fault:
            faults.append(fault)
            continue
        records[name] = VideoRecord(name, duration, file=resolved(file))
        beside[name] = file.with_suffix(".npz")  # of the link, where the video is one
        if poses and beside[name].is_file():
            try:
                skeletons[name] = _teaching_skeleton(replace(records[name], poses=resolved(beside[name])))
            except AugrgbError as fault:
                faults.append(fault)
    if not records:
        raise no_video(faults)
    if skeletons:
        counted = Counter(skeletons.values())
        usual = max(counted, key=lambda skeleton: counted[skeleton])
        for name, skeleton in skeletons.items():
            file = beside[name]
            if skeleton == usual:
                records[name] = replace(records[name], poses=resolved(file))
            else:
                problem = f"has another skeleton than the {counted[usual]} usual pose files"
                faults.append(InputRefused("E-POS-006", file, problem, "Convert poses to one skeleton."))
    for reason in faults:
        _log.warning("left out: %s", reason)
    return UnlabeledVideos(Dataset("pretraining", ("motion",), records), tuple(faults))


def _teaching_skeleton(record: VideoRecord) -> Skeleton:
    """The skeleton of a video's poses, if they can be read, are as long as the video, and have hips and a neck."""
    for fault in pose_length_faults(record):
        raise fault
    assert record.poses is not None
    skeleton = read_poses(record.poses).skeleton
    body_marks(skeleton.names)
    return skeleton


def no_video(faults: Sequence[AugrgbError]) -> InputRefused:
    """The fault of a recipe none of whose videos can be read; the first reason is named."""
    why = f" ({faults[0]})" if faults else ""
    return InputRefused("E-VID-005", "pretrain.videos", f"no video that can be read{why}", "Give others.")
