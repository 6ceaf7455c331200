"""Settings of training: plain values, the same for every method."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of `fit`.

    Args:
        steps: Optimizer steps in all.
        seed: Of everything random in training.
        learning_rate: Peak of the schedule: linear warm-up, then `schedule`.
        schedule: Half a `cosine` down to 0 (None is the same), a `linear` descent to 0, or `constant`.
        weight_decay: Of AdamW.
        warmup_steps: Steps of the warm-up.
        gradient_clip_norm: Largest norm of the whole gradient.
        validate_every, checkpoint_every, log_every: Steps between these.
        keep: Weights to keep: best on validation (never on test), or the last.
        precision, accelerator: Passed to Lightning Fabric.
        max_bad_steps: Steps in a row that may be skipped because a loss or gradient is not finite.
        tensorboard: Also write TensorBoard files (extra `track`).
    """

    steps: int
    seed: int = 0
    learning_rate: float = 1e-3
    schedule: Literal["cosine", "linear", "constant"] | None = None
    weight_decay: float = 0.01
    warmup_steps: int = 20
    gradient_clip_norm: float = 1.0
    validate_every: int = 50
    checkpoint_every: int = 200
    log_every: int = 10
    keep: Literal["best", "last"] = "best"
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true"] = "32-true"
    accelerator: str = "auto"
    max_bad_steps: int = 10
    tensorboard: bool = False

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of one step, counted from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        if self.schedule == "constant":
            return self.learning_rate
        if self.schedule == "linear":
            return self.learning_rate * (1 - min(1.0, done))
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FitResult:
    """The outcome of training; the same whether or not it was interrupted.

    Args:
        steps: Steps done.
        kept: `best` or `last`.
        kept_step: Step whose weights were kept.
        validation: Validated numbers at that step, if any.
        skipped_steps: Steps skipped because a number was not finite.
    """

    steps: int
    kept: str
    kept_step: int
    validation: dict[str, float] = field(default_factory=dict)
    skipped_steps: int = 0
