"""What the training loop asks of a method: batches, loss terms, validation, and files to keep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.losses.parts.distillation_loss import DistillationLoss
from augrgb.training.sampler import BatchPlan
from augrgb.training.student_term import StudentTerm, Term


class TeacherSource(Protocol):
    """Outputs of a frozen teacher on the student's grid, already computed."""

    def outputs(self, batch: Batch, starts: Sequence[int]) -> tuple[StreamOutput, Tensor]:
        """The teacher's output for a batch whose videos are cut at `starts`, and where it exists (B, T) bool."""


@dataclass(frozen=True)
class DistillTerm:
    """One teacher teaching through one loss.

    Args:
        teacher: Name of the teacher.
        loss: What to compare; its parameters are trained with the student.
        weight: Relative to the detection loss; 0 leaves the term out.
        source: The teacher's outputs.
        decay_steps: After so many steps the weight has fallen evenly to 0, and stays there; None = it does not fall.
    """

    teacher: str
    loss: DistillationLoss
    weight: float
    source: TeacherSource
    decay_steps: int | None = None

    @property
    def name(self) -> str:
        """`teacher/loss`."""
        return f"{self.teacher}/{self.loss.name}"

    def weight_at(self, step: int) -> float:
        """The weight in a step, counted from 0."""
        if self.decay_steps is None:
            return self.weight
        return self.weight * max(0.0, 1.0 - step / self.decay_steps)


class Task(ABC):
    """A method, as the loop sees it.

    Args:
        student: `(x, mask) -> StreamOutput`.
        modality: Which of the batch's features it looks at.
        plan: Which samples come when.
        terms: Distillation terms, none for plain training.
        own: Terms that need no teacher.

    Attributes:
        metric: Name of the validated number by which the best weights are chosen; higher is better.
    """

    metric = "frame_map"

    def __init__(
        self,
        student: nn.Module,
        modality: str,
        plan: BatchPlan,
        terms: Sequence[DistillTerm] = (),
        own: Sequence[StudentTerm] = (),
    ) -> None:
        self.student, self.modality, self.plan = student, modality, plan
        self.distill = tuple(term for term in terms if term.weight != 0)
        self.own = tuple(term for term in own if term.weight != 0)
        self.losses = nn.ModuleList([*(term.loss for term in self.distill), *self.own])

    @property
    def kept(self) -> nn.Module:
        """The module that is validated, and whose weights are kept: built like the student."""
        module = self.student
        for term in self.own:
            module = term.kept(module)
        return module

    def weights(self) -> dict[str, float]:
        """The weight of each term beside the detection loss."""
        return {term.name: term.weight for term in self.distill} | {term.name: term.weight for term in self.own}

    def fading(self) -> dict[str, dict[str, int]]:
        """For `identity`: which weights fall, and by which step they are 0; nothing if none do."""
        steps = {term.name: term.decay_steps for term in self.distill if term.decay_steps is not None}
        return {"fading": steps} if steps else {}

    @abstractmethod
    def batch(self, step: int) -> Batch:
        """The batch of one step, on the CPU; a pure function of the step and the task's seed."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Numbers on the validation videos, none if there are no such videos. Never looks at test videos."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the student for use."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What the outcome depends on besides the loop's settings: data and options; plain JSON."""

    def starts(self, step: int, batch: Batch) -> Sequence[int]:
        """First snippet of each video's cut in this step's batch."""
        return [0] * len(batch.video_ids)

    def loss_terms(self, output: StreamOutput, batch: Batch, step: int) -> list[Term]:
        """The detection loss, each teacher's losses where that teacher exists, and the terms that need no teacher."""
        terms = [detection_term(output, batch)]
        for term in self.distill:
            teacher, there = term.source.outputs(batch, self.starts(step, batch))
            seen = batch.restricted_to(there)
            terms.append(Term(term.name, term.loss(output, teacher, seen), term.weight_at(step), seen.mask.sum()))
        terms += [own(self.student, output, batch, step) for own in self.own]
        return terms


def detection_term(output: StreamOutput, batch: Batch) -> Term:
    """Binary cross-entropy with logits, mean over the real snippets of labelled videos and over classes."""
    mask = batch.mask & batch.labelled[:, None]
    errors = F.binary_cross_entropy_with_logits(output.logits, batch.labels, reduction="none").mean(-1)  # (B, T)
    value = errors.masked_fill(~mask, 0.0).sum() / mask.sum().clamp(min=1)  # 0, with a graph, where nothing is labelled
    return Term("detection", value, 1.0, mask.sum())


def to_device(batch: Batch, device: Any) -> Batch:
    """The batch with its tensors on a device."""
    return replace(
        batch,
        features={name: value.to(device, non_blocking=True) for name, value in batch.features.items()},
        available={name: value.to(device, non_blocking=True) for name, value in batch.available.items()},
        mask=batch.mask.to(device),
        labels=batch.labels.to(device),
        labelled=batch.labelled.to(device),
        indices=batch.indices,
    )
