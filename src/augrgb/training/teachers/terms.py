"""Distillation terms from losses and teachers: who teaches through which loss, with what weight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims
from augrgb.losses import LOSSES
from augrgb.losses.parts.distillation_loss import DistillationLoss
from augrgb.training.teachers.mixing import (
    SharedSnippets,
    TeacherMixing,
    WeightedTeachers,
    learn_teacher_mixing,
    mean_shares,
)
from augrgb.training.terms import DistillationTerm, TeacherSource

Mixing = Mapping[str, float] | Literal["equal", "learned"] | TeacherMixing
"""A factor for each teacher (default 1); or they share each loss's weight: equally, learned, or given per class."""

_DIGITS = 4  # of weights that are compared on resuming


@dataclass(frozen=True)
class LossSpec:
    """A distillation loss as a method uses it.

    Args:
        name: In `LOSSES`.
        weight: Relative to the detection loss.
        teachers: Those who teach through it; None = all.
        decay_steps: See `DistillationTerm`.
        options: Of the loss.
    """

    name: str
    weight: float = 1.0
    teachers: Sequence[str] | None = None
    decay_steps: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> type[DistillationLoss]:
        """Its class."""
        return LOSSES[self.name]

    def build(self, dims: StreamDims) -> DistillationLoss:
        """A fresh loss, its parameters drawn from torch's generator."""
        return self.kind(dims, **self.options)

    def used_by(self, teacher: str) -> bool:
        """Whether a teacher teaches through it."""
        return self.teachers is None or teacher in self.teachers


@dataclass(frozen=True)
class Taught:
    """Distillation terms, and the teacher mixing if it was learned."""

    terms: tuple[DistillationTerm, ...] = ()
    mixing: TeacherMixing | None = None


def distillation_terms(
    losses: Sequence[LossSpec],
    sources: Mapping[str, TeacherSource],
    dims: Mapping[str, StreamDims],
    batches: Callable[[], Iterable[Batch]],
    *,
    mixing: Mixing | None = None,
    groups: Iterable[Iterable[str]] | None = None,
) -> Taught:
    """The terms of all teachers.

    With factors (or nothing) for `mixing`, every teacher has a term for every loss that it uses. Otherwise teachers
    share the weight of each loss: a loss on class scores has one term, with all its teachers as one; other losses have
    one for each teacher, with its mean share as weight. With weights per class, losses that are means over snippets see
    a teacher's snippet as often as its share says.

    Args:
        losses: In the order of their terms.
        sources: Outputs of M teachers by name.
        dims: Widths and counts of each, for losses with parameters.
        batches: All training samples, whole; called again for every pass over them.
        mixing: See `Mixing`.
        groups: Teachers whose weights are learned together; default all.

    Raises:
        UsageFault: E-TRN-005, weights cannot be learned: nothing is labelled.
    """
    if not sources:
        return Taught()
    if mixing == "learned":
        learned = _learned(sources, batches, [list(sources)] if groups is None else groups)
        return Taught(tuple(_shared_terms(losses, sources, dims, learned.values, batches, draw=True)), learned)
    if isinstance(mixing, TeacherMixing):
        given = mixing.values[[mixing.teachers.index(name) for name in sources]]
        return Taught(tuple(_shared_terms(losses, sources, dims, given, batches, draw=True)), mixing)
    if mixing == "equal":
        equal = torch.full((len(sources), next(iter(dims.values())).classes), 1 / len(sources))
        return Taught(tuple(_shared_terms(losses, sources, dims, equal, batches, draw=False)))
    factors: Mapping[str, float] = mixing if isinstance(mixing, Mapping) else {}
    return Taught(
        tuple(
            DistillationTerm(
                teacher, loss.build(dims[teacher]), factors.get(teacher, 1.0) * loss.weight, source, loss.decay_steps
            )
            for teacher, source in sources.items()
            for loss in losses
            if loss.used_by(teacher)
        )
    )


def hidden_layers(losses: Iterable[LossSpec], dims: StreamDims) -> int:
    """How many layers of a teacher the losses look at; they are built for this question only, and dropped."""
    with torch.random.fork_rng(devices=[]):
        return max((loss.build(dims).teacher_layers for loss in losses), default=0)


def _learned(
    sources: Mapping[str, TeacherSource], batches: Callable[[], Iterable[Batch]], groups: Iterable[Iterable[str]]
) -> TeacherMixing:
    known = [[name for name in group if name in sources] for group in groups]
    found = [learn_teacher_mixing({name: sources[name] for name in group}, batches()) for group in known if group]
    return TeacherMixing(tuple(sources), torch.cat([weights.values for weights in found]), found[0].snippets)


def _shared_terms(
    losses: Sequence[LossSpec],
    sources: Mapping[str, TeacherSource],
    dims: Mapping[str, StreamDims],
    weights: Tensor,
    batches: Callable[[], Iterable[Batch]],
    *,
    draw: bool,
) -> Iterable[DistillationTerm]:
    """Terms of teachers that share each loss's weight: (M, K), in the order of `sources`."""
    for loss in losses:
        users = [teacher for teacher in sources if loss.used_by(teacher)]
        if not users:
            continue
        rows = [list(sources).index(teacher) for teacher in users]
        together = WeightedTeachers([sources[teacher] for teacher in users], weights[rows])
        if loss.kind.compares == "scores":
            built = loss.build(dims[users[0]])
            yield DistillationTerm("+".join(users), built, loss.weight, together, loss.decay_steps)
            continue
        for number, (teacher, share) in enumerate(zip(users, mean_shares(together, batches()).tolist(), strict=True)):
            source = sources[teacher]
            if loss.kind.compares == "snippets" and draw:
                source = SharedSnippets(source, number, together)
            weight = round(loss.weight * share, _DIGITS)
            yield DistillationTerm(teacher, loss.build(dims[teacher]), weight, source, loss.decay_steps)
