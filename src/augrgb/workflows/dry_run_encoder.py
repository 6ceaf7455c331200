"""`augrgb train-encoder --dry-run`: check an encoder's recipe against every video, pose file and teacher it names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from augrgb.annotations.videos.look import look
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.progress import Progress
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.features.frame_cache import source_of
from augrgb.poses.files import Skeleton, read_poses
from augrgb.poses.pose_lengths import pose_length_faults
from augrgb.recipe.assembly import with_device
from augrgb.recipe.build import unlabelled_share
from augrgb.recipe.encoder_assembly import (
    EncoderInputs,
    assemble_encoder_task,
    encoder_modality,
    map_of_student,
    open_encoder_teachers,
    start_encoder,
    student_flow,
)
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.sensors.file_lengths import file_length_faults
from augrgb.sensors.files import MODALITIES as SENSORS
from augrgb.sensors.files import SensorFile, read_sensor, sensor_frames
from augrgb.training.encoder_task import SnippetSet
from augrgb.training.teachers.encoder_teachers import EncoderTeachers
from augrgb.training.teachers.joint_cells import image_frames
from augrgb.training.teachers.snippet import SnippetTeacher
from augrgb.training.teachers.snippet_outputs import classifies
from augrgb.video.flow import iter_flow
from augrgb.video.flow.settings import FlowSettings
from augrgb.workflows.dry_run import DryRun, check_annotations, check_disk, check_memory, train_one_step
from augrgb.workflows.dry_run_pretrain import check_pretraining

_CHANNELS = {"rgb": 3, "flow": 2}


def dry_run_encoder(
    recipe: EncoderRecipe, run: Path, *, device: str | None = None, progress: Progress | None = None
) -> DryRun:
    """Check annotations, open every video and pose file, load the teachers, and train one step on random windows.

    The videos of pretraining are opened too, and one step of it is trained. Assembles the run as training does, part by
    part. Only the first frame of each video is decoded, and only a temporary folder is written.

    Args:
        recipe: What would be trained on what.
        run: Where the run would be written.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; None = the recipe's `train.accelerator`.
        progress: Called with (videos checked, all).
    """
    report = DryRun()
    gpu: int | None = None
    with report.guarded("device"):
        recipe, gpu = with_device(recipe, device)
    data, modality = recipe.data, encoder_modality(recipe)
    dataset = check_annotations(report, data.dataset, data.split, ("encoder",), data.published)
    teachers = open_encoder_teachers(recipe, dataset, report.guarded)
    _report_teachers(report, recipe, teachers)
    skeleton: Skeleton | None = None
    if dataset is not None and data.split in dataset.splits:
        roles, modalities = dataset.splits[data.split], {modality} | teachers.all_modalities
        ids = dict.fromkeys(i for role in ("encoder", "encoder_unlabelled", "val") for i in roles.get(role, ()))
        records = [dataset.videos[i] for i in ids]
        placed = teachers.joint_cells is not None
        skeleton = _check_files(report, records, modalities, data.allow_missing or 0, progress, placed=placed)
        _check_room(report, recipe, records, modalities, run)
    if recipe.pretrain is not None:
        check_pretraining(report, recipe, run, gpu)
    sensor = None
    if modality in SENSORS:
        known = dataset.videos.values() if dataset is not None else ()
        sensor = next((f for f in (_sensor(record, modality) for record in known) if f), None)
        if sensor is None:
            report.note("one step", f"skipped: needs a {modality} file")
            return report
    if modality == "pose" and skeleton is None:
        report.note("one step", "skipped: needs a pose file")
        return report
    with report.guarded("one step"):
        if modality == "flow":
            _try_flow(student_flow(recipe))
        _one_step(report, recipe, dataset, teachers, skeleton, gpu, sensor)
    return report


def _report_teachers(report: DryRun, recipe: EncoderRecipe, teachers: EncoderTeachers) -> None:
    if recipe.distill is None:
        return
    for name, loaded in teachers.encoders.items():
        with report.guarded(f"teacher {name}"):
            if loaded.encoder.modality == "flow":
                _try_flow(FlowSettings.of(loaded.encoder.options.get("flow")))
            found = f"{recipe.distill.teachers[name]}: {loaded.encoder.name} on {loaded.encoder.modality}"
            report.ok(f"teacher {name}", found)
    for name, teacher in teachers.streams.items():
        found = f"{recipe.distill.streams[name]}: stream on {teacher.stream.settings.modality}"
        report.ok(f"teacher {name}", found)


def _check_files(
    report: DryRun,
    records: list[VideoRecord],
    modalities: set[str],
    allowed: int,
    progress: Progress | None,
    *,
    placed: bool = False,
) -> Skeleton | None:
    """Open every file; returns the skeleton of the first valid pose file.

    Args:
        placed: Pose files must say where joints lie in the image.
    """
    videos: list[AugrgbError] = []
    poses: list[AugrgbError] = []
    sensors: list[AugrgbError] = []
    unused: list[AugrgbError] = []
    skeleton: Skeleton | None = None
    images = bool(modalities & set(_CHANNELS))
    for done, record in enumerate(records, 1):
        if images:
            try:
                if record.file is None:
                    raise InputRefused("E-VID-008", record.video_id, "the dataset names no video file")
                info = look(record.file)
                stated_s = record.known_duration_s
                if info.duration_s and abs(info.duration_s - stated_s) > _slack_s(stated_s):
                    problem = f"lasts {info.duration_s:.1f} s, the dataset says {stated_s:.1f} s"
                    raise InputRefused("E-ANN-025", record.file, problem, "It is another video, or incomplete.")
            except AugrgbError as fault:
                videos.append(fault)
        if "pose" in modalities:
            try:
                if record.poses is None:
                    raise InputRefused("E-VID-008", record.video_id, "the dataset names no pose file")
                faults = pose_length_faults(record)
                poses.extend(faults)
                if not faults and (placed or skeleton is None):
                    found = read_poses(record.poses)
                    skeleton = skeleton or found.skeleton
                    if placed:
                        image_frames(found, found.fps, record.poses)
            except AugrgbError as fault:
                poses.append(fault)
        for modality in sorted(modalities & set(SENSORS)):
            try:
                path = source_of(record, modality)
                sensor_frames(path, read_sensor(path, modality), 1.0, record.known_duration_s)
            except AugrgbError as fault:
                sensors.append(fault)
        unused.extend(file_length_faults(_without_files_of(record, modalities)))
        if progress is not None:
            progress(done, len(records))
    if unused:
        more = f", and {len(unused) - 1} more" if len(unused) > 1 else ""
        report.note("other files", f"not used here, but wrong: {unused[0]}{more}")
    sensing = bool(modalities & set(SENSORS))
    for what, wanted, faults in (
        ("videos", images, videos),
        ("poses", "pose" in modalities, poses),
        ("sensors", sensing, sensors),
    ):
        if len(faults) > allowed:
            report.refuse(what, faults, f"{len(faults)} of {len(records)} cannot be used")
        elif wanted:
            report.ok(
                what, f"{len(records) - len(faults)} of {len(records)} can be opened", f"{allowed} may be missing"
            )
    return skeleton


def _without_files_of(record: VideoRecord, modalities: set[str]) -> VideoRecord:
    """The video without the pose and sensor files that the run uses."""
    used = {"poses" if modality == "pose" else modality for modality in modalities} & {"poses", *SENSORS}
    return replace(record, **dict.fromkeys(used))  # type: ignore[arg-type]


def _slack_s(duration_s: float) -> float:
    return max(2.0, 0.02 * duration_s)


def _check_room(
    report: DryRun, recipe: EncoderRecipe, records: list[VideoRecord], modalities: set[str], run: Path
) -> None:
    """Decoded frames are kept on disk: one byte per pixel and channel."""
    width, height = recipe.data.size
    frames = sum(record.known_duration_s for record in records) * recipe.clock.fps
    needed = frames * width * height * sum(_CHANNELS.get(name, 0) for name in modalities)
    check_disk(report, recipe.data.frames or run, needed, "decoded frames")


def _one_step(
    report: DryRun,
    recipe: EncoderRecipe,
    dataset: Dataset | None,
    teachers: EncoderTeachers,
    skeleton: Skeleton | None,
    gpu: int | None,
    sensor: SensorFile | None = None,
) -> None:
    """Train one step on a batch of the recipe's size: random windows, labels and outputs of teachers."""
    classes = dataset.classes if dataset is not None else ("unknown",)
    pose = skeleton if encoder_modality(recipe) == "pose" else None
    start = start_encoder(recipe, classes, pose, _sensor_options(sensor))
    size = (recipe.train.batch_size, *_window(recipe, start.encoder, pose, sensor))
    snippets = _random_snippets(recipe, start.encoder, size, len(classes))
    known = dataset.classes if dataset is not None else None
    shape = map_of_student(recipe, start.encoder, teachers)
    outputs = _random_outputs(teachers, known, len(snippets.labels), recipe, skeleton)
    cells = None
    if shape is not None and teachers.joint_cells is not None and skeleton is not None:
        width = len(skeleton.names) * shape[1] * shape[2]
        cells = SnippetTeacher(
            rng_at(recipe.seed, "dry run", "cells").random((len(snippets.labels), width), np.float32)
        )
    inputs = EncoderInputs(snippets, None, *outputs, cells)
    name = dataset.name if dataset is not None else str(recipe.data.dataset)
    assembly = assemble_encoder_task(recipe, start, inputs, teachers, classes, name)
    step = train_one_step(assembly, recipe.data.dataset, gpu)
    report.ok("one step", f"forward and backward on {size[0]} windows of {size[1:]}, {step.seconds:.1f} s", "finite")
    check_memory(report, step.memory, "one step")


def _window(
    recipe: EncoderRecipe, encoder: SnippetEncoder, skeleton: Skeleton | None, sensor: SensorFile | None
) -> tuple[int, ...]:
    """Shape of one window before the encoder prepares it."""
    if sensor is not None:
        return (recipe.clock.window, *sensor.values.shape[1:])
    if skeleton is not None:
        return (recipe.clock.window, len(skeleton.names), 3)
    width, height = recipe.data.size
    return (recipe.clock.window, height, width, _CHANNELS[encoder.modality])


def _sensor(record: VideoRecord, modality: str) -> SensorFile | None:
    path = record.source(modality)
    try:
        return read_sensor(path, modality) if path is not None else None
    except AugrgbError:  # reported with the other files
        return None


def _sensor_options(sensor: SensorFile | None) -> dict[str, Any]:
    """Options of an encoder for a sensor's rows; its statistics are those of one file, which one step can do with."""
    if sensor is None:
        return {}
    shape = sensor.values.shape[1:]
    ones = [1.0] * shape[-1]
    return {"shape": list(shape), "std": ones} if len(shape) == 3 else {"channels": shape[0], "mean": ones, "std": ones}


def _random_snippets(recipe: EncoderRecipe, encoder: SnippetEncoder, size: tuple[int, ...], classes: int) -> SnippetSet:
    """One batch of labelled snippets, and as many unlabelled ones where these are used."""

    def inputs(indices: NDArray[np.int64], rng: np.random.Generator | None) -> Tensor:
        drawn: NDArray[Any] = rng_at(recipe.seed, "dry run", "windows").integers(0, 128, (len(indices), *size[1:]))
        kinds = {"rgb": np.uint8, "flow": np.int8}
        return encoder.prepare(drawn.astype(kinds.get(encoder.modality, np.float32)))

    count = size[0] * (2 if unlabelled_share(recipe) else 1)
    labels = rng_at(recipe.seed, "dry run", "labels").integers(0, 2, (count, classes)).astype(np.float32)
    return SnippetSet(inputs, labels, np.arange(count) < size[0])


def _random_outputs(
    teachers: EncoderTeachers,
    classes: tuple[str, ...] | None,
    count: int,
    recipe: EncoderRecipe,
    skeleton: Skeleton | None,
) -> tuple[dict[str, SnippetTeacher], SnippetTeacher | None]:
    """Outputs of the right sizes for every teacher, and for the joints: with logits if it scores the same classes."""
    rng = rng_at(recipe.seed, "dry run", "teachers")

    def outputs(width: int, scores: bool) -> SnippetTeacher:
        logits = rng.standard_normal((count, len(classes or ("unknown",))), np.float32) if scores else None
        return SnippetTeacher(rng.standard_normal((count, width), np.float32), logits)

    found = {
        name: outputs(loaded.encoder.dim, classes is None or classifies(loaded, classes))
        for name, loaded in teachers.encoders.items()
    }
    for name, teacher in teachers.streams.items():
        stream = teacher.stream
        found[name] = outputs(stream.stream.filter.width, classes is None or stream.settings.classes == classes)
    if teachers.joints is None or skeleton is None:
        return found, None
    return found, outputs(teachers.joints.width(skeleton, recipe.clock.window), False)


def _try_flow(flow: FlowSettings) -> None:
    """Fail as making the flow would before the first frame: a missing package, or weights that are not there."""
    next(iter_flow((), flow), None)
