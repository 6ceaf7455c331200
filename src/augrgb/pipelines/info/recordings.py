"""What was recorded: videos, and pose and sensor files of one video."""

from __future__ import annotations

from pathlib import Path

from augrgb.annotations.videos.look import look
from augrgb.core.errors import AugrgbError
from augrgb.pipelines.info.description import Info, explained, typed
from augrgb.poses.files import read_poses
from augrgb.report.numbers import duration
from augrgb.sensors.files import MODALITIES as SENSORS
from augrgb.sensors.files import read_sensor
from augrgb.video.folder import VIDEO_SUFFIXES, find_videos

_PROBED = 200
"""Videos of a folder that are opened, at most: the answer should come at once."""


def video(path: Path) -> Info:
    """A video file."""
    info = look(path)
    facts = (
        ("video", f"{info.width}x{info.height}, {info.fps:.3g} fps, {duration(info.duration_s)}"),
        ("coded", f"{info.codec} in {info.container}" + (", with sound" if info.has_audio else "")),
    )
    return Info("video", facts, next=(f"augrgb detect {typed(path)} --model BUNDLE",))


def broken_video(path: Path, fault: AugrgbError) -> Info | None:
    """A file whose name says video but which cannot be read."""
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        return None
    return Info("video that cannot be read", faults=(str(fault),), next=(explained(fault),))


def videos(path: Path) -> Info | None:
    """A folder of videos."""
    found = find_videos(path)
    if not found:
        return None
    faults, seconds = [], 0.0
    for name, file in list(found.items())[:_PROBED]:
        try:
            seconds += look(file).duration_s
        except AugrgbError as fault:
            faults.append(f"{name}: {fault}")
    facts = (("videos", f"{len(found)}, {duration(seconds)}"),)
    return Info("folder of videos", facts, tuple(faults), (f"augrgb init {typed(path)} EVENTS.csv",))


def npz(path: Path) -> Info:
    """Poses, or rows of a sensor."""
    try:
        poses = read_poses(path)
        joints = len(poses.skeleton.names)
        facts = (("poses", f"{len(poses.joints)} rows, {joints} joints, {duration(poses.duration_s)}"),)
        return Info("poses of one video", facts, next=("augrgb init VIDEOS EVENTS --poses FOLDER",))
    except AugrgbError:  # a sensor file, perhaps
        pass
    faults = []
    for kind in SENSORS:
        try:
            found = read_sensor(path, kind)
        except AugrgbError as fault:
            faults.append(str(fault))
            continue
        seconds = len(found.values) / found.fps
        facts = (
            (
                kind,
                f"{len(found.values)} rows of {found.values.shape[1:]}, {found.fps:g} a second, {duration(seconds)}",
            ),
        )
        return Info(f"sensor file ({kind})", facts, next=(f"augrgb init VIDEOS EVENTS --{kind} FOLDER",))
    return Info("npz file that is no poses and no sensor", faults=tuple(faults))
