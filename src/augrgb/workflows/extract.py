"""Videos and poses -> feature folders: a resumable batch, in child processes or on a cluster."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augrgb.core.errors import AugrgbError, EnvironmentFault, InputRefused, UsageFault
from augrgb.core.files import existing_parent, remove_leftovers, sha256_json, write_bytes
from augrgb.core.opening import LARGEST_MODEL, read_bytes
from augrgb.core.progress import Progress
from augrgb.core.searching import files_in
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders.files import LoadedEncoder, load_encoder
from augrgb.encoders.import_weights import CARD
from augrgb.features.encode import extraction_recipe, same_pass
from augrgb.features.extract_video import ExtractJob, Target, extract_video
from augrgb.features.frame_cache import flow_of, source_of
from augrgb.features.frame_folder import FrameFolder
from augrgb.features.quarantine import Quarantine
from augrgb.features.store import ENCODER_COPY, feature_path, mixed_recipes
from augrgb.features.writer import describe_file
from augrgb.parallel.batch import (
    SECONDS_PER_SECOND,
    SECONDS_PER_VIDEO,
    BatchReport,
    Item,
    ItemOutcome,
    Ledger,
    choose_videos,
    fill_ledgers,
)
from augrgb.parallel.engine import Engine, LocalEngine
from augrgb.parallel.shards import Shard, videos_of
from augrgb.video.decode import Partial

_ENCODER_FILES = ("model.safetensors", "model.json", CARD)


def extract(
    dataset: Dataset,
    encoder_folder: Path,
    out_folder: Path,
    *,
    video_ids: Iterable[str] | None = None,
    frames_folder: Path | None = None,
    workers: int | None = None,
    partial: Partial = "refuse",
    progress: Progress | None = None,
    allow_failures: int = 0,
) -> BatchReport:
    """Write the features of every video by one encoder; see `extract_together`, which has more options."""
    return extract_together(
        dataset,
        [(encoder_folder, out_folder)],
        video_ids=video_ids,
        frames_folder=frames_folder,
        engine=LocalEngine(workers),
        partial=partial,
        progress=progress,
        allow_failures=allow_failures,
    )[0]


def extract_together(
    dataset: Dataset,
    targets: Sequence[tuple[Path, Path]],
    *,
    video_ids: Iterable[str] | None = None,
    frames_folder: Path | None = None,
    engine: Engine | None = None,
    shard: Shard | None = None,
    retry: bool = False,
    partial: Partial = "refuse",
    time_factor: float = SECONDS_PER_SECOND,
    progress: Progress | None = None,
    allow_failures: int = 0,
) -> tuple[BatchReport, ...]:
    """Write the features of every video by several encoders; what is finished and verified is kept when run again.

    A video is decoded once for all encoders that read the same file at the same frame rate, such as RGB and flow.

    Args:
        dataset: Where the files are.
        targets: (encoder folder, feature folder) each; an encoder's modality decides which file of a video is read.
        video_ids: Which videos; None = all.
        frames_folder: Cached frames to use where there are some; the result is the same without.
        engine: Where the work is done, and on which device; default: one child process per core and the CPU.
        shard: Do only this part of the videos.
        retry: Try videos again that an earlier run refused. Otherwise they are, once their file has changed.
        partial: What to do with videos that break off.
        time_factor: Seconds that a second of video may take, for windows that do not overlap.
        progress: Called with (finished, all) videos; a video counts once for each of its files.
        allow_failures: How many videos may be refused.

    Returns:
        For every target: snippets per video, what was reused, and what was refused; also in its `report.json`.

    Raises:
        Quarantined: E-VID-020, more videos were refused than allowed; the others are finished.
        InputRefused: The encoder cannot be loaded; E-FEA-010, a folder holds features of another recipe;
            E-FEA-021, the cached frames have another frame rate or size.
        UsageFault: E-CFG-014, no targets; E-CFG-010, one folder for two; E-FILE-012, not a folder.
        EnvironmentFault: The disk (E-ENV-001, also before work starts if it is too small) or memory; finished videos
            are kept.
    """
    began_s = time.monotonic()
    engine = engine or LocalEngine()
    fillings = [_open(Path(encoder), Path(out), partial, engine.device) for encoder, out in targets]
    _check_folders([filling.target.out_folder for filling in fillings])
    records = choose_videos(dataset, video_ids)
    if shard is not None:
        records = videos_of(shard, records)
    if frames_folder is not None:
        for filling in fillings:
            _check_frames(FrameFolder(frames_folder), filling.loaded)
    _check_space(fillings, records)
    name = "report.json" if shard is None else f"report-{shard.number}-of-{shard.count}.json"
    for filling in fillings:
        _refuse_other_recipe(filling)
        _copy_encoder(filling.loaded, filling.target.out_folder / ENCODER_COPY)
        remove_leftovers(filling.target.out_folder)
        filling.open_ledger(records, name)
        if not retry:
            filling.hold(records)
    return fill_ledgers(
        extract_video,
        _work(fillings, records, frames_folder, partial, time_factor, engine.device),
        [filling.ledger for filling in fillings],
        engine=engine,
        allow_failures=allow_failures,
        progress=progress,
        began_s=began_s,
    )


@dataclass
class Filling:
    """One feature folder while it is filled: the encoder that fills it, and its ledger with notes of refused videos."""

    target: Target
    loaded: LoadedEncoder
    recipe: dict[str, Any]
    ledger: Ledger = field(init=False)

    @property
    def quarantine(self) -> Quarantine:
        """Its refused videos."""
        return Quarantine(self.target.out_folder, sha256_json(self.recipe))

    def source(self, record: VideoRecord) -> Path | None:
        """The file that it is made from, if the dataset names one."""
        return record.source(self.loaded.encoder.modality)

    def open_ledger(self, records: Sequence[VideoRecord], name: str) -> None:
        """Begin with these videos; refused ones are noted as they come."""
        by_id = {record.video_id: record for record in records}

        def note(video_id: str, outcome: ItemOutcome | AugrgbError) -> None:
            if isinstance(outcome, AugrgbError):
                self.quarantine.add(video_id, self.source(by_id[video_id]), outcome)
            else:
                self.quarantine.release(video_id)

        self.ledger = Ledger(self.target.out_folder, list(by_id), name, note)

    def hold(self, records: Iterable[VideoRecord]) -> None:
        """Leave out what an earlier run refused."""
        for record in records:
            fault = self.quarantine.find(record.video_id, self.source(record))
            if fault is not None:
                self.ledger.hold(record.video_id, fault)


def _open(encoder_folder: Path, out_folder: Path, partial: Partial, device: str) -> Filling:
    loaded = load_encoder(encoder_folder)
    target = Target(encoder_folder.absolute(), loaded.checksum, out_folder.absolute())
    return Filling(target, loaded, extraction_recipe(loaded, partial, device))


def _work(
    fillings: Sequence[Filling],
    records: Sequence[VideoRecord],
    frames_folder: Path | None,
    partial: Partial,
    time_factor: float,
    device: str,
) -> list[tuple[Item[ExtractJob], list[Ledger]]]:
    """One item for each video and file of it, with the ledgers that it fills. Videos without the file are noted."""
    passes: dict[tuple[str, float], list[Filling]] = defaultdict(list)
    for filling in fillings:
        passes[same_pass(filling.loaded)].append(filling)
    work: list[tuple[Item[ExtractJob], list[Ledger]]] = []
    for record in records:
        for together in passes.values():
            wanting = [filling for filling in together if record.video_id not in filling.ledger.outcomes]
            if not wanting:
                continue
            try:
                source_of(record, wanting[0].loaded.encoder.modality)
            except InputRefused as fault:
                for filling in wanting:
                    filling.ledger.note(record.video_id, fault)
                continue
            job = ExtractJob(record, tuple(filling.target for filling in wanting), frames_folder, partial, device)
            clocks = [filling.loaded.settings.clock for filling in wanting]
            overlap = sum(max(1.0, clock.window / clock.stride) for clock in clocks)
            timeout_s = SECONDS_PER_VIDEO + time_factor * overlap * record.known_duration_s
            work.append((Item(record.video_id, job, timeout_s), [filling.ledger for filling in wanting]))
    return work


def _check_folders(folders: Sequence[Path]) -> None:
    if not folders:
        raise UsageFault("E-CFG-014", "targets", "no encoder is given")
    for folder in folders:
        if folders.count(folder) > 1:
            raise UsageFault("E-CFG-010", folder, "two encoders would write to it", "Give each its own folder.")
        if not existing_parent(folder).is_dir():
            raise UsageFault("E-FILE-012", folder, f"{existing_parent(folder)} is a file", "Give a folder to write to.")


def _check_space(fillings: Sequence[Filling], records: Sequence[VideoRecord]) -> None:
    """Refuse to begin what the disks cannot hold; durations are those of the dataset."""
    needed: dict[int, float] = defaultdict(float)
    place: dict[int, Path] = {}
    for filling in fillings:
        folder, clock = filling.target.out_folder, filling.loaded.settings.clock
        parent = existing_parent(folder)
        disk = os.stat(parent).st_dev
        place[disk] = parent
        for record in records:
            if not feature_path(folder, record.video_id).exists():
                snippets = clock.num_snippets(math.ceil(record.known_duration_s * clock.fps))
                needed[disk] += 4.0 * snippets * filling.loaded.encoder.dim
    for disk, size in needed.items():
        free = shutil.disk_usage(place[disk]).free
        if size > free:
            problem = f"the features need about {size / 2**20:.0f} MiB, {free / 2**20:.0f} MiB are free"
            raise EnvironmentFault("E-ENV-001", place[disk], problem, "Free some space or choose another folder.")


def _refuse_other_recipe(filling: Filling) -> None:
    folder = filling.target.out_folder
    for path in files_in(folder, ".safetensors"):
        try:
            _, described = describe_file(path)
        except InputRefused:  # damaged ones are made again
            continue
        if described["recipe_hash"] != sha256_json(filling.recipe):
            raise mixed_recipes(path, filling.recipe, described.get("recipe"))
        return


def _check_frames(frames: FrameFolder, loaded: LoadedEncoder) -> None:
    size_fits = loaded.settings.size in (None, frames.settings.size)
    flow = flow_of(loaded)
    flow_fits = loaded.encoder.modality != "flow" or frames.settings.flow == flow
    if frames.settings.fps != loaded.settings.clock.fps or not size_fits or not flow_fits:
        wanted = f"{loaded.settings.clock}, {loaded.settings.size}, {flow}"
        problem = f"cached with {frames.settings}, but the encoder wants {wanted}"
        raise InputRefused("E-FEA-021", frames.folder, problem, "Cache the frames for this encoder, or use none.")


def _copy_encoder(loaded: LoadedEncoder, folder: Path) -> None:
    for name in _ENCODER_FILES:
        if (loaded.folder / name).is_file():
            write_bytes(folder / name, read_bytes(loaded.folder / name, "model file", LARGEST_MODEL))
