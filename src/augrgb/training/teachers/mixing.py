"""Which teacher to trust about which class: weights learned from scores of labelled snippets, and what they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.core.files import sha256_json
from augrgb.streams.ensemble import mixed_logits
from augrgb.training.terms import TeacherSource

_ITERATIONS = 200
_PULL = 1e-3  # towards equal weights: decides for classes without labels


@dataclass(frozen=True)
class TeacherMixing:
    """Softmax weights of teachers per class.

    Args:
        teachers: M names.
        values: (M, K), columns sum to 1.
        snippets: How many labelled snippets they were learned from, or chosen by.
    """

    teachers: tuple[str, ...]
    values: Tensor
    snippets: int

    def to_json(self, classes: Sequence[str]) -> dict[str, object]:
        """Plain values, for the run folder."""
        table = {
            name: dict(zip(classes, map(float, row), strict=True))
            for name, row in zip(self.teachers, self.values.tolist(), strict=True)
        }
        return {"snippets": self.snippets, "weights": table}


def learn_teacher_mixing(sources: Mapping[str, TeacherSource], batches: Iterable[Batch]) -> TeacherMixing:
    """Weights that make the weighted mean of the teachers' probabilities fit the labels best.

    Args:
        sources: Teachers that score the classes of the labels.
        batches: Whole training videos (or snippets), of which the labelled ones count.

    For each class, binary cross-entropy of `sum_m w_m p_m` over the labelled snippets, w the softmax of M free numbers,
    plus a weak pull towards equal weights; minimized to convergence (L-BFGS in double precision), before the student
    is trained. At snippets where some teachers are missing the others share the weight. Teachers were usually trained
    on the same labels, so the one that fits them closest is favored.

    Raises:
        UsageFault: E-TRN-005, no labelled snippet has a teacher.
    """
    logits, there, labels = labelled_scores(list(sources.values()), batches)
    free = torch.zeros(len(sources), labels.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([free], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        log_weights = free.log_softmax(0)[:, None] + there.log()[..., None]  # (M, N, K)
        errors = F.binary_cross_entropy_with_logits(mixed_logits(logits, log_weights), labels)
        loss: Tensor = errors * labels.shape[1] + _PULL * free.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return TeacherMixing(tuple(sources), free.detach().softmax(0).float(), len(labels))


def labelled_scores(sources: Sequence[TeacherSource], batches: Iterable[Batch]) -> tuple[Tensor, Tensor, Tensor]:
    """Scores of M teachers for the N labelled snippets that have any: (M, N, K), available (M, N), labels (N, K).

    Raises:
        UsageFault: E-TRN-005, there are none.
    """
    logits, there, labels = [], [], []
    for batch in batches:
        if not batch.labelled.any():
            continue
        found = [source.outputs(batch) for source in sources]
        exists = torch.stack([one[1] for one in found])  # (M, B, T)
        some = exists.any(0) & batch.labelled_snippets
        logits.append(torch.stack([one[0].logits for one in found])[:, some])
        there.append(exists[:, some])
        labels.append(batch.labels[some])
    if not sum(map(len, labels)):
        problem = "no labelled snippet has a teacher to learn weights from"
        raise UsageFault("E-TRN-005", "distill.teacher_mixing", problem, "Give the weights as numbers.")
    return torch.cat(logits, 1).double(), torch.cat(there, 1).double(), torch.cat(labels).double()


class WeightedTeachers:
    """Several teachers as one that has class scores only: the weighted mean of their probabilities.

    Args:
        sources: M teachers.
        weights: (M, K), from the same order; need not sum to 1. Where a teacher is missing the others share its weight.
    """

    def __init__(self, sources: Sequence[TeacherSource], weights: Tensor) -> None:
        self._sources, self._log_weights = list(sources), weights.log()

    @property
    def fingerprint(self) -> str:
        """Of all of them; their weights follow from them and the labels."""
        return sha256_json([source.fingerprint for source in self._sources])

    def outputs(self, batch: Batch) -> tuple[StreamOutput, Tensor]:
        """Logits of the mean (features are empty), and where any teacher exists (B, T) bool."""
        found = [source.outputs(batch) for source in self._sources]
        exists = torch.stack([there for _, there in found])  # (M, B, T)
        some = exists.any(0)
        log_weights = self._log_weights.to(batch.mask.device)[:, None, None]
        log_weights = log_weights.masked_fill(~(exists | ~some)[..., None], -torch.inf)
        logits = mixed_logits(torch.stack([output.logits for output, _ in found]), log_weights)
        logits = torch.where(some[..., None], logits, 0.0)
        return StreamOutput(logits[..., :0], logits), some

    def shares(self, batch: Batch) -> Tensor:
        """Each teacher's share of each snippet: (M, B, T), sums to 1 where any teacher exists.

        A teacher's weights for the classes of the snippet: its labels, or, where it has none or is not labelled, the
        weighted teachers' probabilities.
        """
        output, _ = self.outputs(batch)
        exists = torch.stack([source.outputs(batch)[1] for source in self._sources])
        known = batch.labelled[:, None, None] & (batch.labels.sum(-1, keepdim=True) > 0)
        classes = torch.where(known, batch.labels, output.logits.sigmoid())  # (B, T, K)
        weights = self._log_weights.exp().to(classes)
        share = torch.einsum("btk,mk->mbt", classes, weights) * exists
        return share / share.sum(0).clamp(min=torch.finfo(share.dtype).tiny)


class SharedSnippets:
    """One teacher of several, which teaches each snippet with the probability that is its share of it.

    A loss that is a mean over snippets has then, on average, the gradient of the mean with shares as weights, up to the
    mean share, which belongs in the term's weight. Drawn from the torch generator, like everything random in a step.

    Args:
        source: The teacher.
        number: Its place among the weighted ones.
        weighted: All of them.
    """

    def __init__(self, source: TeacherSource, number: int, weighted: WeightedTeachers) -> None:
        self._source, self._number, self._weighted = source, number, weighted

    @property
    def fingerprint(self) -> str:
        """Of the teacher, and of those with which it shares."""
        return sha256_json([self._source.fingerprint, self._weighted.fingerprint])

    def outputs(self, batch: Batch) -> tuple[StreamOutput, Tensor]:
        """The teacher's output, and where it teaches (B, T) bool."""
        output, there = self._source.outputs(batch)
        share = self._weighted.shares(batch)[self._number]
        return output, there & (torch.rand(share.shape, device=share.device) < share)


def mean_shares(weighted: WeightedTeachers, batches: Iterable[Batch]) -> Tensor:
    """Mean share of each teacher over all training snippets that have one, (M,)."""
    total: Tensor | None = None
    count = 0
    for batch in batches:
        shares = weighted.shares(batch)[:, batch.mask]
        total = shares.sum(1) if total is None else total + shares.sum(1)
        count += int((shares.sum(0) > 0.5).sum())
    if total is None:
        raise ValueError("no video given")
    return total / max(1, count)
