"""An encoder recipe -> everything that its training needs. `--dry-run` takes the same way, part by part."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.annotations.shared_units import seen_in_training
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset
from augrgb.core.weights import fingerprint
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, LoadedEncoder, load_encoder, save_encoder
from augrgb.encoders.pretrained import load_pretrained, usual_options
from augrgb.encoders.snippet_encoder import SnippetEncoder
from augrgb.features.frame_folder import FrameSettings
from augrgb.features.frames import OWN_FILES
from augrgb.features.snippet_bank import SnippetBank
from augrgb.poses.files import Skeleton
from augrgb.recipe.assembly import Guard, strict
from augrgb.recipe.build import (
    build_augmentation,
    build_clock,
    build_feature_folder,
    build_fit_settings,
    build_joint_cells,
    build_joint_target,
    build_losses,
    build_student_terms,
    recipe_to_json,
    unlabelled_share,
)
from augrgb.recipe.encoder_schema import AugmentSection, EncoderRecipe
from augrgb.training.assembly import Assembly
from augrgb.training.encoder_frames import cache_training_frames
from augrgb.training.encoder_snippets import labelled_snippets, mirroring
from augrgb.training.encoder_start import freeze, inherited_options, start_from
from augrgb.training.encoder_task import EncoderClassifier, EncoderTask, SnippetSet
from augrgb.training.teachers.encoder_teachers import (
    EncoderTeachers,
    chosen_encoder_teachers,
    encoder_distillation,
    has_file,
)
from augrgb.training.teachers.mixing import TeacherMixing
from augrgb.training.teachers.snippet import SnippetTeacher
from augrgb.training.teachers.snippet_classifier import SnippetClassifier
from augrgb.training.teachers.snippet_outputs import StreamTeacher, load_stream_teacher
from augrgb.training.teachers.terms import Mixing
from augrgb.video.flow.settings import FlowSettings
from augrgb.weights import WEIGHTS

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EncoderVideos:
    """Ids of the videos of an encoder's training."""

    labelled: Sequence[str]
    unlabelled: Sequence[str] = ()
    val: Sequence[str] = ()

    @property
    def trained(self) -> tuple[str, ...]:
        """Those it is trained on."""
        return (*self.labelled, *self.unlabelled)


@dataclass(frozen=True)
class EncoderStart:
    """The student before training, and the classifier to start from, if any."""

    encoder: SnippetEncoder
    classifier: SnippetClassifier | None = None


@dataclass(frozen=True)
class EncoderInputs:
    """What an encoder learns from: snippets, and for these the outputs of teachers and the joints."""

    snippets: SnippetSet
    val: SnippetSet | None = None
    sources: Mapping[str, SnippetTeacher] = field(default_factory=dict)
    joints: SnippetTeacher | None = None
    joint_cells: SnippetTeacher | None = None
    mixing: TeacherMixing | None = None


def assemble_encoder(
    recipe: EncoderRecipe, run: Path, *, workers: int = 0, decoding: Progress | None = None
) -> Assembly:
    """Load the teachers, decode the videos, and compute what teachers make of them.

    Args:
        recipe: What to train on what.
        run: Its folder, where frames are cached unless the recipe names a folder for them.
        workers: Child processes that decode videos; 0 = in this process.
        decoding: Called with (videos decoded, videos in all).

    Raises:
        AugrgbError: Bad data, teachers or settings; see the parts.
    """
    dataset = load_dataset(recipe.data.dataset)
    teachers = open_encoder_teachers(recipe, dataset)
    judging = recipe.distill is not None and recipe.distill.teacher_mixing == "validated"
    videos = with_files(recipe, dataset, encoder_videos(recipe, dataset))
    if judging and not videos.val:
        problem = "there are no validation videos to choose teachers by"
        raise UsageFault("E-TRN-005", "distill.teacher_mixing", problem, "Give the weights as numbers.")
    if seen := seen_in_training(dataset.videos, videos.trained, videos.val):
        _log.warning("%s", seen)
    missing = teachers.missing(dataset, (*videos.trained, *(videos.val if judging else ())))
    frames, wanted = recipe.data.frames or run / "frames", _wanted_frames(recipe, teachers, dataset, videos, judging)
    cache_training_frames(dataset, wanted, frames, teachers.frames, workers=workers, progress=decoding)
    modality, clock = encoder_modality(recipe), build_clock(recipe.clock)
    bank = SnippetBank(frames, videos.trained, modality, clock)
    val = SnippetBank(frames, videos.val, modality, clock)
    start = start_encoder(recipe, dataset.classes, bank.skeleton, bank.sensor_options())
    val_snippets = labelled_snippets(start.encoder, val, dataset, set(videos.val)) if videos.val else None
    mixing = None
    if judging and val_snippets is not None:
        judged = teachers.sources(dataset, val, missing, frames, run / "teacher_frames", workers=workers)
        mixing = chosen_encoder_teachers(teachers, judged, val_snippets)
    inputs = EncoderInputs(
        labelled_snippets(start.encoder, bank, dataset, set(videos.labelled), build_augmentation(recipe.augment)),
        val_snippets,
        teachers.sources(dataset, bank, missing, frames, run / "teacher_frames", workers=workers),
        teachers.joint_source(dataset, bank),
        teachers.joint_cell_source(dataset, bank, map_of_student(recipe, start.encoder, teachers)),
        mixing,
    )
    return assemble_encoder_task(recipe, start, inputs, teachers, dataset.classes, dataset.name)


def open_encoder_teachers(
    recipe: EncoderRecipe, dataset: Dataset | None = None, guard: Guard = strict
) -> EncoderTeachers:
    """Load all teachers.

    Args:
        recipe: Names them.
        dataset: Has the videos that features are matched to.
        guard: Around `init` and `teacher NAME`.

    Raises:
        AugrgbError: Of a part, unless the guard swallows it: see `load_encoder` and `load_stream_teacher`.
    """
    clock, size, distill = recipe.clock, recipe.data.size, recipe.distill
    frames = FrameSettings(clock.fps, size)
    with guard("init"):
        frames = FrameSettings(clock.fps, size, student_flow(recipe))
    if distill is None:
        return EncoderTeachers(frames)
    encoders: dict[str, LoadedEncoder] = {}
    for name, folder in distill.teachers.items():
        with guard(f"teacher {name}"):
            encoders[name] = load_encoder(folder)
    streams: dict[str, StreamTeacher] = {}
    for name, folder in distill.streams.items():
        with guard(f"teacher {name}"):
            section = distill.features.get(name)
            features = build_feature_folder(section, dataset) if section is not None else None
            streams[name] = load_stream_teacher(name, folder, features)
    joints = build_joint_target(distill.joints)
    cells, attention = build_joint_cells(distill.joint_cells), distill.attention
    drives = (attention.weight, tuple(attention.teachers)) if attention is not None else (0.0, ())
    allowed = recipe.data.allow_missing or 0
    return EncoderTeachers(frames, encoders, streams, joints, allowed, joint_cells=cells, attention=drives)


def map_of_student(
    recipe: EncoderRecipe, encoder: SnippetEncoder, teachers: EncoderTeachers
) -> tuple[int, int, int] | None:
    """(channels, rows, columns) of the student's map of the image; None where nothing looks at it.

    Raises:
        UsageFault: E-ENC-017, the encoder gives no map.
    """
    if not teachers.look_at_map:
        return None
    shape = encoder.map_shape(recipe.data.size)
    if shape is None:
        problem = f"{encoder.name} gives no map of the image"
        raise UsageFault("E-ENC-017", "distill", problem, "Use small_rgb, or leave joint_cells and attention out.")
    return shape


def encoder_videos(recipe: EncoderRecipe, dataset: Dataset) -> EncoderVideos:
    """The videos of the recipe's split; unlabelled ones only where something learns from them.

    Raises:
        UsageFault: E-SPL-001, there is no such split; E-SPL-007, its role `encoder` is empty.
    """
    split = recipe.data.split
    unlabelled = unlabelled_share(recipe) is not None
    return EncoderVideos(
        role(dataset, split, "encoder"),
        role(dataset, split, "encoder_unlabelled", allow_empty=True) if unlabelled else (),
        role(dataset, split, "val", allow_empty=True),
    )


def with_files(recipe: EncoderRecipe, dataset: Dataset, videos: EncoderVideos) -> EncoderVideos:
    """The videos that have what the student sees; as many as `data.allow_missing` says may lack it.

    Raises:
        InputRefused: E-FEA-002, more lack it, or all labelled ones do.
    """
    modality, allowed = encoder_modality(recipe), recipe.data.allow_missing or 0
    every = (*videos.trained, *videos.val)
    lacking = [video_id for video_id in every if not has_file(dataset, modality, video_id)]
    if not lacking or not allowed:  # without leave to miss any, each is named when its frames are cached
        return videos
    kept = EncoderVideos(
        *(tuple(i for i in ids if i not in set(lacking)) for ids in (videos.labelled, videos.unlabelled, videos.val))
    )
    if len(lacking) > allowed or not kept.labelled:
        problem = f"{len(lacking)} of {len(every)} videos have no {modality} file, such as {lacking[0]!r}"
        raise InputRefused("E-FEA-002", dataset.name, problem, f"Allow it: data.allow_missing={len(lacking)}.")
    _log.warning("%d of %d videos have no %s file and are left out", len(lacking), len(every), modality)
    return kept


def start_encoder(
    recipe: EncoderRecipe,
    classes: tuple[str, ...],
    skeleton: Skeleton | None = None,
    sensor: Mapping[str, Any] | None = None,
) -> EncoderStart:
    """Build the student under the recipe's seed, with the weights from which it starts.

    Args:
        recipe: Names the encoder and its weights.
        classes: Of the training.
        skeleton: Of its poses, if it sees poses.
        sensor: Options that it takes from the data of its sensor (`SnippetBank.sensor_options`).

    Raises:
        AugrgbError: See `start_from`.
    """
    name = next(iter(recipe.encoder))
    torch.manual_seed(recipe.seed)
    encoder = ENCODERS[name](**encoder_options(recipe, skeleton, sensor))
    init = recipe.init
    if init is None:
        return EncoderStart(encoder)
    if init.folder is None:
        load_pretrained(encoder, str(init.weights))
        freeze(encoder, init.freeze)
        return EncoderStart(encoder)
    clock = build_clock(recipe.clock)
    return EncoderStart(
        encoder, start_from(init.folder, encoder, clock, classes, frozen=init.freeze, classifier=init.classifier)
    )


def assemble_encoder_task(
    recipe: EncoderRecipe,
    start: EncoderStart,
    inputs: EncoderInputs,
    teachers: EncoderTeachers,
    classes: tuple[str, ...],
    dataset: str,
) -> Assembly:
    """Make the task of a student that was just built: losses and classifier draw on from its random numbers.

    Raises:
        AugrgbError: Teachers or settings that do not fit.
    """
    encoder, modality, distill = start.encoder, encoder_modality(recipe), recipe.distill
    started = fingerprint(encoder.state_dict()) if recipe.init is not None else None
    losses = build_losses(distill, recipe.train.steps)
    mixing: Mixing | None = None
    if distill is not None:  # a dry run has looked at no validation video
        chosen: Mixing = inputs.mixing if inputs.mixing is not None else "equal"
        mixing = chosen if distill.teacher_mixing == "validated" else cast(Mixing, distill.teacher_mixing)
    taught = encoder_distillation(
        losses,
        teachers,
        inputs.sources,
        inputs.joints,
        inputs.snippets,
        encoder.dim,
        mixing=mixing,
        joint_cells=inputs.joint_cells,
        image_map=map_of_student(recipe, encoder, teachers),
    )
    student = EncoderClassifier(encoder, encoder.dim, len(classes), with_map=teachers.look_at_map)
    if start.classifier is not None:
        student.start_from(start.classifier)
    settings = EncoderSettings(
        build_clock(recipe.clock),
        recipe.data.size if modality not in OWN_FILES else None,
        classes,
        {"dataset": dataset, "seed": recipe.seed, "teachers": teachers.names},
    )

    def write(folder: Path, module: nn.Module) -> None:
        save_encoder(folder, cast(SnippetEncoder, module), settings)

    section = recipe.augment if isinstance(recipe.augment, AugmentSection) else AugmentSection()
    task = EncoderTask(
        student,
        inputs.snippets,
        write=write,
        val=inputs.val,
        terms=(*taught.terms, *build_student_terms(recipe, student, modality)),
        mirroring=mirroring(section.flip, section.swap or (), encoder.modality, classes),
        modality=modality,
        batch_size=recipe.train.batch_size,
        unlabelled_share=unlabelled_share(recipe),
        seed=recipe.seed,
        start=started,
    )
    return Assembly(task, build_fit_settings(recipe.train, recipe.seed), recipe_to_json(recipe), classes, taught.mixing)


def encoder_modality(recipe: EncoderRecipe) -> str:
    """What the student sees."""
    return ENCODERS[next(iter(recipe.encoder))].modality


def encoder_options(
    recipe: EncoderRecipe, skeleton: Skeleton | None = None, sensor: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The student's options: as given, else from its poses or sensor, else from the weights it starts from."""
    name, given = next(iter(recipe.encoder.items()))
    folder = recipe.init.folder if recipe.init is not None else None
    inherited = inherited_options(folder, name) if folder is not None else {}
    entry = WEIGHTS.get(recipe.init.weights or "") if recipe.init is not None else None
    if entry is not None and entry.encoder == name:
        inherited = usual_options(entry)
    poses = {"names": skeleton.names, "parents": skeleton.parents} if skeleton is not None else {}
    measured = {} if recipe.init is not None else dict(sensor or {})  # weights keep the scale they were trained on
    return {**inherited, **poses, **measured, **given}


def student_flow(recipe: EncoderRecipe) -> FlowSettings:
    """How the flow is made that the student sees; the default for other modalities."""
    sees_flow = encoder_modality(recipe) == "flow"
    return FlowSettings.of(encoder_options(recipe).get("flow") if sees_flow else None)


def _wanted_frames(
    recipe: EncoderRecipe, teachers: EncoderTeachers, dataset: Dataset, videos: EncoderVideos, judging: bool
) -> dict[str, set[str]]:
    """Which modalities to decode of each video: the student's, and what teachers share with it where they speak."""
    trained, shared = {*videos.trained, *(videos.val if judging else ())}, teachers.modalities
    wanted: dict[str, set[str]] = {}
    for video_id in dict.fromkeys((*videos.trained, *videos.val)):
        seen = {name for name in shared if video_id in trained and has_file(dataset, name, video_id)}
        wanted[video_id] = {encoder_modality(recipe), *seen}
    return wanted
