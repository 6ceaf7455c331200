"""Checked recipe sections -> plain settings and objects of the layers below, which know no recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, cast

from torch import nn

from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset
from augrgb.encoders.augment import ImageChanges
from augrgb.features.orientation import matched
from augrgb.features.store import open_features
from augrgb.features.video_features import FeatureFolder
from augrgb.recipe.encoder_schema import (
    AugmentSection,
    EncoderDistillSection,
    EncoderRecipe,
    JointCellSection,
    JointSection,
)
from augrgb.recipe.schema import DataSection, DistillSection, StreamRecipe
from augrgb.recipe.sections import ClockSection, FeatureSection, TrainSection
from augrgb.streams.stream import Stream
from augrgb.training.auxiliary_term import AuxiliaryTerm
from augrgb.training.encoder_snippets import Augmentation
from augrgb.training.mean_teacher import MeanTeacher
from augrgb.training.settings import FitSettings
from augrgb.training.teachers.joint_cells import JointCellTarget
from augrgb.training.teachers.joints import JointTarget
from augrgb.training.teachers.terms import LossSpec
from augrgb.training.terms import StudentTerm
from augrgb.training.weight_average import WeightAverage


def build_clock(section: ClockSection) -> Clock:
    """The time base."""
    return Clock(section.fps, section.window, section.stride, section.offset)


def build_feature_folder(section: FeatureSection, dataset: Dataset | None = None) -> FeatureFolder:
    """A feature folder, opened, and matched to the videos of the dataset."""
    folder = open_features(section.folder, build_clock(section.clock) if section.clock else None)
    return matched(folder, dataset.videos) if dataset is not None else folder


def build_features(data: DataSection, modalities: set[str], dataset: Dataset) -> dict[str, FeatureFolder]:
    """The feature folders of some modalities, opened, and matched to the videos of the dataset."""
    sections = {name: section for name, section in data.features.items() if name in modalities}
    return {name: build_feature_folder(section, dataset) for name, section in sections.items()}


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


def build_losses(distill: DistillSection | EncoderDistillSection | None, steps: int) -> list[LossSpec]:
    """The distillation losses of a training, given its steps."""
    return [
        LossSpec(name, loss.weight, loss.teachers, loss.decay_steps(steps), loss.options)
        for name, loss in (distill.losses.items() if distill is not None else ())
    ]


def build_joint_target(section: JointSection | None) -> JointTarget | None:
    """How joints teach, if they do."""
    if section is None or not section.weight:
        return None
    return JointTarget(section.weight, section.axes, section.frames, section.form, section.project)


def build_joint_cells(section: JointCellSection | None) -> JointCellTarget | None:
    """How the places of joints in the image teach, if they do."""
    if section is None or not section.weight:
        return None
    return JointCellTarget(section.weight, section.hidden)


def build_augmentation(section: bool | AugmentSection) -> Augmentation | None:
    """How training snippets are changed at random."""
    if isinstance(section, bool):
        return Augmentation() if section else None
    changes = ImageChanges(**{part.name: getattr(section, part.name) for part in fields(ImageChanges)})
    return Augmentation(section.strength, changes, section.jitter_frames)


def build_student_terms(recipe: StreamRecipe | EncoderRecipe, student: nn.Module, modality: str) -> list[StudentTerm]:
    """The terms without a teacher: what a stream's filter brings along, and what the recipe asks for."""
    terms: list[StudentTerm] = [*AuxiliaryTerm.of_filter(student)] if isinstance(student, Stream) else []
    if recipe.semi_supervised is not None:
        terms.append(MeanTeacher(student, modality, **recipe.semi_supervised.mean_teacher))
    if isinstance(recipe, EncoderRecipe) and recipe.average is not None:
        terms.append(WeightAverage(student, decay=recipe.average))
    return terms


def unlabelled_share(recipe: StreamRecipe | EncoderRecipe) -> float | None:
    """The unlabelled part of each batch; None where nothing learns from unlabelled videos."""
    section = recipe.distill or recipe.semi_supervised
    return section.unlabelled_share if section is not None else None


def recipe_to_json(recipe: StreamRecipe | EncoderRecipe) -> dict[str, Any]:
    """The resolved recipe as plain values, for the run folder."""
    return recipe.model_dump(mode="json")


def stream_recipe_of(identity: Mapping[str, Any]) -> StreamRecipe:
    """The inverse of `recipe_to_json` for stream recipes, from a run folder's description."""
    return StreamRecipe.model_validate(identity["recipe"])
