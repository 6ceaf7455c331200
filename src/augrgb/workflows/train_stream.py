"""Train one stream, plain or distilled, from a recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.core.errors import UsageFault, did_you_mean
from augrgb.core.files import write_bytes, write_json
from augrgb.features.store import ENCODER_COPY
from augrgb.features.stream_data import StreamData
from augrgb.recipe.build import (
    build_features,
    build_fit_settings,
    build_perturbation,
    build_student_terms,
    recipe_to_json,
    unlabelled_share,
)
from augrgb.recipe.schema import StreamRecipe
from augrgb.streams.files import StreamSettings, build_stream
from augrgb.training.loop import fit
from augrgb.training.run_folder import RunFolder
from augrgb.training.settings import FitResult
from augrgb.training.stream_task import StreamTask
from augrgb.training.task import DistillTerm
from augrgb.training.teachers.mixing import TeacherMixing
from augrgb.workflows.stream_teachers import distill_terms, load_teachers

ENCODER_FOLDER = "encoder"
TEACHER_MIXING = "teacher_mixing.json"


def train_stream(recipe: StreamRecipe, run: Path, *, progress: Callable[[int, int], None] | None = None) -> FitResult:
    """Train into a run folder; a finished run is returned, an interrupted one goes on.

    The run folder also gets a copy of the snippet encoder (where the features carry one), so that it can be used on
    videos by itself, and, where the weights of teachers were learned, these.

    Raises:
        AugrgbError: Bad data, features, teachers or settings; see the parts.
    """
    dataset = load_dataset(recipe.data.dataset)
    modality = recipe.student.modality
    teachers = load_teachers(recipe.distill, dataset.classes)
    wanted = {modality} | {teacher.settings.modality for teacher in teachers.values()}
    absent = sorted(wanted - set(recipe.data.features))
    if absent:
        hint = did_you_mean(absent[0], recipe.data.features)
        raise UsageFault("E-CFG-003", "data.features", f"no folder for {', '.join(absent)}", hint)
    features = build_features(recipe.data, wanted)
    split, allowed = recipe.data.split, recipe.data.allow_missing
    labelled = role(dataset, split, "train")
    share = unlabelled_share(recipe)
    unlabelled = role(dataset, split, "unlabelled", allow_empty=True) if share is not None else ()
    data = StreamData(
        dataset, (*labelled, *unlabelled), features, grid=modality, labelled=set(labelled), allow_missing=allowed
    )
    val = StreamData(
        dataset,
        role(dataset, split, "val", allow_empty=True),
        {modality: features[modality]},
        grid=modality,
        allow_missing=allowed,
    )
    filter_name, options = next(iter(recipe.student.filter.items()))
    dim_in = features[modality].dim
    settings = StreamSettings(
        modality, filter_name, dim_in, dataset.classes, data.clock(0), options, {"dataset": dataset.name}
    )
    torch.manual_seed(recipe.seed)
    stream = build_stream(settings)
    terms: list[DistillTerm] = []
    weights: TeacherMixing | None = None
    if recipe.distill is not None:
        terms, weights = distill_terms(recipe.distill, teachers, data, stream.filter.width, steps=recipe.train.steps)
    task = StreamTask(
        stream,
        settings,
        data,
        val=val,
        terms=terms,
        own=build_student_terms(recipe, stream),
        perturbation=build_perturbation(recipe),
        batch_size=recipe.train.batch_size,
        unlabelled_share=share,
        max_length=recipe.train.max_length,
        seed=recipe.seed,
    )
    result = fit(
        task,
        RunFolder(run),
        build_fit_settings(recipe.train, recipe.seed),
        recipe=recipe_to_json(recipe),
        progress=(lambda done, total, _: progress(done, total)) if progress is not None else None,
    )
    if weights is not None:
        write_json(run / TEACHER_MIXING, weights.to_json(dataset.classes))
    _bundle_encoder(recipe.data.features[modality].folder / ENCODER_COPY, run / ENCODER_FOLDER)
    return result


def _bundle_encoder(source: Path, target: Path) -> None:
    # Foreign features come without their encoder: such a stream scores features, not videos.
    for name in ("model.safetensors", "model.json"):
        if (source / name).is_file():
            write_bytes(target / name, (source / name).read_bytes())
