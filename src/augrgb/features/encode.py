"""One file -> features of one or several encoders, decoded once."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import VideoRecord
from augrgb.encoders.files import LoadedEncoder
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.features.frame_cache import flow_of, frames_are_current, source_of
from augrgb.features.frame_folder import FrameFolder
from augrgb.features.frames import OWN_FILES, frame_recipe, iter_frames
from augrgb.features.pipeline import Branch, overlapped
from augrgb.parallel.devices import recipe_of
from augrgb.video.decode import (
    DecodeReport,
    FrameTarget,
    Partial,
    sample_frames,
    sample_given_frames,
    shared_targets,
)
from augrgb.video.flow import flow_target, iter_flow
from augrgb.video.frame_choice import frame_choice
from augrgb.video.thumbnails import Thumbnails
from augrgb.video.video_info import VideoInfo
from augrgb.video.windows import iter_windows, warn_of_padding

Values = NDArray[np.float32]


class EncodedVideo(NamedTuple):
    """Features of one video: values (T, C) float32, their clock, and how long the video lasts in seconds."""

    values: Values
    clock: Clock
    duration_s: float


def encode_video(
    path: Path,
    loaded: LoadedEncoder,
    *,
    partial: Partial = "refuse",
    threads: int = 1,
    report: DecodeReport | None = None,
    thumbnails: Thumbnails | None = None,
    opened: Callable[[VideoInfo], object] | None = None,
) -> EncodedVideo:
    """Features of one file (a pose file for pose encoders); beside them, memory does not grow with its length.

    The file is opened and decoded once; `thumbnails` and `opened` see that pass too (see `sample_frames`).

    Raises:
        InputRefused: See `iter_frames`; E-FEA-006 when it is too short for the clock's offset.
    """
    report = report if report is not None else DecodeReport()
    pieces = iter_features(
        path, loaded, partial=partial, threads=threads, report=report, thumbnails=thumbnails, opened=opened
    )
    return EncodedVideo(np.concatenate(list(pieces)), loaded.settings.clock, report.duration_s)


def iter_features(
    path: Path,
    loaded: LoadedEncoder,
    *,
    partial: Partial = "refuse",
    threads: int = 1,
    report: DecodeReport | None = None,
    thumbnails: Thumbnails | None = None,
    opened: Callable[[VideoInfo], object] | None = None,
) -> Iterator[Values]:
    """The features of `encode_video` in pieces (n, C), in order; `report` is complete at the end."""
    report = report if report is not None else DecodeReport()
    found = encode_file(
        path, [loaded], partial=partial, threads=threads, report=report, thumbnails=thumbnails, opened=opened
    )
    yield from _not_empty(path, (values for _, values in found), loaded)
    warn_of_padding(path, report, loaded.settings.clock)


def encode_frames(
    frames: Iterable[NDArray[np.uint8]],
    frames_per_s: float,
    loaded: LoadedEncoder,
    *,
    report: DecodeReport | None = None,
) -> EncodedVideo:
    """Features of RGB frames (H, W, 3) that somebody else decoded; the encoder reads images or makes flow of them.

    Raises:
        UsageFault: E-CFG-023, an encoder of poses or sensors.
        InputRefused: See `sample_given_frames`; E-FEA-006, too few frames for the clock's offset.
    """
    report = report if report is not None else DecodeReport()
    pieces = list(iter_frame_features(frames, frames_per_s, loaded, report=report))
    return EncodedVideo(np.concatenate(pieces), loaded.settings.clock, report.duration_s)


def iter_frame_features(
    frames: Iterable[NDArray[np.uint8]], frames_per_s: float, loaded: LoadedEncoder, *, report: DecodeReport
) -> Iterator[Values]:
    """The features of `encode_frames` in pieces (n, C), in order."""
    where = Path("frames")
    sampled = sample_given_frames(
        frames, frames_per_s, loaded.settings.clock.fps, (_target(where, loaded),), report=report
    )
    yield from _not_empty(where, (values for _, values in _encoded(sampled, [0], [loaded])), loaded)


def encode_record(
    record: VideoRecord,
    loaded: LoadedEncoder,
    *,
    frames: FrameFolder | None = None,
    partial: Partial = "refuse",
    report: DecodeReport | None = None,
) -> EncodedVideo:
    """Features of a dataset's video, from its cached frames if `frames` has them, else from its file."""
    source = source_of(record, loaded.encoder.modality)
    report = report if report is not None else DecodeReport()
    cached = encode_cached(record, loaded, frames, partial, report) if frames is not None else None
    if cached is None:
        pieces = (
            values
            for _, values in encode_file(
                source, [loaded], partial=partial, report=report, duration_s=record.known_duration_s
            )
        )
        values = _joined(source, pieces, loaded)
        warn_of_padding(source, report, loaded.settings.clock)
        return EncodedVideo(values, loaded.settings.clock, report.duration_s)
    return EncodedVideo(_joined(source, cached, loaded), loaded.settings.clock, report.duration_s)


def encode_cached(
    record: VideoRecord, loaded: LoadedEncoder, frames: FrameFolder, partial: Partial, report: DecodeReport
) -> Iterator[Values] | None:
    """Pieces of features from cached frames, with their duration and warnings in `report`; None if there is none."""
    modality = loaded.encoder.modality
    note = frames.note(modality, record.video_id)
    if note is None or not frames_are_current(frames, modality, record, partial):
        return None
    report.warnings.extend(note["warnings"])
    report.duration_s = float(note["duration_s"])
    chunks = iter_windows(iter(frames.read(modality, record.video_id)), loaded.settings.clock, loaded.encoder.batch)
    warn_of_padding(frames.path(modality, record.video_id), report, loaded.settings.clock)
    return (encode_windows(loaded.encoder, chunk) for chunk in chunks)


def encode_file(
    path: Path,
    encoders: Sequence[LoadedEncoder],
    *,
    partial: Partial = "refuse",
    threads: int = 1,
    report: DecodeReport | None = None,
    thumbnails: Thumbnails | None = None,
    opened: Callable[[VideoInfo], object] | None = None,
    duration_s: float | None = None,
) -> Iterator[tuple[int, Values]]:
    """Decode a file once for all of some encoders; decoding, flow and networks overlap.

    Args:
        path: A video file, or a pose or sensor file for encoders of these.
        encoders: All of them read this file, at one frame rate (see `same_pass`).
        partial, threads, report, thumbnails, opened: See `sample_frames`; pose and sensor files have no
            thumbnails.
        duration_s: Of the video, for poses and sensors.

    Yields:
        (number of the encoder, the next features (n, C) of it). One for which the file is too short has none.

    Raises:
        UsageFault: E-CFG-022, the encoders cannot share one pass; E-CFG-023, an image encoder has no frame size.
        InputRefused: See `iter_frames`.
    """
    report = report if report is not None else DecodeReport()
    if len({same_pass(loaded) for loaded in encoders}) != 1:
        raise UsageFault("E-CFG-022", path, "these encoders cannot share one pass: other files or frame rates")
    fps = encoders[0].settings.clock.fps
    frames: Iterable[tuple[NDArray[Any], ...]]
    modality = encoders[0].encoder.modality
    if modality in OWN_FILES:
        columns = [0] * len(encoders)
        found = iter_frames(path, modality, fps, None, report=report, duration_s=duration_s)
        frames = ((frame,) for frame in found)
    else:
        targets = shared_targets([_target(path, loaded) for loaded in encoders])
        wanted = list(dict.fromkeys(targets))
        columns = [wanted.index(target) for target in targets]
        frames = sample_frames(
            path, fps, wanted, partial=partial, threads=threads, report=report, thumbnails=thumbnails, opened=opened
        )
    yield from _encoded(frames, columns, encoders)


def _encoded(
    frames: Iterable[tuple[NDArray[Any], ...]], columns: Sequence[int], encoders: Sequence[LoadedEncoder]
) -> Iterator[tuple[int, Values]]:
    branches = [(column, _branch(loaded)) for column, loaded in zip(columns, encoders, strict=True)]
    with contextlib.closing(overlapped(frames, branches)) as chunks:
        for number, chunk in chunks:
            yield number, encode_windows(encoders[number].encoder, chunk)


def same_pass(loaded: LoadedEncoder) -> tuple[str, float]:
    """Encoders that agree in this can be fed by one decoding: which of a video's files, and frames per second."""
    modality = loaded.encoder.modality
    return modality if modality in OWN_FILES else "video", loaded.settings.clock.fps


def extraction_recipe(loaded: LoadedEncoder, partial: Partial = "refuse", device: str = "cpu") -> dict[str, Any]:
    """Everything but the video that decides a feature file's values."""
    options = dict(loaded.options)
    if "flow" in options:  # where its weights lie decides nothing
        options["flow"] = {key: value for key, value in options["flow"].items() if key != "weights"}
    return {
        "encoder": {"name": loaded.encoder.name, "options": options, "sha256": loaded.checksum},
        "clock": loaded.settings.clock.to_json(),
        "size": list(loaded.settings.size) if loaded.settings.size else None,
        "track": frame_recipe(loaded.encoder.modality, flow_of(loaded)),
        "partial": partial,
        **recipe_of(device),
    }


def too_short(path: Path, loaded: LoadedEncoder) -> InputRefused:
    """The refusal of a file that ends before the first snippet."""
    return InputRefused("E-FEA-006", path, f"too short for one snippet of {loaded.settings.clock}")


def _target(path: Path, loaded: LoadedEncoder) -> FrameTarget:
    size, modality = loaded.settings.size, loaded.encoder.modality
    if size is None:
        raise UsageFault("E-CFG-023", path, f"{loaded.encoder.name} has no frame size; {modality} needs one")
    if modality == "flow":
        return flow_target(size, flow_of(loaded))
    clock = loaded.settings.clock
    return FrameTarget(size, choice=frame_choice(clock, loaded.encoder.frames_read(clock.window)))


def _branch(loaded: LoadedEncoder) -> Branch:
    # Chunks of one batch: then a snippet meets the same neighbours however its frames arrive.
    windows = functools.partial(iter_windows, clock=loaded.settings.clock, chunk=loaded.encoder.batch)
    if loaded.encoder.modality == "flow":
        return lambda frames: windows(iter_flow(frames, flow_of(loaded)))
    return windows


def _joined(path: Path, pieces: Iterable[Values], loaded: LoadedEncoder) -> Values:
    return np.concatenate(list(_not_empty(path, pieces, loaded)))


def _not_empty(path: Path, pieces: Iterable[Values], loaded: LoadedEncoder) -> Iterator[Values]:
    piece = None
    for piece in pieces:
        yield piece
    if piece is None:
        raise too_short(path, loaded)
