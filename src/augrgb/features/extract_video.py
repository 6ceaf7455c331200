"""Extract the features of one video: what a worker does, in a child process or on a machine of a cluster."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from augrgb.core.errors import AugrgbError, EnvironmentFault, InputRefused
from augrgb.core.files import sha256_json
from augrgb.core.types import VideoRecord
from augrgb.encoders.files import LoadedEncoder, load_encoder
from augrgb.features.encode import (
    Values,
    encode_cached,
    encode_file,
    extraction_recipe,
    too_short,
)
from augrgb.features.frame_cache import source_of
from augrgb.features.frame_folder import FrameFolder
from augrgb.features.store import feature_path
from augrgb.features.writer import FeatureWriter, verify_features
from augrgb.parallel.batch import ItemOutcome
from augrgb.parallel.devices import description_of, same_kernels
from augrgb.video.decode import DecodeReport, Partial
from augrgb.video.source_file import same_source, source_identity
from augrgb.video.windows import warn_of_padding

Result = TypeVar("Result")
_TRANSIENT = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN}
_PAUSES_S = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Target:
    """An encoder, with the checksum it had at the start, and the feature folder it fills."""

    encoder_folder: Path
    checksum: str
    out_folder: Path


@dataclass(frozen=True, slots=True)
class ExtractJob:
    """One video, the encoders that read one of its files at one frame rate, and where they run (`Engine.device`)."""

    record: VideoRecord
    targets: tuple[Target, ...]
    frames_folder: Path | None
    partial: Partial
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class _Unfinished:
    place: int
    target: Target
    loaded: LoadedEncoder


def extract_video(job: ExtractJob) -> tuple[ItemOutcome | AugrgbError, ...]:
    """Write the features of one video for all its targets, decoding it at most once.

    Returns:
        The outcome of each target.

    Raises:
        InputRefused: The file cannot be used by any.
        EnvironmentFault: The disk, the GPU, or the encoder (E-MOD-016, E-MOD-023).
    """
    outcomes: dict[int, ItemOutcome | AugrgbError] = {}
    unfinished: list[_Unfinished] = []
    for place, target in enumerate(job.targets):
        item = _Unfinished(place, target, encoder_of(target.encoder_folder, target.checksum, job.device))
        finished = _finished(job, item)
        if finished is None:
            unfinished.append(item)
        else:
            outcomes[place] = finished
    if unfinished:
        with same_kernels(job.device):
            outcomes |= _patiently(functools.partial(_encode, job, unfinished))
    return tuple(outcomes[place] for place in range(len(job.targets)))


@functools.lru_cache(maxsize=8)
def encoder_of(folder: Path, checksum: str, device: str = "cpu") -> LoadedEncoder:
    """The encoder, loaded once in each process.

    Raises:
        EnvironmentFault: E-MOD-016, it cannot be read here; E-MOD-023, it changed since the start.
    """
    try:
        loaded = load_encoder(folder, device)
    except InputRefused as fault:
        remedy = "Every machine must see the encoder's folder under the same name."
        raise EnvironmentFault("E-MOD-016", folder, f"cannot be read on {socket.gethostname()}: {fault}", remedy) from (
            fault
        )
    if loaded.checksum != checksum:
        raise EnvironmentFault("E-MOD-023", folder, "changed while features were extracted", "Start again.")
    return loaded


def _encode(job: ExtractJob, unfinished: list[_Unfinished]) -> dict[int, ItemOutcome | AugrgbError]:
    source = source_of(job.record, unfinished[0].loaded.encoder.modality)
    identity = source_identity(source)
    outcomes: dict[int, ItemOutcome | AugrgbError] = {}
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(FeatureWriter(item.target.out_folder, job.record.video_id, item.loaded.settings.clock))
            for item in unfinished
        ]
        reports = [DecodeReport() for _ in unfinished]
        for number, values in _pieces(job, source, unfinished, reports):
            writers[number].append(values)
        for item, writer, report in zip(unfinished, writers, reports, strict=True):
            if not writer.count:
                outcomes[item.place] = too_short(source, item.loaded)
                continue
            warnings = tuple(sorted(set(report.warnings)))
            writer.finish(
                {
                    "modality": item.loaded.encoder.modality,
                    "recipe": extraction_recipe(item.loaded, job.partial, job.device),
                    "source": {"file": source.name.encode("utf-8", "replace").decode(), **identity},
                    "duration_s": report.duration_s,
                    "warnings": list(warnings),
                    **description_of(job.device),
                }
            )
            outcomes[item.place] = ItemOutcome(job.record.video_id, writer.count, warnings=warnings)
    return outcomes


def _pieces(
    job: ExtractJob, source: Path, unfinished: list[_Unfinished], reports: list[DecodeReport]
) -> Iterator[tuple[int, Values]]:
    """Features as they come, by the number of the target: from cached frames where they are, else from one decoding."""
    frames = FrameFolder(job.frames_folder) if job.frames_folder is not None else None
    to_decode: list[int] = []
    for number, item in enumerate(unfinished):
        pieces = encode_cached(job.record, item.loaded, frames, job.partial, reports[number]) if frames else None
        if pieces is None:
            to_decode.append(number)
        else:
            for values in pieces:
                yield number, values
    if to_decode:
        report = DecodeReport()
        encoders = [unfinished[number].loaded for number in to_decode]
        for place, values in encode_file(
            source, encoders, partial=job.partial, report=report, duration_s=job.record.known_duration_s
        ):
            yield to_decode[place], values
        for number in to_decode:
            reports[number] = dataclasses.replace(report, warnings=list(report.warnings))
            warn_of_padding(source, reports[number], unfinished[number].loaded.settings.clock)


def _finished(job: ExtractJob, item: _Unfinished) -> ItemOutcome | None:
    """The outcome of an earlier run, if its file is whole, of this recipe, and of the same source."""
    path = feature_path(item.target.out_folder, job.record.video_id)
    if not path.exists():
        return None
    try:
        count, described = verify_features(path)
    except InputRefused:  # cut off or damaged: made again
        return None
    source = source_of(job.record, item.loaded.encoder.modality)
    recipe_hash = sha256_json(extraction_recipe(item.loaded, job.partial, job.device))
    if described["recipe_hash"] != recipe_hash or not same_source(source, described["source"], path):
        return None
    return ItemOutcome(job.record.video_id, count, reused=True, warnings=tuple(described["warnings"]))


def _patiently(work: Callable[[], Result]) -> Result:
    """Try again, after a pause, what a network share may have interrupted."""
    for pause_s in _PAUSES_S:
        try:
            return work()
        except InputRefused as fault:
            if getattr(fault.__cause__, "errno", None) not in _TRANSIENT:
                raise
        time.sleep(pause_s)
    return work()
