"""`augrgb train-encoder --dry-run`: an encoder's recipe against every video, pose file and teacher it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import load_encoder
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.poses.files import Skeleton, read_poses
from augrgb.recipe.build import build_clock
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.streams.files import load_stream
from augrgb.video.flow import iter_flow
from augrgb.video.flow.settings import FlowSettings
from augrgb.video.probe import probe
from augrgb.workflows.dry_run import DryRun, check_annotations, check_disk, check_memory, measured
from augrgb.workflows.encoder_init import options_of

_CHANNELS = {"rgb": 3, "flow": 2}


def dry_run_encoder(recipe: EncoderRecipe, run: Path, *, progress: Progress | None = None) -> DryRun:
    """Look at annotations, open every video and pose file, load the teachers, and make one step on made-up windows.

    Nothing is decoded beyond the first frame of each video, and nothing is written.

    Args:
        run: Where the run would be written.
        progress: Called with (videos looked at, all).
    """
    report = DryRun()
    data, name = recipe.data, next(iter(recipe.encoder))
    dataset = check_annotations(report, data.dataset, data.split, ("encoder",), data.published)
    modalities = {ENCODERS[name].modality} | _teachers(report, recipe)
    skeleton: Skeleton | None = None
    if dataset is not None and data.split in dataset.splits:
        roles = dataset.splits[data.split]
        ids = dict.fromkeys(i for role in ("encoder", "encoder_unlabelled", "val") for i in roles.get(role, ()))
        records = [dataset.videos[i] for i in ids]
        skeleton = _check_files(report, records, modalities, data.allow_missing or 0, progress)
        _check_room(report, recipe, records, modalities, run)
    if ENCODERS[name].modality == "pose" and skeleton is None:
        report.note("one step", "left out: needs a pose file")
        return report
    with report.guarded("one step"):
        _one_step(report, recipe, dataset, skeleton)
    return report


def _teachers(report: DryRun, recipe: EncoderRecipe) -> set[str]:
    """The modalities of the teachers that could be loaded."""
    found: set[str] = set()
    if recipe.distill is None:
        return found
    for name, folder in recipe.distill.teachers.items():
        with report.guarded(f"teacher {name}"):
            loaded = load_encoder(folder)
            _try_flow(loaded.encoder)
            found.add(loaded.encoder.modality)
            report.ok(f"teacher {name}", f"{folder}: {loaded.encoder.name} on {loaded.encoder.modality}")
    for name, folder in recipe.distill.streams.items():
        with report.guarded(f"teacher {name}"):
            report.ok(f"teacher {name}", f"{folder}: stream on {load_stream(folder).settings.modality}")
    return found | ({"pose"} if recipe.distill.joints is not None else set())


def _check_files(
    report: DryRun, records: list[VideoRecord], modalities: set[str], allowed: int, progress: Progress | None
) -> Skeleton | None:
    """Open every file; returns the skeleton of the first sound pose file."""
    videos: list[AugrgbError] = []
    poses: list[AugrgbError] = []
    skeleton: Skeleton | None = None
    pictures = bool(modalities & set(_CHANNELS))
    for done, record in enumerate(records, 1):
        if pictures:
            try:
                if record.file is None:
                    raise InputRefused("E-VID-008", record.video_id, "the dataset names no video file")
                info = probe(record.file)
                if info.duration_s and abs(info.duration_s - record.duration_s) > max(2.0, 0.02 * record.duration_s):
                    problem = f"lasts {info.duration_s:.1f} s, the dataset says {record.duration_s:.1f} s"
                    raise InputRefused("E-ANN-025", record.file, problem, "It is another video, or was cut off.")
            except AugrgbError as fault:
                videos.append(fault)
        if "pose" in modalities:
            try:
                if record.poses is None:
                    raise InputRefused("E-VID-008", record.video_id, "the dataset names no pose file")
                found = read_poses(record.poses).skeleton
                skeleton = skeleton or found
            except AugrgbError as fault:
                poses.append(fault)
        if progress is not None:
            progress(done, len(records))
    for what, looked, faults in (("videos", pictures, videos), ("poses", "pose" in modalities, poses)):
        if len(faults) > allowed:
            report.refuse(what, faults, f"{len(faults)} of {len(records)} cannot be used")
        elif looked:
            report.ok(
                what, f"{len(records) - len(faults)} of {len(records)} can be opened", f"{allowed} may be missing"
            )
    return skeleton


def _check_room(
    report: DryRun, recipe: EncoderRecipe, records: list[VideoRecord], modalities: set[str], run: Path
) -> None:
    """Decoded frames are kept on disk: one byte per pixel and channel."""
    width, height = recipe.data.size
    frames = sum(record.duration_s for record in records) * recipe.clock.fps
    needed = frames * width * height * sum(_CHANNELS.get(name, 0) for name in modalities)
    check_disk(report, recipe.data.frames or run, needed, "decoded frames")


def _one_step(report: DryRun, recipe: EncoderRecipe, dataset: Dataset | None, skeleton: Skeleton | None) -> None:
    """Forward and back through the encoder and a classifier on a batch of the recipe's size."""
    name, options = next(iter(recipe.encoder.items()))
    clock = build_clock(recipe.clock)
    if skeleton is not None and ENCODERS[name].modality == "pose":
        options = {"names": skeleton.names, "parents": skeleton.parents, **options}
    if recipe.init is not None:
        options = {**options_of(recipe.init, name), **options}
    torch.manual_seed(recipe.seed)
    encoder = ENCODERS[name](**options)
    _try_flow(encoder)
    count, (width, height) = recipe.train.batch_size, recipe.data.size
    if encoder.modality == "pose":
        assert skeleton is not None
        shape: tuple[int, ...] = (count, clock.window, len(skeleton.names), 3)
        windows: NDArray[Any] = np.tile(np.arange(shape[2], dtype=np.float32)[:, None], (*shape[:2], 1, 3))
    else:
        shape = (count, clock.window, height, width, _CHANNELS[encoder.modality])
        windows = np.zeros(shape, np.uint8 if encoder.modality == "rgb" else np.int8)
    head = nn.Linear(encoder.dim, len(dataset.classes) if dataset is not None else 1)
    with measured() as spent:
        encoder.train()
        head(encoder(encoder.prepare(windows))).square().mean().backward()
    report.ok("one step", f"forward and back on {count} windows of {shape[1:]}, {spent[0]:.1f} s")
    check_memory(report, spent[1], "one step")


def _try_flow(encoder: SnippetEncoder) -> None:
    """Fail as making its flow would before the first picture: a missing package, or weights that are not there."""
    if encoder.modality == "flow":
        next(iter_flow((), FlowSettings.of(encoder.options.get("flow"))), None)
