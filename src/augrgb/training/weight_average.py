"""A moving average of the weights during training, which is validated and kept in place of the last weights."""

from __future__ import annotations

import copy

from torch import nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses.parts.distillation_loss import nothing
from augrgb.training.moving_average import follow
from augrgb.training.terms import StudentTerm, TermValue


class WeightAverage(StudentTerm):
    """Exponential moving average of the student's weights; its summand is 0, so training itself is unchanged.

    Polyak and Juditsky, 1992; with a decay as in Tarvainen and Valpola, 2017: `min(decay, 1 - 1 / (step + 1))`.
    The average moves at the beginning of a step, so it lags by the last step; buffers are copied.

    Args:
        student: What is trained.
        decay: Per step, in [0, 1).

    Raises:
        UsageFault: E-CFG-003, a decay outside [0, 1).
    """

    def __init__(self, student: nn.Module, *, decay: float = 0.99) -> None:
        super().__init__("self/average", 1.0)
        if not 0 <= decay < 1:
            raise UsageFault("E-CFG-003", "average", f"a decay of {decay} is not in [0, 1)")
        self.decay = decay
        self.average = copy.deepcopy(student).requires_grad_(False)

    def forward(self, student: nn.Module, output: StreamOutput, batch: Batch, step: int) -> TermValue:
        """Move the average; the term is 0."""
        follow(self.average, student, step, self.decay)
        return TermValue(self.name, nothing(output), self.weight, batch.mask.sum())

    def kept(self, student: nn.Module) -> nn.Module:
        """The average."""
        return self.average
