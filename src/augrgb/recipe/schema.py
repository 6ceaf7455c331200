"""What a recipe may say. Unknown keys are refused; losses, filters and encoders are checked against their catalogs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator


class Section(BaseModel):
    """Base of every recipe section: frozen, strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ClockSection(Section):
    """The time base: frames per second on which windows are counted, and the windows."""

    fps: PositiveFloat
    window: PositiveInt
    stride: PositiveInt
    offset: int = Field(0, ge=0)


def _as_features(value: Any) -> Any:
    return {"folder": value} if isinstance(value, str) else value


class FeatureSection(Section):
    """A feature folder; foreign `.npy` folders also need their clock."""

    folder: Path
    clock: ClockSection | None = None


class DataSection(Section):
    """Which videos, and the features of each modality."""

    dataset: Path
    split: str = "cross_subject"
    features: dict[str, Annotated[FeatureSection, BeforeValidator(_as_features)]]
    allow_missing: int = Field(0, ge=0, description="Videos that may lack features before training is refused.")
    published: str | None = Field(None, description="Dataset whose published counts --dry-run compares with.")


class StudentSection(Section):
    """The stream to train: its modality, and one temporal filter with its options."""

    modality: str = "rgb"
    filter: dict[str, dict[str, Any]] = {"sd_tcn": {}}


class LossSection(BaseModel):
    """One distillation loss: its weight, which teachers use it (default: all), and its own options beside these."""

    model_config = ConfigDict(extra="allow", frozen=True)
    weight: float = Field(1.0, ge=0)
    teachers: list[str] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Everything but weight and teachers."""
        return dict(self.model_extra or {})


class DistillSection(Section):
    """Teachers and the losses through which they teach.

    `teachers` maps a name to a finished run, or to several of one modality, which then teach as an ensemble.
    `teacher_weights` scales all losses of one teacher; `equal` lets all teachers of a loss share its weight and speak
    with one voice where it compares class scores; `learned` also weighs them per class, by what they say about labelled
    snippets. `unlabelled_share` is the part of each batch drawn from the split's unlabelled videos.
    """

    teachers: dict[str, Path | list[Path]] = Field(min_length=1)
    losses: dict[str, LossSection] = Field(min_length=1)
    teacher_weights: dict[str, float] | Literal["equal", "learned"] = {}
    unlabelled_share: float = Field(0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _known_teachers(self) -> DistillSection:
        problems = [f"teachers.{name}: names no run" for name, runs in self.teachers.items() if runs == []]
        problems += [
            f"losses.{name}: no such teacher as {teacher!r}"
            for name, loss in self.losses.items()
            for teacher in loss.teachers or ()
            if teacher not in self.teachers
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self


class SemiSupervisedSection(Section):
    """Learning from unlabelled videos without any teacher: consistency with a mean teacher under perturbed features.

    `channel_dropout` and `noise` (in deviations of a channel) are how student and mean teacher see features, each drawn
    for itself. `unlabelled_share` is the part of each batch drawn from unlabelled videos; beside `distill` it is given
    there.
    """

    mean_teacher: dict[str, Any] = {}
    channel_dropout: float = Field(0.1, ge=0, lt=1)
    noise: float = Field(0.1, ge=0)
    unlabelled_share: float = Field(0.5, ge=0, lt=1)


class TrainSection(Section):
    """Optimisation, the same for every method."""

    steps: PositiveInt = 400
    batch_size: PositiveInt = 16
    learning_rate: PositiveFloat = 1e-3
    schedule: Literal["cosine", "linear", "constant"] | None = Field(None, description="After the warmup; cosine.")
    max_length: PositiveInt | None = Field(None, description="Snippets: cut longer videos, elsewhere in each step.")
    weight_decay: float = Field(0.01, ge=0)
    warmup_steps: int = Field(20, ge=0)
    clip_norm: PositiveFloat = 1.0
    validate_every: PositiveInt = 50
    checkpoint_every: PositiveInt = 200
    keep: str = Field("best", pattern="^(best|last)$", description="Weights to keep: best on validation, or the last.")
    precision: str = Field("32-true", pattern="^(32-true|bf16-mixed|16-mixed|bf16-true)$")
    accelerator: str = Field("auto", pattern="^(auto|cpu|cuda|mps)$")
    tensorboard: bool = False


class StreamRecipe(Section):
    """Train one stream, plain, distilled or semi-supervised."""

    data: DataSection
    student: StudentSection = StudentSection()
    distill: DistillSection | None = None
    semi_supervised: SemiSupervisedSection | None = None
    train: TrainSection = TrainSection()
    seed: int = Field(0, ge=0)


class EncoderDataSection(Section):
    """Which videos, at which frame size (width, height), on which clock."""

    dataset: Path
    split: str = "cross_subject"
    tracks: Path | None = Field(None, description="Folder for decoded tracks; default: beside the run.")
    size: tuple[PositiveInt, PositiveInt] = (64, 48)
    allow_missing: int | None = Field(None, ge=0, description="Videos that may lack what one teacher sees; none.")
    published: str | None = Field(None, description="Dataset whose published counts --dry-run compares with.")


class JointSection(Section):
    """Regress the 3D joints of the snippet's own frames through a head that is dropped.

    Positions are relative to the root, in the `body`'s axes (turned to the hips, one torso long) or the `camera`'s
    (metres), then standardised. `frames` of the window are used, evenly spread; None = all.
    """

    weight: float = Field(1.0, ge=0)
    axes: Literal["body", "camera"] = "body"
    frames: PositiveInt | None = None
    form: Literal["mse", "l1"] = "mse"
    project: Literal["linear", "mlp"] = "mlp"


def _as_named(value: Any) -> Any:
    """A list of run folders is named by their last parts."""
    if isinstance(value, list):
        names = [Path(str(folder)).name for folder in value]
        if len(set(names)) < len(names):
            raise ValueError(f"two run folders have one name in {value}; write name: folder")
        return dict(zip(names, value, strict=True))
    return value


class EncoderDistillSection(Section):
    """What teaches an encoder besides labels.

    `teachers` are encoder folders (their snippet features, and the logits of their snippet classifier); `streams` are
    run folders of streams, which see the whole video (their filtered features and logits, taken at the snippet's time).
    Every loss acts on all of them, or on those that it names. `features` gives a stream its feature folder where its
    run folder has no encoder. `joints` are a teacher by themselves.
    """

    teachers: dict[str, Path] = {}
    streams: Annotated[dict[str, Path], BeforeValidator(_as_named)] = {}
    features: dict[str, Annotated[FeatureSection, BeforeValidator(_as_features)]] = {}
    losses: dict[str, LossSection] = {}
    joints: JointSection | None = None
    teacher_weights: dict[str, float] = {}
    unlabelled_share: float = Field(0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _consistent(self) -> EncoderDistillSection:
        known = [*self.teachers, *self.streams]
        problems = [f"{name!r} is both a teacher and a stream" for name in self.teachers if name in self.streams]
        if self.joints is not None and "joints" in known:
            problems.append("a teacher cannot be called 'joints' beside joints")
        if not known and self.joints is None:
            problems.append("nobody teaches: name teachers, streams or joints")
        if bool(known) != bool(self.losses):
            problems.append("losses need teachers or streams, and these need losses")
        for name, loss in self.losses.items():
            problems += [f"losses.{name}: no such teacher as {t!r}" for t in loss.teachers or () if t not in known]
        problems += [f"features.{name}: no such stream" for name in self.features if name not in self.streams]
        if problems:
            raise ValueError("; ".join(problems))
        return self


class EncoderSemiSupervisedSection(Section):
    """Learning from unlabelled snippets without any teacher: consistency of two augmented views with a mean teacher.

    For pseudo-labels give another encoder or stream of the same modality as teacher in `distill`, and that loss.
    """

    mean_teacher: dict[str, Any] = {}
    unlabelled_share: float = Field(0.5, ge=0, lt=1)


class InitSection(Section):
    """Start from the weights of an encoder folder: a run, or imported weights.

    Weights whose names match a pattern of `freeze` (`*` matches anything) are not trained. The folder's classifier is
    taken over where it is of the same classes, unless `classifier` is false; else the head starts afresh.
    """

    folder: Path
    freeze: list[str] = []
    classifier: bool = True


def _as_init(value: Any) -> Any:
    return {"folder": value} if isinstance(value, str) else value


class AugmentSection(Section):
    """How training snippets are changed at random.

    `strength` scales everything; the numbers after it scale one thing each (1 = as usual, 0 = off): pictures are
    shifted and zoomed (a crop), their brightness, contrast and colour changed, noise added. `jitter_frames` moves
    windows in time. `flip` is the probability of a mirrored picture; it needs `swap`, the pairs of classes that change
    places in a mirror, [] if there are none.
    """

    strength: float = Field(1.0, ge=0)
    shift: float = Field(1.0, ge=0)
    zoom: float = Field(1.0, ge=0, le=8)
    brightness: float = Field(1.0, ge=0)
    contrast: float = Field(1.0, ge=0)
    colour: float = Field(1.0, ge=0)
    noise: float = Field(1.0, ge=0)
    jitter_frames: int = Field(0, ge=0)
    flip: float = Field(0.0, ge=0, le=1)
    swap: list[tuple[str, str]] | None = None

    @model_validator(mode="after")
    def _declared(self) -> AugmentSection:
        if self.flip and self.swap is None:
            raise ValueError("flip needs swap: the pairs of classes that change places in a mirror, [] if none do")
        if self.strength * self.zoom > 7:
            raise ValueError(f"strength x zoom of {self.strength * self.zoom:g} shrinks pictures to nothing; at most 7")
        return self

    @property
    def changes(self) -> bool:
        """Whether two looks at a snippet differ by more than a mirror."""
        return self.strength > 0 or self.jitter_frames > 0


class EncoderRecipe(Section):
    """Train one snippet encoder: plain, augmented or semi-supervised; from nothing, or from given weights.

    `average` is the decay of a moving average of the weights, which is kept in place of the weights themselves.
    """

    data: EncoderDataSection
    encoder: dict[str, dict[str, Any]]
    clock: ClockSection = ClockSection(fps=15, window=8, stride=8)
    init: Annotated[InitSection | None, BeforeValidator(_as_init)] = None
    distill: EncoderDistillSection | None = None
    semi_supervised: EncoderSemiSupervisedSection | None = None
    augment: bool | AugmentSection = True
    average: float | None = Field(None, ge=0, lt=1)
    train: TrainSection = TrainSection.model_validate(
        {"steps": 600, "batch_size": 32, "validate_every": 200, "checkpoint_every": 200}
    )
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _together(self) -> EncoderRecipe:
        problems = []
        section = self.augment if isinstance(self.augment, AugmentSection) else None
        if self.semi_supervised is not None:
            if not (section.changes if section is not None else self.augment):
                problems.append("semi_supervised needs augment: without it both views are the same")
            if self.average is not None:
                problems.append("average: a mean teacher is an average already")
        if self.train.max_length is not None:
            problems.append("train.max_length: an encoder sees windows, only streams see videos that can be cut")
        taught = self.distill if section is not None and section.flip else None
        if section is not None and taught is not None and (section.swap or taught.joints is not None):
            problems.append("augment.flip: teachers have not seen the mirrored snippets, where sides matter")
        if problems:
            raise ValueError("; ".join(problems))
        return self
