"""A video, pose or sensor file as the track of one modality."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from augrgb.core.errors import UsageFault
from augrgb.poses.files import pose_frames, read_poses
from augrgb.poses.pose_lengths import check_pose_length
from augrgb.sensors.files import MODALITIES as SENSORS
from augrgb.sensors.files import read_sensor, sensor_frames
from augrgb.video.decode import DecodeReport, Partial, frames_by_time, sample_frames
from augrgb.video.flow import DEFAULT, flow_recipe, flow_target, iter_flow
from augrgb.video.flow.settings import FlowSettings

MODALITIES = ("rgb", "flow", "pose", *SENSORS)
OWN_FILES = ("pose", *SENSORS)
"""Modalities that are not made from the video, but from a file of their own."""


def iter_frames(
    path: Path,
    modality: str,
    fps: float,
    size: tuple[int, int] | None,
    *,
    partial: Partial = "refuse",
    threads: int = 1,
    report: DecodeReport | None = None,
    flow: FlowSettings = DEFAULT,
    duration_s: float | None = None,
) -> Iterator[NDArray[Any]]:
    """Frames of a track, one at a time.

    Args:
        path: A video file, or for `pose` a pose file, for `signal` and `grid` a sensor file.
        modality: `rgb` gives (H, W, 3) uint8, `flow` (H, W, 2) int8, `pose` (V, 3) float32, `signal` (C,)
            and `grid` (H, W, C) float32.
        fps: Frames per second of the track.
        size: (width, height) of images; poses and sensors need none.
        partial, threads, report: See `sample_frames`.
        flow: How flow is made.
        duration_s: Of the video, which poses and sensors must cover; None = not known, so they decide.

    Raises:
        UsageFault: E-CFG-023, no such modality, or frames without a size.
        InputRefused: See `sample_frames`, `read_poses`, `check_pose_length`, `read_sensor` and `sensor_frames`.
    """
    report = report if report is not None else DecodeReport()
    if modality == "pose":
        return _pose_frames(path, fps, report, duration_s)
    if modality in SENSORS:
        return _sensor_frames(path, modality, fps, report, duration_s)
    if modality not in MODALITIES or size is None:
        raise UsageFault("E-CFG-023", "modality", f"{modality!r} with frame size {size} cannot be made from a video")
    if modality == "rgb":
        return frames_by_time(path, fps, size, partial=partial, threads=threads, report=report)
    images = sample_frames(path, fps, (flow_target(size, flow),), partial=partial, threads=threads, report=report)
    return iter_flow((image for (image,) in images), flow)


def frame_recipe(modality: str, flow: FlowSettings = DEFAULT) -> dict[str, Any]:
    """What, beside clock and size, decides the bytes of a track; part of a feature file's recipe."""
    recipe = {"modality": modality, "sampling": "on-screen/1"}
    return {**recipe, "flow": flow_recipe(flow)} if modality == "flow" else recipe


def _pose_frames(path: Path, fps: float, report: DecodeReport, duration_s: float | None) -> Iterator[NDArray[Any]]:
    poses = read_poses(path)
    check_pose_length(path, poses, duration_s)
    track = pose_frames(poses, fps)
    report.duration_s = poses.duration_s
    report.decoded_frames = report.declared_frames = len(poses.joints)
    filled = 1.0 - float(track.seen.mean())
    if filled > 0.05:
        report.warn(path, f"{filled:.0%} of joints were not seen for long and are filled with the nearest value")
    yield from track.joints


def _sensor_frames(
    path: Path, modality: str, fps: float, report: DecodeReport, duration_s: float | None
) -> Iterator[NDArray[Any]]:
    sensor = read_sensor(path, modality)
    frames, warnings = sensor_frames(path, sensor, fps, duration_s)
    report.duration_s = duration_s if duration_s is not None else sensor.end_s
    report.decoded_frames = report.declared_frames = len(sensor.values)
    for text in warnings:
        report.warn(path, text)
    yield from frames
