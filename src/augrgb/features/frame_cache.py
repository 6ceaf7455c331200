"""Cache decoded frames, for training snippet encoders without decoding the same video every epoch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset, VideoRecord
from augrgb.features.frame_folder import FrameFolder, FrameSettings, FrameWriter, write_frames
from augrgb.features.frames import MODALITIES, OWN_FILES, iter_frames
from augrgb.parallel.batch import (
    SECONDS_PER_SECOND,
    SECONDS_PER_VIDEO,
    BatchReport,
    Item,
    ItemOutcome,
    choose_videos,
    run_batch,
)
from augrgb.parallel.engine import Engine, LocalEngine
from augrgb.poses.files import read_poses
from augrgb.sensors.files import MODALITIES as SENSORS
from augrgb.video.decode import DecodeReport, FrameTarget, Partial, sample_frames
from augrgb.video.flow import DEFAULT, flow_target, iter_flow
from augrgb.video.flow.settings import FlowSettings
from augrgb.video.source_file import same_source, source_identity

if TYPE_CHECKING:  # worker processes that only decode need no torch
    from augrgb.encoders.files import LoadedEncoder


@dataclass(frozen=True, slots=True)
class _FrameJob:
    record: VideoRecord
    modalities: tuple[str, ...]
    folder: Path
    partial: Partial


def cache_frames(
    dataset: Dataset,
    video_ids: Iterable[str] | None,
    modalities: Iterable[str],
    folder: Path,
    *,
    fps: float = 15.0,
    size: tuple[int, int] = (64, 48),
    workers: int | None = None,
    engine: Engine | None = None,
    partial: Partial = "refuse",
    progress: Progress | None = None,
    allow_failures: int = 0,
    flow: FlowSettings = DEFAULT,
) -> BatchReport:
    """Decode videos once into memory-mappable frames; finished ones are kept when run again.

    Args:
        dataset: Where the files are.
        video_ids: Which videos; None = all.
        modalities: Any of `rgb`, `flow`, `pose`, `signal`, `grid`.
        folder: See `FrameFolder`.
        fps: Frames per second of the frames.
        size: (width, height) in pixels.
        workers: Processes; None = one per core, 0 = in this process.
        engine: Where the work is done instead, such as a Ray cluster.
        partial: What to do with videos that break off.
        progress: Called with (finished, all) videos.
        allow_failures: How many videos may be refused.
        flow: How flow is made; a folder holds flow of one kind.

    Returns:
        Frames per video, and what was refused.

    Raises:
        UsageFault: E-CFG-002 (no such modality), E-FEA-025 (the folder has other settings).
        Quarantined: More videos were refused than allowed.
        EnvironmentFault: The disk.
    """
    wanted = tuple(dict.fromkeys(modalities))
    for modality in wanted:
        if modality not in MODALITIES:
            raise UsageFault(
                "E-CFG-002", "modalities", f"no such modality {modality!r}", did_you_mean(modality, MODALITIES)
            )
    FrameFolder.create(folder, FrameSettings(float(fps), size, flow))
    items = [
        Item(
            record.video_id,
            _FrameJob(record, wanted, Path(folder), partial),
            SECONDS_PER_VIDEO + SECONDS_PER_SECOND * record.known_duration_s,
        )
        for record in choose_videos(dataset, video_ids)
    ]
    return run_batch(
        _cache_one,
        items,
        Path(folder),
        engine=engine or LocalEngine(workers),
        allow_failures=allow_failures,
        progress=progress,
    )


def _cache_one(job: _FrameJob) -> ItemOutcome:
    folder = FrameFolder(job.folder)
    missing = [modality for modality in job.modalities if not _finished(folder, modality, job)]
    if "pose" in missing:
        _cache_poses(folder, job.record)
    for modality in missing:
        if modality in SENSORS:
            _cache_sensor(folder, modality, job.record)
    from_video = [modality for modality in missing if modality not in OWN_FILES]
    if from_video:
        _cache_video(folder, job, from_video)
    notes = [folder.note(modality, job.record.video_id) or {} for modality in job.modalities]
    warnings = tuple(dict.fromkeys(text for note in notes for text in note.get("warnings", ())))
    frames = max((int(note.get("frames", 0)) for note in notes), default=0)
    return ItemOutcome(job.record.video_id, frames, reused=not missing, warnings=warnings)


def flow_of(loaded: LoadedEncoder) -> FlowSettings:
    """Settings of the optical flow that an encoder sees."""
    return FlowSettings.of(loaded.encoder.options.get("flow"))


def source_of(record: VideoRecord, modality: str) -> Path:
    """The file that a modality of a video is made from.

    Raises:
        InputRefused: E-VID-008, the dataset names none.
    """
    source = record.source(modality)
    if source is None:
        kind = f"{modality} file" if modality in OWN_FILES else "video file"
        raise InputRefused("E-VID-008", record.video_id, f"the dataset names no {kind} for it")
    return source


def frames_are_current(folder: FrameFolder, modality: str, record: VideoRecord, partial: Partial) -> bool:
    """Whether cached frames are what decoding the source now, with this policy for broken videos, would give."""
    note, path = folder.note(modality, record.video_id), folder.path(modality, record.video_id)
    if note is None or not (note["complete"] or partial == "keep-prefix"):
        return False
    return same_source(source_of(record, modality), note["source"], path)


def _finished(folder: FrameFolder, modality: str, job: _FrameJob) -> bool:
    record = job.record
    if not frames_are_current(folder, modality, record, job.partial):
        return False
    try:
        folder.read(modality, record.video_id)
    except InputRefused:  # cut off by someone else: made again
        return False
    return True


def _cache_poses(folder: FrameFolder, record: VideoRecord) -> None:
    source, report = source_of(record, "pose"), DecodeReport()
    identity, skeleton = source_identity(source), read_poses(source).skeleton
    path = folder.path("pose", record.video_id)
    with write_frames(path) as writer:
        fps, duration_s = folder.settings.fps, record.known_duration_s
        for frame in iter_frames(source, "pose", fps, None, report=report, duration_s=duration_s):
            writer.append(frame)
    names = {"names": list(skeleton.names), "parents": list(skeleton.parents)}
    folder.write_note("pose", record.video_id, {**_note(writer, identity, report), "skeleton": names})


def _cache_sensor(folder: FrameFolder, modality: str, record: VideoRecord) -> None:
    source, report = source_of(record, modality), DecodeReport()
    identity = source_identity(source)
    fps, duration_s = folder.settings.fps, record.known_duration_s
    with write_frames(folder.path(modality, record.video_id)) as writer:
        for frame in iter_frames(source, modality, fps, None, report=report, duration_s=duration_s):
            writer.append(frame)
    folder.write_note(modality, record.video_id, _note(writer, identity, report))


def _cache_video(folder: FrameFolder, job: _FrameJob, modalities: list[str]) -> None:
    source, size, report = source_of(job.record, "rgb"), folder.settings.size, DecodeReport()
    identity = source_identity(source)
    writers: dict[str, FrameWriter] = {}
    with contextlib.ExitStack() as stack:
        for modality in modalities:
            writers[modality] = stack.enter_context(write_frames(folder.path(modality, job.record.video_id)))
        if "flow" not in writers:
            for frame in iter_frames(source, "rgb", folder.settings.fps, size, partial=job.partial, report=report):
                writers["rgb"].append(frame)
        else:
            frames = _flow_frames(source, folder.settings, writers.get("rgb"), job.partial, report)
            for field in iter_flow(frames, folder.settings.flow):
                writers["flow"].append(field)
    for modality, writer in writers.items():
        folder.write_note(modality, job.record.video_id, _note(writer, identity, report))


def _note(writer: FrameWriter, identity: dict[str, Any], report: DecodeReport) -> dict[str, Any]:
    return {
        "frames": writer.frames,
        "source": identity,
        "duration_s": report.duration_s,
        "complete": report.complete,
        "warnings": report.warnings,
    }


def _flow_frames(
    source: Path, settings: FrameSettings, rgb: FrameWriter | None, partial: Partial, report: DecodeReport
) -> Iterator[NDArray[np.uint8]]:
    """Frames for the flow, while the RGB frames of the same decoding are written."""
    targets = (flow_target(settings.size, settings.flow), *((FrameTarget(settings.size),) if rgb is not None else ()))
    for frame, *rgb_frame in sample_frames(source, settings.fps, targets, partial=partial, report=report):
        if rgb is not None:
            rgb.append(rgb_frame[0])
        yield frame
