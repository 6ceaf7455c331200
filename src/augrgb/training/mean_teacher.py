"""Mean teacher: the average of the student's own past teaches it to be consistent."""

from __future__ import annotations

import copy
import math
from typing import Literal

import torch
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses.logit_kd import softened_bce
from augrgb.losses.parts.distillation_loss import nothing
from augrgb.training.moving_average import follow
from augrgb.training.terms import StudentTerm, TermValue, second_view


class MeanTeacher(StudentTerm):
    """Agree with a moving average of the student's weights that sees the same snippets, perturbed differently.

    Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017. The average follows the student by
    `decay` per step (faster in the first steps: `1 - 1 / (step + 1)`, as published); the weight of the term rises as
    `exp(-5 (1 - step / ramp_steps)^2)`. Acts on labelled and unlabelled snippets alike.
    Deviations: sigmoid probabilities, since a snippet may have several labels or none; the average works without
    dropout. It moves at the beginning of a step, so it lags by the last step.

    Args:
        student: What is trained: `(x, mask) -> StreamOutput`.
        modality: Its features in a batch; the average sees their second view.
        weight: After the ramp, relative to the detection loss.
        decay: Of the average, per step.
        ramp_steps: Steps until the weight is reached.
        consistency: `mse`, mean squared difference of probabilities, as published; `bce`, the divergence of the
            Bernoulli variables.
        only_unlabelled: Use unlabelled samples only.
        keep: Which weights are validated and kept: the `average`, as published, or those of the `student`.

    Raises:
        UsageFault: E-CFG-003, a decay outside [0, 1).
    """

    uses_unlabelled = True
    needs_second_view = True

    def __init__(
        self,
        student: nn.Module,
        modality: str,
        *,
        weight: float = 10.0,
        decay: float = 0.99,
        ramp_steps: int = 100,
        consistency: Literal["mse", "bce"] = "mse",
        only_unlabelled: bool = False,
        keep: Literal["average", "student"] = "average",
    ) -> None:
        super().__init__("self/mean_teacher", weight)
        if not 0 <= decay < 1:
            raise UsageFault("E-CFG-003", "mean_teacher.decay", f"{decay} is not in [0, 1)")
        self.modality, self.decay, self.ramp_steps = modality, decay, ramp_steps
        self.consistency, self.only_unlabelled, self.keep = consistency, only_unlabelled, keep
        self.average = copy.deepcopy(student).requires_grad_(False)

    def forward(self, student: nn.Module, output: StreamOutput, batch: Batch, step: int) -> TermValue:
        """Move the average, and compare the student's output with the average's output on the second view."""
        follow(self.average, student, step, self.decay)
        with torch.no_grad():
            target = self.average(batch.features[second_view(self.modality)], batch.mask).logits
        mask = batch.mask & ~batch.labelled[:, None] if self.only_unlabelled else batch.mask
        value = self._difference(output.logits[mask], target[mask].to(output.logits.dtype))
        weight = self.weight * self.ramp(step)
        return TermValue(self.name, value.mean() if value.numel() else nothing(output), weight, mask.sum())

    def ramp(self, step: int) -> float:
        """Part of the weight at a step, in (0, 1]."""
        rest = 1 - min(1.0, step / self.ramp_steps) if self.ramp_steps > 0 else 0.0
        return math.exp(-5 * rest**2)

    def kept(self, student: nn.Module) -> nn.Module:
        """The average, if that is to be kept."""
        return self.average if self.keep == "average" else student

    def train(self, mode: bool = True) -> MeanTeacher:
        """The average stays in evaluation mode."""
        super().train(mode)
        self.average.eval()
        return self

    def _difference(self, s: Tensor, t: Tensor) -> Tensor:
        return (s.sigmoid() - t.sigmoid()).square() if self.consistency == "mse" else softened_bce(s, t, 1.0)
