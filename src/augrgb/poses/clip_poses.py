"""Poses of several clips one after another; in the gaps nobody is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.poses.files import PoseFile, read_poses
from augrgb.poses.writer import write_pose_file


@dataclass(frozen=True, slots=True)
class ClipPoses:
    """The pose file of a clip (None: it has none) that lasts from `start_s` to `end_s` of a stream."""

    file: Path | None
    start_s: float
    end_s: float


def string_poses(path: Path, clips: Sequence[ClipPoses], duration_s: float) -> bool:
    """Write the pose file of a stream, at the highest frame rate of its clips; whether anybody is seen in it.

    Poses are taken over as they were measured, each at the frame of the stream that is nearest in time.

    Raises:
        InputRefused: E-POS-006, the skeletons or units of two clips differ; see `read_poses`.
    """
    found = [(clip, read_poses(clip.file)) for clip in clips if clip.file is not None]
    if not found:
        return False
    first, fps = found[0][1], max(poses.fps for _, poses in found)
    for clip, poses in found:
        if poses.skeleton != first.skeleton or poses.units != first.units:
            problem = f"has another skeleton than {found[0][0].file}, which stands in the same stream"
            raise InputRefused("E-POS-006", clip.file, problem, "Convert all poses to one layout.")
    joints = np.full((max(1, round(duration_s * fps)), *first.joints.shape[1:]), np.nan, np.float32)
    scores = np.zeros(joints.shape[:2], np.float32)
    for clip, poses in found:
        _place(joints, scores, clip, poses, fps)
    if np.isnan(joints).all():
        return False
    flat = joints[..., :2] if first.units == "frame_heights" else joints
    known = all(poses.scores is not None for _, poses in found)
    made_from = {"clips": [clip.file.name for clip, _ in found if clip.file is not None]}
    write_pose_file(
        path, flat, fps, first.skeleton, units=first.units, scores=scores if known else None, made_from=made_from
    )
    return True


def _place(
    joints: NDArray[np.float32], scores: NDArray[np.float32], clip: ClipPoses, poses: PoseFile, fps: float
) -> None:
    begin, end = round(clip.start_s * fps), min(round(clip.end_s * fps), len(joints))
    rows = np.floor((np.arange(end - begin) + 0.5) * poses.fps / fps).astype(np.int64)
    rows = rows[rows < len(poses.joints)]
    joints[begin : begin + len(rows)] = poses.joints[rows]
    if poses.scores is not None:
        scores[begin : begin + len(rows)] = poses.scores[rows]
