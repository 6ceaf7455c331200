"""What the training loop asks of a method: batches, loss terms, validation, and files to keep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.training.sampler import BatchPlan
from augrgb.training.terms import DistillationTerm, Term, TermValue, detection_loss


class Task(ABC):
    """A method, as the loop sees it.

    Args:
        student: `(x, mask) -> StreamOutput`.
        modality: Which of the batch's features it looks at.
        plan: Which samples come when.
        terms: Beside the detection loss; those of weight 0 are left out.

    Attributes:
        metric: Name of the validated number by which the best weights are chosen; higher is better.
        losses: What the terms train with the student, in their order.
    """

    metric = "frame_map"

    def __init__(self, student: nn.Module, modality: str, plan: BatchPlan, terms: Iterable[Term] = ()) -> None:
        self.student, self.modality, self.plan = student, modality, plan
        self.terms = active(terms)
        self.losses = nn.ModuleList([term.trained for term in self.terms])

    @property
    def kept(self) -> nn.Module:
        """The module that is validated, and whose weights are kept: built like the student."""
        module = self.student
        for term in self.terms:
            module = term.kept(module)
        return module

    def weights(self) -> dict[str, float]:
        """The weight of each term beside the detection loss."""
        return {term.name: term.weight for term in self.terms}

    def fading(self) -> dict[str, dict[str, int]]:
        """For `identity`: which weights decay, and by which step they are 0; nothing if none do."""
        steps = {term.name: term.decay_steps for term in self.terms if term.decay_steps is not None}
        return {"fading": steps} if steps else {}

    def teacher_content(self) -> dict[str, str]:
        """For `identity`: a fingerprint of each teacher."""
        teachers = {term.teacher: term.source for term in self.terms if isinstance(term, DistillationTerm)}
        return {f"teacher {name}": source.fingerprint for name, source in teachers.items()}

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

    def loss_terms(self, output: StreamOutput, batch: Batch, step: int) -> list[TermValue]:
        """The detection loss and every term, in one step."""
        output = output.sharing()  # one backward pass for all terms
        return [detection_loss(output, batch), *(term(self.student, output, batch, step) for term in self.terms)]


def active(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The terms whose weight is not 0."""
    return tuple(term for term in terms if term.weight != 0)


def to_device(batch: Batch, device: Any) -> Batch:
    """The batch with its tensors on a device."""
    return replace(
        batch,
        features={name: value.to(device, non_blocking=True) for name, value in batch.features.items()},
        available={name: value.to(device, non_blocking=True) for name, value in batch.available.items()},
        mask=batch.mask.to(device),
        known=batch.known.to(device),
        labels=batch.labels.to(device),
        labelled=batch.labelled.to(device),
        indices=batch.indices,
    )
