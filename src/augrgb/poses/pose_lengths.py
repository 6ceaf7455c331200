"""Whether a pose file is as long as its video: poses at a wrong frame rate would teach other moments than they show."""

from __future__ import annotations

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.types import VideoRecord
from augrgb.poses.files import read_poses

_SLACK_S, _SLACK = 1.0, 0.05


def pose_length_faults(record: VideoRecord) -> list[AugrgbError]:
    """The fault of a video whose poses cover more or less of it than a second or 5 %; also of an unreadable file."""
    if record.poses is None or record.duration_s is None:
        return []
    try:
        poses = read_poses(record.poses)
    except AugrgbError as fault:
        return [fault]
    if abs(poses.duration_s - record.duration_s) <= max(_SLACK_S, _SLACK * record.duration_s):
        return []
    problem = (
        f"{len(poses.joints)} poses at {poses.fps:g} frames per second cover {poses.duration_s:.2f} s, "
        f"the video lasts {record.duration_s:.2f} s"
    )
    rate = len(poses.joints) / record.duration_s
    remedy = f"If they are one per frame, their rate is {rate:.4g}: make them again with --fps {rate:.4g}."
    return [InputRefused("E-POS-021", record.poses, problem, remedy)]
