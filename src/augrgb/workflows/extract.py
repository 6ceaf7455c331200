"""Videos and poses -> feature folders: resumable, in child processes, past bad videos."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused
from augrgb.core.safe_files import sha256_json, write_bytes
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, VideoRecord
from augrgb.datasets.feature_store import (
    ENCODER_COPY,
    feature_path,
    mixed_recipes,
    read_feature_file,
    write_features,
)
from augrgb.encoders.files import LoadedEncoder, load_encoder
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.video.decode import DecodeReport, Partial
from augrgb.video.source_file import same_source, source_identity
from augrgb.video.track_folder import TrackFolder
from augrgb.video.tracks import stream_track, track_recipe
from augrgb.video.windows import stream_windows
from augrgb.workflows.per_video import BatchReport, Progress, VideoOutcome, choose_videos, run_per_video
from augrgb.workflows.tracks import flow_of, source_of, track_is_current

_BATCH = 16


class EncodedVideo(NamedTuple):
    """Features of one video: values (T, C) float32, their clock, and how long the video lasts in seconds."""

    values: NDArray[np.float32]
    clock: Clock
    duration_s: float


@dataclass(frozen=True, slots=True)
class _ExtractJob:
    record: VideoRecord
    encoder_folder: Path
    checksum: str
    out_folder: Path
    tracks_folder: Path | None
    partial: Partial


def extract(
    dataset: Dataset,
    encoder_folder: Path,
    out_folder: Path,
    *,
    video_ids: Iterable[str] | None = None,
    tracks_folder: Path | None = None,
    workers: int = 1,
    partial: Partial = "refuse",
    progress: Progress | None = None,
    allow_failures: int = 0,
) -> BatchReport:
    """Write the features of every video; those that are finished and verified are kept when run again.

    Args:
        dataset: Where the files are.
        encoder_folder: The encoder; its modality decides which file of a video is read.
        out_folder: A feature folder, made if absent.
        video_ids: Which videos; None = all.
        tracks_folder: Cached tracks to use where they are at hand; the result is the same without.
        workers: Child processes with one thread each; 0 = in this process.
        partial: What to do with videos that break off.
        progress: Called with (finished, all) videos.
        allow_failures: How many videos may be refused.

    Returns:
        Snippets per video, what was reused, and what was refused; also in `report.json`.

    Raises:
        Quarantined: E-VID-020, more videos were refused than allowed; the others are finished.
        InputRefused: The encoder cannot be loaded; E-FEA-010, the folder holds features of another recipe;
            E-FEA-004, the cached tracks have another frame rate or size.
        EnvironmentFault: The disk or memory; finished videos are kept.
    """
    loaded = load_encoder(encoder_folder)
    records = choose_videos(dataset, video_ids)
    out_folder = Path(out_folder)
    _refuse_other_recipe(out_folder, extraction_recipe(loaded, partial))
    if tracks_folder is not None:
        _check_tracks(TrackFolder(tracks_folder), loaded)
    _copy_encoder(loaded, out_folder / ENCODER_COPY)
    work = [
        (record, _ExtractJob(record, Path(encoder_folder), loaded.checksum, out_folder, tracks_folder, partial))
        for record in records
    ]
    return run_per_video(
        _extract_one, work, out_folder, workers=workers, progress=progress, allow_failures=allow_failures
    )


def encode_video(
    path: Path,
    loaded: LoadedEncoder,
    *,
    partial: Partial = "refuse",
    threads: int = 1,
    report: DecodeReport | None = None,
) -> EncodedVideo:
    """Features of one file (a pose file for pose encoders), in memory that does not grow with its length.

    Raises:
        InputRefused: See `stream_track`; E-FEA-006 when it is too short for the clock's offset.
    """
    report = report if report is not None else DecodeReport()
    clock = loaded.settings.clock
    frames = stream_track(
        path,
        loaded.encoder.modality,
        clock.fps,
        loaded.settings.size,
        partial=partial,
        threads=threads,
        report=report,
        flow=flow_of(loaded),
    )
    values = _encode_frames(path, frames, loaded)
    return EncodedVideo(values, clock, report.duration_s)


def encode_record(
    record: VideoRecord,
    loaded: LoadedEncoder,
    *,
    tracks: TrackFolder | None = None,
    partial: Partial = "refuse",
    report: DecodeReport | None = None,
) -> EncodedVideo:
    """Features of a dataset's video, from its cached track if `tracks` has it, else from its file."""
    source, modality = source_of(record, loaded.encoder.modality), loaded.encoder.modality
    note = tracks.note(modality, record.video_id) if tracks is not None else None
    if tracks is None or note is None or not track_is_current(tracks, modality, record, partial):
        return encode_video(source, loaded, partial=partial, report=report)
    if report is not None:
        report.warnings.extend(note["warnings"])
    values = _encode_frames(source, iter(tracks.read(modality, record.video_id)), loaded)
    return EncodedVideo(values, loaded.settings.clock, float(note["duration_s"]))


def extraction_recipe(loaded: LoadedEncoder, partial: Partial = "refuse") -> dict[str, Any]:
    """Everything but the video that decides a feature file's values."""
    options = dict(loaded.encoder.options)
    if "flow" in options:  # where its weights lie decides nothing
        options["flow"] = {key: value for key, value in options["flow"].items() if key != "weights"}
    return {
        "encoder": {"name": loaded.encoder.name, "options": options, "sha256": loaded.checksum},
        "clock": loaded.settings.clock.to_json(),
        "size": list(loaded.settings.size) if loaded.settings.size else None,
        "track": track_recipe(loaded.encoder.modality, flow_of(loaded)),
        "partial": partial,
    }


def _encode_frames(where: Path, frames: Iterator[NDArray[Any]], loaded: LoadedEncoder) -> NDArray[np.float32]:
    # Chunks of one batch: then a snippet meets the same neighbours however its frames arrive.
    chunks = stream_windows(frames, loaded.settings.clock, _BATCH)
    features = [encode_windows(loaded.encoder, chunk, _BATCH) for chunk in chunks]
    if not features:
        raise InputRefused("E-FEA-006", where, f"too short for one snippet of {loaded.settings.clock}")
    return np.concatenate(features)


def _extract_one(job: _ExtractJob) -> VideoOutcome:
    loaded = _encoder_of(job.encoder_folder, job.checksum)
    recipe = extraction_recipe(loaded, job.partial)
    source = source_of(job.record, loaded.encoder.modality)
    finished = _finished(job, recipe, source)
    if finished is not None:
        return finished
    identity = source_identity(source)
    tracks = TrackFolder(job.tracks_folder) if job.tracks_folder is not None else None
    report = DecodeReport()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same kernels here as in a child, so the same bytes
    try:
        encoded = encode_record(job.record, loaded, tracks=tracks, partial=job.partial, report=report)
    finally:
        torch.set_num_threads(threads)
    warnings = sorted(set(report.warnings))
    metadata = {
        "modality": loaded.encoder.modality,
        "recipe": recipe,
        "source": {"file": source.name.encode("utf-8", "replace").decode(), **identity},
        "duration_s": encoded.duration_s,
        "warnings": warnings,
    }
    write_features(job.out_folder, job.record.video_id, encoded.values, encoded.clock, metadata)
    return VideoOutcome(job.record.video_id, len(encoded.values), warnings=tuple(warnings))


def _finished(job: _ExtractJob, recipe: dict[str, Any], source: Path) -> VideoOutcome | None:
    """The outcome of an earlier run, if its file is whole, of this recipe, and of the same source."""
    path = feature_path(job.out_folder, job.record.video_id)
    if not path.exists():
        return None
    try:
        values, described = read_feature_file(path)
    except InputRefused:  # cut off or damaged: made again
        return None
    if described["recipe_hash"] != sha256_json(recipe) or not same_source(source, described["source"], path):
        return None
    return VideoOutcome(job.record.video_id, len(values), reused=True, warnings=tuple(described["warnings"]))


@functools.lru_cache(maxsize=2)
def _encoder_of(folder: Path, checksum: str) -> LoadedEncoder:
    loaded = load_encoder(folder)
    if loaded.checksum != checksum:
        raise InputRefused("E-MOD-003", folder, "the encoder changed while features were extracted", "Start again.")
    return loaded


def _refuse_other_recipe(folder: Path, recipe: dict[str, Any]) -> None:
    for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else ():
        try:
            _, described = read_feature_file(path)
        except InputRefused:  # damaged ones are made again
            continue
        if described["recipe_hash"] != sha256_json(recipe):
            raise mixed_recipes(path, recipe, described.get("recipe"))
        return


def _check_tracks(tracks: TrackFolder, loaded: LoadedEncoder) -> None:
    size_fits = loaded.settings.size in (None, tracks.settings.size)
    flow = flow_of(loaded)
    flow_fits = loaded.encoder.modality != "flow" or tracks.settings.flow == flow
    if tracks.settings.fps != loaded.settings.clock.fps or not size_fits or not flow_fits:
        wanted = f"{loaded.settings.clock}, {loaded.settings.size}, {flow}"
        problem = f"cached with {tracks.settings}, but the encoder wants {wanted}"
        raise InputRefused("E-FEA-004", tracks.folder, problem, "Cache the tracks for this encoder, or use none.")


def _copy_encoder(loaded: LoadedEncoder, folder: Path) -> None:
    for name in ("model.safetensors", "model.json"):
        write_bytes(folder / name, (loaded.folder / name).read_bytes())
