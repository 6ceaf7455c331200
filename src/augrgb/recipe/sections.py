"""Sections shared by the recipes of streams and of encoders. Unknown keys are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_serializer,
)


class Section(BaseModel):
    """Base of every recipe section: frozen, with no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="wrap")
    @classmethod
    def _truth_is_no_number(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        """`steps: true` is a mistake, and not one step."""
        found = validate(value)
        if isinstance(value, bool) and isinstance(found, (int, float)) and not isinstance(found, bool):
            raise ValueError(f"must be a number, not {str(value).lower()}")
        return found


class ClockSection(Section):
    """The time base: the frame rate, and windows counted in its frames."""

    fps: float = Field(gt=0, le=100_000)
    window: int = Field(gt=0, le=1_000_000)
    stride: int = Field(gt=0, le=1_000_000)
    offset: int = Field(0, ge=0, le=1_000_000)


def as_features(value: Any) -> Any:
    """A plain folder name is a feature section with that folder."""
    return {"folder": value} if isinstance(value, str) else value


class FeatureSection(Section):
    """A feature folder; third-party `.npy` folders also need their clock."""

    folder: Path
    clock: ClockSection | None = None


class LossSection(BaseModel):
    """One distillation loss: its weight, which teachers use it (default: all), and its own options beside these.

    With `decay` the weight falls linearly from the first step and is 0 after that fraction of the training.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)
    weight: float = Field(1.0, ge=0)
    teachers: list[str] | None = None
    decay: float | None = Field(None, gt=0, le=1)

    @property
    def options(self) -> dict[str, Any]:
        """Everything but weight, teachers and decay."""
        return dict(self.model_extra or {})

    def decay_steps(self, steps: int) -> int | None:
        """`decay` in steps, given those of the training."""
        return max(1, round(self.decay * steps)) if self.decay is not None else None

    @model_serializer(mode="wrap")
    def _without_absent_decay(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = plain(self)
        if self.decay is None:  # a run's identity is its recipe: runs older than the option keep theirs
            del values["decay"]
        return values


class TrainSection(Section):
    """Optimization, the same for every method."""

    steps: int = Field(400, gt=0, le=10**9)
    batch_size: int = Field(16, gt=0, le=100_000)
    learning_rate: float = Field(1e-3, gt=0, le=1000)
    schedule: Literal["cosine", "linear", "constant"] | None = Field(
        None, description="Learning-rate schedule after warm-up (default: cosine)."
    )
    max_length: int | None = Field(
        None,
        gt=0,
        le=10**9,
        description="Crop longer videos to this many snippets, at a new random position every step.",
    )
    weight_decay: float = Field(0.01, ge=0, le=1000)
    warmup_steps: int = Field(20, ge=0, le=10**9)
    gradient_clip_norm: float = Field(1.0, gt=0, le=1e9)
    validate_every: int = Field(50, gt=0, le=10**9)
    checkpoint_every: int = Field(200, gt=0, le=10**9)
    keep: str = Field(
        "best", pattern="^(best|last)$", description="Weights to keep: the best on validation, or the last."
    )
    precision: str = Field("32-true", pattern="^(32-true|bf16-mixed|16-mixed|bf16-true)$")
    accelerator: str = Field("auto", pattern="^(auto|cpu|cuda|mps)$")
    tensorboard: bool = False
