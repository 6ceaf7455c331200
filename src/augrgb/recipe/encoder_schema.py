"""The recipe of a snippet encoder. Losses and encoders are checked against their catalogs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from augrgb.recipe.sections import ClockSection, FeatureSection, LossSection, Section, TrainSection, as_features

FrameSide = Annotated[int, Field(gt=0, le=8192)]


class EncoderDataSection(Section):
    """Which videos, at which frame size (width, height), on which clock."""

    dataset: Path
    split: str = "cross_subject"
    frames: Path | None = Field(None, description="Folder for decoded frames (default: in the run folder).")
    size: tuple[FrameSide, FrameSide] = (64, 48)
    allow_missing: int | None = Field(
        None, ge=0, description="How many videos a teacher, or the student, may lack (default: none)."
    )
    published: str | None = Field(None, description="Published dataset whose video counts --dry-run must find.")


class JointSection(Section):
    """Regress the 3D joints of the snippet's own frames through a head that is dropped after training.

    Positions are relative to the root, in the `body`'s axes (turned to the hips, scaled to the torso) or the `camera`'s
    (meters), then standardized. `frames` of the window are used, evenly spaced; None = all.
    """

    weight: float = Field(1.0, ge=0)
    axes: Literal["body", "camera"] = "body"
    frames: PositiveInt | None = None
    form: Literal["mse", "l1"] = "mse"
    project: Literal["linear", "mlp"] = "mlp"


class JointCellSection(Section):
    """Tell from each cell of the encoder's map which joints lie in it, through a head that is dropped after training.

    Needs pose files that say where joints lie in the image (`image`), and an encoder with a map (`small_rgb`).
    """

    weight: float = Field(1.6, ge=0)
    hidden: PositiveInt = 64


class AttentionSection(Section):
    """The encoder's attention over its map follows one driven by the features of these teachers (pose encoders)."""

    weight: float = Field(1.0, ge=0)
    teachers: list[str] = Field(min_length=1)


def _as_named(value: Any) -> Any:
    """A list of run folders becomes a mapping from their last parts."""
    if isinstance(value, list):
        names = [Path(str(folder)).name for folder in value]
        if len(set(names)) < len(names):
            raise ValueError(f"two run folders have the same name in {value}; write them as name: folder")
        return dict(zip(names, value, strict=True))
    return value


class EncoderDistillSection(Section):
    """Teachers of an encoder, and the losses through which they teach.

    `teachers` are encoder folders (their snippet features, and the logits of their snippet classifier); `streams` are
    run folders of streams, which see the whole video (their filtered features and logits, taken at the snippet's time).
    Every loss acts on all of them, or on those that it names. `features` gives a stream its feature folder where its
    run folder has no encoder. `joints` (3D) and `joint_cells` (places in the image) are teachers without a network;
    `attention` teaches the student's map. `teacher_mixing` is as in a stream's `distill`.
    """

    teachers: dict[str, Path] = Field({})
    streams: Annotated[dict[str, Path], BeforeValidator(_as_named)] = Field({})
    features: dict[str, Annotated[FeatureSection, BeforeValidator(as_features)]] = Field({})
    losses: dict[str, LossSection] = Field({})
    joints: JointSection | None = None
    joint_cells: JointCellSection | None = None
    attention: AttentionSection | None = None
    teacher_mixing: dict[str, float] | Literal["equal", "learned", "validated"] = Field({})
    unlabelled_share: float = Field(0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _consistent(self) -> EncoderDistillSection:
        known = [*self.teachers, *self.streams]
        problems = [f"{name!r} is both a teacher and a stream" for name in self.teachers if name in self.streams]
        for own in ("joints", "joint_cells"):
            if getattr(self, own) is not None and own in known:
                problems.append(f"a teacher cannot be called {own!r} beside {own}")
        if not known and self.joints is None and self.joint_cells is None:
            problems.append("no teacher given: set `teachers`, `streams`, `joints` or `joint_cells`")
        attending = self.attention.teachers if self.attention is not None else []
        problems += [f"attention: no such teacher: {name!r}" for name in attending if name not in known]
        if bool(known) != bool(self.losses) and not (known and attending):
            problems.append("`losses` need `teachers` or `streams`, and these need `losses`")
        for name, loss in self.losses.items():
            problems += [f"losses.{name}: no such teacher: {t!r}" for t in loss.teachers or () if t not in known]
        problems += [f"features.{name}: no such stream" for name in self.features if name not in self.streams]
        if problems:
            raise ValueError("; ".join(problems))
        return self


class EncoderSemiSupervisedSection(Section):
    """Learning from unlabelled snippets without a teacher: consistency of two augmented views with a mean teacher.

    For pseudo-labels, name another encoder or stream of the same modality as a teacher in `distill`, with that loss.
    """

    mean_teacher: dict[str, Any] = Field({})
    unlabelled_share: float = Field(0.5, ge=0, lt=1)


class InitSection(Section):
    """Start from the weights of an encoder folder (a run, or imported weights), or from weights of the catalog.

    `weights` is a name of `augrgb weights list`; they are fetched if need be. Weights whose names match a pattern of
    `freeze` (`*` matches anything) are not trained. The folder's classifier is reused if it has the same classes,
    unless `classifier` is false; otherwise the head starts from scratch.
    """

    folder: Path | None = None
    weights: str | None = None
    freeze: list[str] = Field([])
    classifier: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> InitSection:
        if (self.folder is None) == (self.weights is None):
            raise ValueError("give either folder (of an encoder) or weights (a name of `augrgb weights list`)")
        return self


class PretrainSection(Section):
    """Before labels: learn from any videos to see what moves where (optical flow), and poses beside them (`.npz`).

    `videos` are files, folders and patterns; nothing about them needs to be known.
    """

    videos: list[Path]
    steps: PositiveInt = 1000
    batch_size: PositiveInt = 32
    learning_rate: float = Field(1e-3, gt=0)
    pose_weight: float = Field(1.0, ge=0)


def _as_init(value: Any) -> Any:
    return {"folder": value} if isinstance(value, str) else value


class AugmentSection(Section):
    """How training snippets are changed at random.

    `strength` scales everything; the numbers after it scale one thing each (1 = default, 0 = off): images are shifted
    and zoomed (a crop), their brightness, contrast and color changed, noise added. `blur`, `perspective` and
    `background` (up to this part of another video's still scene) are off by default; `augment: scene` in a recipe turns
    them on and doubles color and zoom, for videos of one place that must serve in another. Also for that, and off:
    `own_frame` mixes up to this part of one frame of a window into all of them (background adding), `foreground` and
    `still_mix` are probabilities that what moves is put in front of another still scene (FAME), and that a window is
    mixed half and half with a still frame of another video (StillMix). `turn` is the probability of an image turned
    upside down, for a camera that looks straight down. `jitter_frames` moves
    windows in time. `flip` is the probability of a mirrored image; it needs `swap`, the pairs of classes that trade
    places in a mirror image, [] if there are none.
    """

    strength: float = Field(1.0, ge=0, le=100)
    shift: float = Field(1.0, ge=0, le=100)
    zoom: float = Field(1.0, ge=0, le=8)
    brightness: float = Field(1.0, ge=0, le=100)
    contrast: float = Field(1.0, ge=0, le=100)
    color: float = Field(1.0, ge=0, le=100)
    noise: float = Field(1.0, ge=0, le=100)
    blur: float = Field(0.0, ge=0, le=100)
    perspective: float = Field(0.0, ge=0, le=100)
    background: float = Field(0.0, ge=0, le=1)
    own_frame: float = Field(0.0, ge=0, le=1)
    foreground: float = Field(0.0, ge=0, le=1)
    still_mix: float = Field(0.0, ge=0, le=1)
    turn: float = Field(0.0, ge=0, le=1)
    jitter_frames: int = Field(0, ge=0, le=1_000_000)
    flip: float = Field(0.0, ge=0, le=1)
    swap: list[tuple[str, str]] | None = None

    @model_validator(mode="after")
    def _declared(self) -> AugmentSection:
        if self.flip and self.swap is None:
            raise ValueError("flip needs swap: the pairs of classes that trade places in a mirror image, [] if none do")
        if self.strength * self.zoom > 7:
            raise ValueError(f"strength x zoom of {self.strength * self.zoom:g} shrinks images to nothing; at most 7")
        return self

    @property
    def changes(self) -> bool:
        """Whether two views of a snippet differ by more than mirroring."""
        return self.strength > 0 or self.jitter_frames > 0


def _placed(distill: EncoderDistillSection) -> bool:
    """Whether something is learned about places in the image."""
    return any((distill.joints, distill.joint_cells, distill.attention))


_SCENE = {"color": 2.0, "zoom": 2.0, "blur": 1.0, "perspective": 1.0, "background": 1.0}


def _as_augment(value: Any) -> Any:
    """`scene` is a name for changes that another place would make."""
    return dict(_SCENE) if value == "scene" else value


class EncoderRecipe(Section):
    """Train one snippet encoder: plain, augmented or semi-supervised; from scratch, or from given weights.

    `average` is the decay of a moving average of the weights, which is kept in place of the weights themselves.
    """

    data: EncoderDataSection
    encoder: dict[str, dict[str, Any]]
    clock: ClockSection = ClockSection(fps=15, window=8, stride=8)
    init: Annotated[InitSection | None, BeforeValidator(_as_init)] = None
    pretrain: PretrainSection | None = None
    distill: EncoderDistillSection | None = None
    semi_supervised: EncoderSemiSupervisedSection | None = None
    augment: Annotated[bool | AugmentSection, BeforeValidator(_as_augment)] = True
    average: float | None = Field(None, ge=0, lt=1)
    train: TrainSection = TrainSection.model_validate(
        {"steps": 600, "batch_size": 32, "validate_every": 200, "checkpoint_every": 200}
    )
    seed: int = Field(0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _together(self) -> EncoderRecipe:
        problems = []
        section = self.augment if isinstance(self.augment, AugmentSection) else None
        if self.semi_supervised is not None:
            if not (section.changes if section is not None else self.augment):
                problems.append("semi_supervised needs augment: without it both views are the same")
            if self.average is not None:
                problems.append("average: not with a mean teacher, which is an average of the weights already")
        if self.train.max_length is not None:
            problems.append("train.max_length: for streams only; an encoder sees single windows")
        taught = self.distill if section is not None and section.flip else None
        placed = taught is not None and _placed(taught)
        if section is not None and taught is not None and (section.swap or placed):
            problems.append(
                "augment.flip: not with joints, attention, or `swap` beside teachers, whose outputs are not mirrored"
            )
        if section is not None and section.turn and self.distill is not None and _placed(self.distill):
            problems.append("augment.turn: not with joints or attention, whose places are not turned")
        if problems:
            raise ValueError("; ".join(problems))
        return self
