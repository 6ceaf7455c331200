"""The terms of a training loss.

The loss of a step is a weighted sum. Its first summand is always the same: the detection loss on labels. Everything
else is a *term*, one of two kinds:

- `DistillationTerm`: one teacher compared with the student through one distillation loss. The teacher's outputs come
  from a `TeacherSource`, computed before training.
- `StudentTerm`: no teacher; only the student and its batch. The mean teacher (`MeanTeacher`), auxiliary branches of a
  temporal filter (`AuxiliaryTerm`) and an average of the weights (`WeightAverage`) are student terms.

Both are called alike, `term(student, output, batch, step)`, and both return a `TermValue`: the summand in that step,
with its weight and the number of snippets it saw. A task takes one list of terms and needs to know nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss


@dataclass(frozen=True)
class TermValue:
    """One summand of the loss in one step: a scalar, its weight, and how many snippets it saw."""

    name: str
    value: Tensor
    weight: float
    snippets: Tensor


class TeacherSource(Protocol):
    """Outputs of a frozen teacher on the student's grid, already computed."""

    @property
    def fingerprint(self) -> str:
        """Hash of what makes the outputs what they are: weights of a network, or the outputs themselves."""

    def outputs(self, batch: Batch) -> tuple[StreamOutput, Tensor]:
        """The teacher's output for a batch (cut as `batch.starts` says), and where it exists (B, T) bool."""


@dataclass(frozen=True)
class DistillationTerm:
    """One teacher, compared with the student through one loss.

    Args:
        teacher: Name of the teacher.
        loss: The comparison; its parameters are trained with the student.
        weight: Relative to the detection loss; 0 leaves the term out.
        source: The teacher's outputs.
        decay_steps: The weight falls linearly to 0 over this many steps, and stays there; None = constant.
    """

    teacher: str
    loss: DistillationLoss
    weight: float
    source: TeacherSource
    decay_steps: int | None = None

    uses_unlabelled = True
    needs_second_view = False

    @property
    def name(self) -> str:
        """`teacher/loss`."""
        return f"{self.teacher}/{self.loss.name}"

    @property
    def trained(self) -> nn.Module:
        """What is optimized with the student: the loss."""
        return self.loss

    def weight_at(self, step: int) -> float:
        """The weight in a step, counted from 0."""
        if self.decay_steps is None:
            return self.weight
        return self.weight * max(0.0, 1.0 - step / self.decay_steps)

    def kept(self, student: nn.Module) -> nn.Module:
        """The module to validate and to keep: the student."""
        return student

    def __call__(self, student: nn.Module, output: StreamOutput, batch: Batch, step: int) -> TermValue:
        """The loss over the snippets where the teacher exists."""
        teacher, available = self.source.outputs(batch)
        seen = batch.restricted_to(available)
        return TermValue(self.name, self.loss(output, teacher, seen), self.weight_at(step), seen.mask.sum())


class StudentTerm(nn.Module, ABC):
    """A summand made of the student and its batch alone: consistency with itself, an auxiliary branch of its filter.

    Its parameters are trained with the student, its state is in the checkpoints, and both are dropped after training.

    Args:
        name: In the log.
        weight: Relative to the detection loss.

    Attributes:
        uses_unlabelled: Whether it learns from samples without labels.
        needs_second_view: Whether it needs the batch's snippets a second time, perturbed differently (`second_view`).
    """

    uses_unlabelled = False
    needs_second_view = False
    decay_steps: int | None = None

    def __init__(self, name: str, weight: float) -> None:
        super().__init__()
        self.name, self.weight = name, weight

    @property
    def trained(self) -> nn.Module:
        """What is optimized with the student: the term's own parameters."""
        return self

    @abstractmethod
    def forward(self, student: nn.Module, output: StreamOutput, batch: Batch, step: int) -> TermValue:
        """The summand of one step (counted from 0); `output` is the student's output for the batch."""

    def kept(self, student: nn.Module) -> nn.Module:
        """The module to validate and to keep; the student, unless the term makes a better one of it."""
        return student


Term = DistillationTerm | StudentTerm


def detection_loss(output: StreamOutput, batch: Batch) -> TermValue:
    """Binary cross-entropy with logits, mean over the snippets with known labels and over classes."""
    mask = batch.labelled_snippets
    errors = F.binary_cross_entropy_with_logits(output.logits, batch.labels, reduction="none").mean(-1)  # (B, T)
    value = errors.masked_fill(~mask, 0.0).sum() / mask.sum().clamp(min=1)  # 0, with a graph, where nothing is labelled
    return TermValue("detection", value, 1.0, mask.sum())


def second_view(modality: str) -> str:
    """Key among a batch's features of the same snippets of a modality, perturbed differently from the student's."""
    return f"{modality} (second view)"
