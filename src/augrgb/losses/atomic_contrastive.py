"""Atomic level: each student snippet is to be recognized as its teacher snippet among others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

import torch
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses.parts.class_check import check_labels
from augrgb.losses.parts.contrast import contrast
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, nothing
from augrgb.losses.parts.functional import functional
from augrgb.losses.parts.negatives import Negatives, Snippets, TeacherBank, allowed
from augrgb.losses.parts.projection import Projection, ProjectionKind
from augrgb.losses.parts.unit_vectors import unit_snippets

Use = Callable[[slice], Tensor]
_CHUNK = 2**22  # similarities held at once
_BY_LABELS = ("different_labels", "class_disjoint", "memory_bank")


class AtomicContrastive(DistillationLoss):
    """Contrast each student snippet's own teacher snippet with teacher snippets of other action content.

    Dai et al., ICCV 2021, section 3.2. With L2-normalized (projected) student snippets s_i and teacher snippets g_i:
    `-mean_i log[exp(s_i.g_i/tau) / (exp(s_i.g_i/tau) + sum_j exp(s_i.g_j/tau))]`, j over the negatives of i. A snippet
    without negatives contributes 0.
    Deviation: where a batch (or the bank) has more than `max_negatives` snippets, candidates are a random subset of
    that size, the same for all teachers of a step, and the sum over them is scaled up to what all would give on
    average; a pair of which either snippet is not labelled cannot be compared and counts as a random negative.

    Args:
        dims: Feature widths Cs and Ct, or by name: `student=128, teacher=256`; a memory bank also needs `classes`.
        temperature: tau.
        negatives: Which teacher snippets: label sets differ (`different_labels`), no class in common
            (`class_disjoint`), any (`random`), any of the same video or of others, or label sets differ among the
            teacher snippets of past batches (`memory_bank`).
        max_negatives: Snippets that may serve as negatives in a step; None = all, the exact sum.
        symmetric: Also contrast each teacher snippet with student snippets, and take the mean of both.
        project: Head on the student's features.
        bank_size: Snippets in the memory bank.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T), labels (B, T, K) -> scalar.

    Raises:
        UsageFault: E-CFG-003, options that exclude each other, or that are not positive; E-MOD-031, negatives are
            chosen by labels and there are none.

    >>> s, g = torch.eye(4)[None], torch.eye(4)[None]  # four snippets of one video, as the teacher sees them
    >>> mask, labels = torch.ones(1, 4, dtype=torch.bool), torch.eye(4)[None]
    >>> loss = AtomicContrastive(student=4, teacher=4)
    >>> round(float(loss(s, g, mask, labels=labels)), 6)
    0.000136
    >>> round(float(atomic_contrastive(s, g, mask, labels=labels, temperature=1.0)), 4)
    0.7437
    """

    name = "atomic_contrastive"
    compares = "snippets"
    needs = ("student", "teacher")

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        temperature: float = 0.1,
        negatives: Negatives = "different_labels",
        max_negatives: int | None = 128,
        symmetric: bool = False,
        project: ProjectionKind = "auto",
        bank_size: int = 4096,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        if symmetric and negatives == "memory_bank":
            problem = "a memory bank holds teacher snippets only, but symmetric needs student snippets too"
            raise UsageFault("E-CFG-013", self.name, problem, "Leave out symmetric, or choose other negatives.")
        if temperature <= 0 or (max_negatives is not None and max_negatives < 1):
            problem = f"temperature and max_negatives must be positive, got {temperature} and {max_negatives}"
            raise UsageFault("E-CFG-003", self.name, problem, "max_negatives: null takes all negatives.")
        self.temperature, self.negatives, self.max_negatives = temperature, negatives, max_negatives
        self.symmetric = symmetric
        self.project = Projection(self.dims.student, self.dims.teacher, project)
        self.bank: TeacherBank | None = None
        if negatives == "memory_bank":
            self.require("classes")
            self.bank = TeacherBank(bank_size, self.dims.teacher, self.dims.classes)
            self.remembers = True

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        if self.negatives in _BY_LABELS:
            check_labels(self.name, batch, "Or choose negatives='random'.")
        if not batch.mask.any():
            return nothing(student)
        s, g = unit_snippets(self.project.of(student)).flatten(0, 1), unit_snippets(teacher).flatten(0, 1)  # (B T, Ct)
        every = Snippets.all_of(batch)
        if self.bank is not None:
            bank_g, known = self.bank.content(g.dtype)
            pick, ratio = self._pick(len(bank_g), g.device)
            known = known.at(pick)

            def differ(part: slice) -> Tensor:
                return allowed("different_labels", every.at(part), known)

            loss = self._contrast(s, g, bank_g[pick], differ, batch, ratio)
            if self.training:
                self.bank.push(g.detach()[batch.mask.flatten()], Snippets.of(batch))
            return loss
        # all teachers of this step contrast with the same snippets
        key = (self.negatives, self.max_negatives)
        rows, negative, ratio = student.shared(key, batch.mask, lambda: self._candidates(batch, every))
        loss = self._contrast(s, g, g[rows], negative, batch, ratio)
        if self.symmetric:
            loss = 0.5 * (loss + self._contrast(g, s, s[rows], negative, batch, ratio))
        return loss

    def _candidates(self, batch: Batch, every: Snippets) -> tuple[Tensor, Use, float]:
        """Places of M candidates among the B T snippets, whose negatives they are, for how many each stands."""
        real = batch.mask.flatten().nonzero()[:, 0]
        pick, ratio = self._pick(len(real), real.device)
        rows = real[pick]
        candidates = every.at(rows)
        if len(every.number) * len(rows) > _CHUNK:  # too many to be kept
            return rows, lambda part: allowed(self.negatives, every.at(part), candidates), ratio
        use = allowed(self.negatives, every, candidates).to(batch.labels.dtype)  # multiplies faster than bool
        return rows, lambda part: use[part], ratio

    def _pick(self, count: int, device: torch.device) -> tuple[Tensor, float]:
        """At most `max_negatives` of `count`, drawn by the torch generator, which is seeded at every step."""
        if self.max_negatives is None or count <= self.max_negatives:
            return torch.arange(count, device=device), 1.0
        return torch.randperm(count, device=device)[: self.max_negatives], count / self.max_negatives

    def _contrast(self, a: Tensor, b: Tensor, others: Tensor, use: Use, batch: Batch, ratio: float) -> Tensor:
        """Mean over the real snippets; those at padding are computed along and weigh nothing."""
        weight = batch.mask.flatten().to(a.dtype) / batch.mask.sum()
        return contrast(a, b, others, use, weight, temperature=self.temperature, ratio=ratio, chunk=_CHUNK)


atomic_contrastive = functional(AtomicContrastive)
