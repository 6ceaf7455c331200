"""Checked recipes -> settings and objects of the layers below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from torch import nn

from augrgb.core.batch import StreamDims
from augrgb.core.timeline import Clock
from augrgb.features.store import open_features
from augrgb.features.video_features import FeatureFolder
from augrgb.losses import LOSSES
from augrgb.recipe.encoder_schema import EncoderDistillSection, EncoderRecipe
from augrgb.recipe.schema import DataSection, DistillSection, StreamRecipe
from augrgb.recipe.sections import ClockSection, TrainSection
from augrgb.streams.stream import Stream
from augrgb.training.auxiliary_term import auxiliary_terms
from augrgb.training.mean_teacher import MeanTeacher
from augrgb.training.perturbation import Perturbation
from augrgb.training.settings import FitSettings
from augrgb.training.student_term import StudentTerm
from augrgb.training.task import DistillTerm, TeacherSource
from augrgb.training.weight_average import WeightAverage


def build_clock(section: ClockSection) -> Clock:
    """The time base."""
    return Clock(section.fps, section.window, section.stride, section.offset)


def build_features(data: DataSection, modalities: set[str]) -> dict[str, FeatureFolder]:
    """The feature folders of some modalities, opened."""
    return {
        name: open_features(section.folder, build_clock(section.clock) if section.clock else None)
        for name, section in data.features.items()
        if name in modalities
    }


def build_fit_settings(train: TrainSection, seed: int) -> FitSettings:
    """Settings of the training loop."""
    return FitSettings(
        steps=train.steps,
        seed=seed,
        learning_rate=train.learning_rate,
        schedule=train.schedule,
        weight_decay=train.weight_decay,
        warmup_steps=train.warmup_steps,
        gradient_clip_norm=train.gradient_clip_norm,
        validate_every=train.validate_every,
        checkpoint_every=train.checkpoint_every,
        keep=cast(Literal["best", "last"], train.keep),
        precision=cast(Any, train.precision),
        accelerator=train.accelerator,
        tensorboard=train.tensorboard,
    )


def build_terms(
    distill: DistillSection | EncoderDistillSection, teacher: str, source: TeacherSource, dims: StreamDims, steps: int
) -> list[DistillTerm]:
    """One term for each loss that a teacher uses (the teacher's weight, if it is given, included).

    Args:
        distill: Losses and weights.
        teacher: Its name.
        source: Its outputs.
        dims: Widths and counts, for losses with parameters.
        steps: Of the training, for weights that decay.
    """
    scale = distill.teacher_mixing.get(teacher, 1.0) if isinstance(distill.teacher_mixing, dict) else 1.0
    return [
        DistillTerm(teacher, LOSSES[name](dims, **loss.options), scale * loss.weight, source, loss.decay_steps(steps))
        for name, loss in distill.losses.items()
        if loss.teachers is None or teacher in loss.teachers
    ]


def build_student_terms(recipe: StreamRecipe, stream: Stream) -> list[StudentTerm]:
    """The terms beside those of teachers: what the filter brings with it, and what the recipe asks for."""
    terms: list[StudentTerm] = [*auxiliary_terms(stream)]
    if recipe.semi_supervised is not None:
        terms.append(MeanTeacher(stream, recipe.student.modality, **recipe.semi_supervised.mean_teacher))
    return terms


def build_perturbation(recipe: StreamRecipe) -> Perturbation | None:
    """How the student's features are perturbed, if at all."""
    section = recipe.semi_supervised
    return Perturbation(section.channel_dropout, section.noise) if section is not None else None


def unlabelled_share(recipe: StreamRecipe | EncoderRecipe) -> float | None:
    """The unlabelled part of each batch; None where nothing learns from unlabelled videos."""
    section = recipe.distill or recipe.semi_supervised
    return section.unlabelled_share if section is not None else None


def build_encoder_student_terms(recipe: EncoderRecipe, student: nn.Module, modality: str) -> list[StudentTerm]:
    """The terms that an encoder recipe asks for beside those of teachers."""
    terms: list[StudentTerm] = []
    if recipe.semi_supervised is not None:
        terms.append(MeanTeacher(student, modality, **recipe.semi_supervised.mean_teacher))
    if recipe.average is not None:
        terms.append(WeightAverage(student, decay=recipe.average))
    return terms


def recipe_to_json(recipe: StreamRecipe | EncoderRecipe) -> dict[str, Any]:
    """The resolved recipe as plain values, for the run folder."""
    return recipe.model_dump(mode="json")


def stream_recipe_of(identity: Mapping[str, Any]) -> StreamRecipe:
    """The inverse of `recipe_to_json` for stream recipes, from a run folder's description."""
    return StreamRecipe.model_validate(identity["recipe"])
