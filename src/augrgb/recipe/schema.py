"""The recipe of a stream. Losses and filters are checked against their catalogs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from augrgb.recipe.sections import FeatureSection, LossSection, Section, TrainSection, as_features


class DataSection(Section):
    """Which videos, and the features of each modality."""

    dataset: Path
    split: str = "cross_subject"
    features: dict[str, Annotated[FeatureSection, BeforeValidator(as_features)]]
    allow_missing: int = Field(0, ge=0, le=10**9, description="How many videos may lack features.")
    published: str | None = Field(None, description="Published dataset whose video counts --dry-run must find.")


class StudentSection(Section):
    """The stream to train: its modality, and one temporal filter with its options."""

    modality: str = "rgb"
    filter: dict[str, dict[str, Any]] = Field({"sd_tcn": {}})


class DistillSection(Section):
    """Teachers and the losses through which they teach.

    `teachers` maps a name to a finished run, or to several of one modality, which then teach as an ensemble.
    `teacher_mixing` scales all losses of one teacher. With `equal`, the teachers of a loss share its weight, and a loss
    on class scores sees the mean of their probabilities; `learned` also weights them per class, by how well they fit
    the labels; `validated` lets each class be taught by the teacher that knows it best on validation videos.
    `unlabelled_share` is the fraction of each batch drawn from the split's unlabelled videos.
    """

    teachers: dict[str, Path | list[Path]] = Field(min_length=1)
    losses: dict[str, LossSection] = Field(min_length=1)
    teacher_mixing: dict[str, float] | Literal["equal", "learned", "validated"] = Field({})
    unlabelled_share: float = Field(0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _known_teachers(self) -> DistillSection:
        problems = [f"teachers.{name}: give at least one run" for name, runs in self.teachers.items() if runs == []]
        problems += [
            f"losses.{name}: no such teacher: {teacher!r}"
            for name, loss in self.losses.items()
            for teacher in loss.teachers or ()
            if teacher not in self.teachers
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


class SemiSupervisedSection(Section):
    """Learning from unlabelled videos without a teacher: consistency with a mean teacher under perturbed features.

    Student and mean teacher see the features with separate random `channel_dropout` and `noise` (in standard deviations
    of a channel). `unlabelled_share` is the fraction of each batch drawn from unlabelled videos; `distill`, where
    present, has its own, which then counts.
    """

    mean_teacher: dict[str, Any] = Field({})
    channel_dropout: float = Field(0.1, ge=0, lt=1)
    noise: float = Field(0.1, ge=0, le=1000)
    unlabelled_share: float = Field(0.5, ge=0, lt=1)


class StreamRecipe(Section):
    """Train one stream, plain, distilled or semi-supervised."""

    data: DataSection
    student: StudentSection = StudentSection()
    distill: DistillSection | None = None
    semi_supervised: SemiSupervisedSection | None = None
    train: TrainSection = TrainSection()
    seed: int = Field(0, ge=0, lt=2**32)
