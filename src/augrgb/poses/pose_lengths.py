"""Whether a pose file is as long as its video: poses at a wrong frame rate would teach other moments than they show."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.types import VideoRecord
from augrgb.poses.files import PoseFile, read_poses

_SLACK_S, _SLACK = 1.0, 0.05


def check_pose_length(path: Path, poses: PoseFile, duration_s: float | None) -> None:
    """Refuse poses that cover more or less of their video than a second or 5 %.

    Args:
        path: For messages.
        poses: What was read.
        duration_s: Of the video; None = not known, so nothing can be said.

    Raises:
        InputRefused: E-POS-021.
    """
    if duration_s is None or abs(poses.duration_s - duration_s) <= max(_SLACK_S, _SLACK * duration_s):
        return
    problem = (
        f"{len(poses.joints)} poses at {poses.fps:g} frames per second cover {poses.duration_s:.2f} s, "
        f"the video lasts {duration_s:.2f} s"
    )
    rate = len(poses.joints) / duration_s
    remedy = f"If they are one per frame, their rate is {rate:.4g}: make them again with --fps {rate:.4g}."
    raise InputRefused("E-POS-021", path, problem, remedy)


def pose_length_faults(record: VideoRecord) -> list[AugrgbError]:
    """The fault of a video whose poses cannot be read or are of another length."""
    if record.poses is None:
        return []
    try:
        check_pose_length(record.poses, read_poses(record.poses), record.duration_s)
    except AugrgbError as fault:
        return [fault]
    return []
