"""A stream recipe -> everything that its training needs. `--dry-run` takes the same way, part by part."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.annotations.shared_units import seen_in_training
from augrgb.core.errors import UsageFault, did_you_mean
from augrgb.core.types import Dataset
from augrgb.features.stream_data import StreamData
from augrgb.features.video_features import FeatureFolder
from augrgb.recipe.assembly import Guard, strict
from augrgb.recipe.build import (
    build_feature_folder,
    build_fit_settings,
    build_losses,
    build_student_terms,
    recipe_to_json,
    unlabelled_share,
)
from augrgb.recipe.schema import StreamRecipe
from augrgb.recipe.sections import FeatureSection
from augrgb.streams.ensemble import load_ensemble
from augrgb.streams.files import LoadedStream, StreamSettings, build_stream
from augrgb.training.assembly import Assembly
from augrgb.training.perturbation import Perturbation
from augrgb.training.stream_task import StreamTask
from augrgb.training.teachers.stream_teachers import chosen_stream_teachers, stream_distillation
from augrgb.training.teachers.terms import Mixing

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamInputs:
    """What a stream learns from besides its dataset: teachers by name, feature folders by modality."""

    teachers: Mapping[str, LoadedStream]
    features: Mapping[str, FeatureFolder]


@dataclass(frozen=True)
class StreamVideos:
    """Ids of the videos of a stream's training."""

    labelled: Sequence[str]
    unlabelled: Sequence[str] = ()
    val: Sequence[str] = ()


def assemble_stream(recipe: StreamRecipe) -> Assembly:
    """Read everything that a recipe names.

    Raises:
        AugrgbError: Bad data, features, teachers or settings; see the parts.
    """
    dataset = load_dataset(recipe.data.dataset)
    videos = stream_videos(recipe, dataset)
    if seen := seen_in_training(dataset.videos, (*videos.labelled, *videos.unlabelled), videos.val):
        _log.warning("%s", seen)
    return assemble_stream_task(recipe, dataset, open_stream_inputs(recipe, dataset), videos)


def open_stream_inputs(recipe: StreamRecipe, dataset: Dataset | None = None, guard: Guard = strict) -> StreamInputs:
    """Load the teachers, and open the feature folders of the student and of all of them.

    Args:
        recipe: Names them.
        dataset: Has the class list on which teachers must agree, and the videos that features are matched to.
        guard: Around `teacher NAME` and `MODALITY features`.

    Raises:
        AugrgbError: Of a part, unless the guard swallows it: see `load_ensemble` and `open_features`;
            E-CFG-003, no folder for a modality.
    """
    classes = dataset.classes if dataset is not None else None
    teachers: dict[str, LoadedStream] = {}
    for name, runs in (recipe.distill.teachers if recipe.distill is not None else {}).items():
        with guard(f"teacher {name}"):
            teachers[name] = load_ensemble(runs if isinstance(runs, list) else [runs], classes=classes)
    features: dict[str, FeatureFolder] = {}
    for modality in sorted({recipe.student.modality} | {t.settings.modality for t in teachers.values()}):
        with guard(f"{modality} features"):
            features[modality] = build_feature_folder(_feature_section(recipe, modality), dataset)
    return StreamInputs(teachers, features)


def stream_videos(recipe: StreamRecipe, dataset: Dataset, *, allow_empty: bool = False) -> StreamVideos:
    """The videos of the recipe's split; unlabelled ones only where something learns from them.

    Raises:
        UsageFault: E-SPL-001, there is no such split; E-SPL-007, its role `train` is empty and must not be.
    """
    split = recipe.data.split
    unlabelled = unlabelled_share(recipe) is not None
    return StreamVideos(
        role(dataset, split, "train", allow_empty=allow_empty),
        role(dataset, split, "unlabelled", allow_empty=True) if unlabelled else (),
        role(dataset, split, "val", allow_empty=True),
    )


def assemble_stream_task(
    recipe: StreamRecipe, dataset: Dataset, inputs: StreamInputs, videos: StreamVideos
) -> Assembly:
    """Build the student under the recipe's seed, run its teachers over its videos, and make the task.

    Raises:
        AugrgbError: Data, features, teachers or settings that do not fit.
    """
    modality, allowed, share = recipe.student.modality, recipe.data.allow_missing, unlabelled_share(recipe)
    data = StreamData(
        dataset,
        (*videos.labelled, *videos.unlabelled),
        inputs.features,
        grid=modality,
        labelled=set(videos.labelled),
        allow_missing=allowed,
    )
    own_features = {modality: inputs.features[modality]}
    val = StreamData(dataset, videos.val, own_features, grid=modality, allow_missing=allowed)
    filter_name, options = next(iter(recipe.student.filter.items()))
    dim_in, notes = inputs.features[modality].dim, {"dataset": dataset.name}
    settings = StreamSettings(modality, filter_name, dim_in, dataset.classes, data.clock(0), options, notes)
    torch.manual_seed(recipe.seed)
    stream = build_stream(settings)
    losses = build_losses(recipe.distill, recipe.train.steps)
    mixing: Mixing | None = None
    if recipe.distill is not None and recipe.distill.teacher_mixing == "validated":
        judged = StreamData(dataset, videos.val, inputs.features, grid=modality, allow_missing=allowed)
        mixing = chosen_stream_teachers(inputs.teachers, judged)
    elif recipe.distill is not None:
        mixing = cast(Mixing, recipe.distill.teacher_mixing)
    taught = stream_distillation(losses, inputs.teachers, data, stream.filter.width, mixing=mixing)
    semi = recipe.semi_supervised
    task = StreamTask(
        stream,
        settings,
        data,
        val=val,
        terms=(*taught.terms, *build_student_terms(recipe, stream, modality)),
        perturbation=Perturbation(semi.channel_dropout, semi.noise) if semi is not None else None,
        batch_size=recipe.train.batch_size,
        unlabelled_share=share,
        max_length=recipe.train.max_length,
        seed=recipe.seed,
    )
    fit_settings = build_fit_settings(recipe.train, recipe.seed)
    return Assembly(task, fit_settings, recipe_to_json(recipe), dataset.classes, taught.mixing)


def _feature_section(recipe: StreamRecipe, modality: str) -> FeatureSection:
    sections = recipe.data.features
    if modality not in sections:
        raise UsageFault("E-FEA-001", "data.features", f"no folder for {modality}", did_you_mean(modality, sections))
    return sections[modality]
