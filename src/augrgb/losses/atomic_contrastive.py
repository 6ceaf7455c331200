"""Atomic level: each student snippet is to be recognised as its teacher snippet among others."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.losses.distillation_loss import DistillationLoss, nothing
from augrgb.losses.negatives import Negatives, Snippets, TeacherBank, allowed
from augrgb.losses.projection import Projection, ProjectionKind

_CHUNK = 2**23  # similarities held at once


class AtomicContrastive(DistillationLoss):
    """Contrast each student snippet's own teacher snippet with teacher snippets of other action content.

    Dai et al., ICCV 2021, section 3.2. With L2-normalised (projected) student snippets s_i and teacher snippets g_i:
    `-mean_i log[exp(s_i.g_i/tau) / (exp(s_i.g_i/tau) + sum_j exp(s_i.g_j/tau))]`, j over the negatives of i. A snippet
    without negatives contributes 0.
    Deviation: negatives are drawn from a random subset of the batch; a pair of which either snippet is not labelled
    cannot be compared and counts as a random negative.

    Args:
        dims: Feature sizes of student (Cs) and teacher (Ct), classes.
        temperature: tau.
        negatives: Which teacher snippets: label sets differ (`different_labels`), no class in common
            (`class_disjoint`), any (`random`), any of the same video or of others, or label sets differ among the
            teacher snippets of past batches (`memory_bank`).
        max_negatives: Size of the random subset of snippets that may serve as negatives in a step.
        symmetric: Also contrast each teacher snippet with student snippets, and take the mean of both.
        project: Head on the student's features.
        bank_size: Snippets in the memory bank.

    Shape: student features (B, T, Cs), teacher features (B, T, Ct), mask (B, T), labels (B, T, K) -> scalar.
    """

    name = "atomic_contrastive"

    def __init__(
        self,
        dims: StreamDims,
        *,
        temperature: float = 0.1,
        negatives: Negatives = "different_labels",
        max_negatives: int = 1024,
        symmetric: bool = False,
        project: ProjectionKind = "auto",
        bank_size: int = 4096,
    ) -> None:
        super().__init__(dims)
        if symmetric and negatives == "memory_bank":
            raise ValueError("a memory bank holds teacher snippets only: symmetric needs negatives from the batch")
        self.temperature, self.negatives, self.max_negatives = temperature, negatives, max_negatives
        self.symmetric = symmetric
        self.project = Projection(dims.student, dims.teacher, project)
        self.bank = TeacherBank(bank_size, dims.teacher, dims.classes) if negatives == "memory_bank" else None

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        mask = batch.mask
        if not mask.any():
            return nothing(student)
        s = F.normalize(self.project(student.features[mask]), dim=-1)  # (N, Ct)
        g = F.normalize(teacher.features[mask], dim=-1)
        anchors = Snippets.of(batch)
        if self.bank is not None:
            bank_g, candidates = self.bank.content(g.dtype)
            if len(bank_g) > self.max_negatives:
                pick = torch.randperm(len(bank_g), device=g.device)[: self.max_negatives]
                bank_g, candidates = bank_g[pick], candidates.at(pick)
            loss = self._contrast(s, g, anchors, bank_g, candidates)
            if self.training:
                self.bank.push(g.detach(), anchors)
            return loss
        pick = torch.arange(len(s), device=s.device)
        if len(s) > self.max_negatives:
            pick = torch.randperm(len(s), device=s.device)[: self.max_negatives]
        candidates = anchors.at(pick)
        loss = self._contrast(s, g, anchors, g[pick], candidates)
        if self.symmetric:
            loss = 0.5 * (loss + self._contrast(g, s, anchors, s[pick], candidates))
        return loss

    def _contrast(self, a: Tensor, b: Tensor, anchors: Snippets, others: Tensor, candidates: Snippets) -> Tensor:
        """Mean over anchors of log(1 + sum_j exp((a.o_j - a.b) / tau)), rows in pieces of bounded memory."""
        rule: Negatives = "different_labels" if self.negatives == "memory_bank" else self.negatives

        def piece(rows_a: Tensor, rows_b: Tensor, others: Tensor, use: Tensor) -> Tensor:
            positive = (rows_a * rows_b).sum(-1, keepdim=True)
            gap = (rows_a @ others.T - positive) / self.temperature
            gap = gap.masked_fill(~use, -torch.inf)
            return torch.logsumexp(torch.cat([torch.zeros_like(positive), gap], 1), 1).sum()

        step = max(1, _CHUNK // max(1, len(others)))
        total = a.new_zeros(())
        for start in range(0, len(a), step):
            rows = slice(start, start + step)
            use = allowed(rule, anchors.at(rows), candidates)
            if len(a) <= step:
                total = total + piece(a[rows], b[rows], others, use)
            else:  # recomputed in the backward pass instead of kept
                total = total + checkpoint(
                    piece, a[rows], b[rows], others, use, use_reentrant=False, preserve_rng_state=False
                )
        return total / len(a)
