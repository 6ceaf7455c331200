"""Pseudo-labels: what a teacher is sure of is taken for a label where there is none."""

from __future__ import annotations

from typing import Literal, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses.parts.class_check import check_classes, check_labels
from augrgb.losses.parts.distillation_loss import DistillationLoss, Sizes, mean_or_nothing
from augrgb.losses.parts.functional import functional

_BINS, _LIMIT = 200, 10.0  # of the histogram of logits, in [-10, 10]


class PseudoLabels(DistillationLoss):
    """Binary cross-entropy with the teacher's confident decisions, on unlabelled videos only.

    Lee, "Pseudo-Label", ICML workshop 2013, for several labels at once: of each snippet and class, a probability of at
    least `positive` is a 1, of at most `negative` a 0, and what lies between is ignored. A teacher of the student's own
    modality makes this semi-supervision without any other sensor. Mean over the decisions taken.

    With `thresholds: prevalence` they differ between classes, as in curriculum labelling (Cascante-Bonilla et al., AAAI
    2021): a class that is true of a share r of labelled snippets is 1 in the `sure * r` most probable of the unlabelled
    ones, 0 in all but the `doubtful * r` most probable. Both shares are counted in all batches so far.

    Args:
        dims: Classes K, or by name: `classes=16`.
        form: Targets 0 and 1 (`hard`), or the teacher's probabilities (`soft`).
        positive, negative: Given thresholds, one for all classes or K of them.
        thresholds: `given`, or from each class's `prevalence`.
        sure, doubtful: See above; sure <= 1 <= doubtful.

    Shape: logits (B, T, K), mask (B, T), labels (B, T, K), labelled (B,) -> scalar.

    Raises:
        UsageFault: E-CFG-003, thresholds that cross, or not one for each class; E-MOD-008, the teacher does not
            score these classes.
    """

    name = "pseudo_labels"
    compares = "scores"
    needs = ("classes",)
    positive: Tensor
    negative: Tensor
    histogram: Tensor
    labelled: Tensor

    def __init__(
        self,
        dims: StreamDims | None = None,
        *,
        form: Literal["hard", "soft"] = "hard",
        positive: float | tuple[float, ...] = 0.7,
        negative: float | tuple[float, ...] = 0.2,
        thresholds: Literal["given", "prevalence"] = "given",
        sure: float = 0.5,
        doubtful: float = 2.0,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__(dims, **sizes)
        high, low = _one_per_class(positive, self.dims.classes), _one_per_class(negative, self.dims.classes)
        if not ((low >= 0) & (low <= high) & (high <= 1)).all() or not 0 <= sure <= 1 <= doubtful:
            problem = f"thresholds cross: {negative=}, {positive=}, {sure=}, {doubtful=}"
            raise UsageFault("E-CFG-003", self.name, problem, "0 <= negative <= positive <= 1, sure <= 1 <= doubtful.")
        self.form, self.thresholds, self.sure, self.doubtful = form, thresholds, sure, doubtful
        self.remembers = thresholds == "prevalence"
        self.register_buffer("positive", high)
        self.register_buffer("negative", low)
        self.register_buffer("histogram", torch.zeros(self.dims.classes, _BINS, dtype=torch.int64))
        self.register_buffer("labelled", torch.zeros(self.dims.classes + 1, dtype=torch.int64))  # positives, snippets

    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; see the class."""
        check_classes(self.name, student, teacher)
        if self.thresholds == "prevalence":
            check_labels(self.name, batch)
        mask = batch.mask & ~batch.labelled[:, None]
        logits = teacher.logits[mask].float()  # (N, K)
        if self.thresholds == "prevalence" and self.training:
            self._count(logits, batch.labels[batch.labelled_snippets])
        p = logits.sigmoid()
        low, high = self.borders()
        decided = (p >= high) | (p <= low)
        targets = p if self.form == "soft" else (p >= high).float()
        errors = F.binary_cross_entropy_with_logits(student.logits[mask].float(), targets, reduction="none")
        return mean_or_nothing(errors[decided], student)

    def borders(self) -> tuple[Tensor, Tensor]:
        """Probabilities up to which a class is absent, and from which it is there, each (K,)."""
        if self.thresholds == "given":
            return self.negative, self.positive
        prevalence = self.labelled[:-1] / self.labelled[-1].clamp(min=1)
        total = self.histogram.sum(1)
        above = self.histogram.flip(1).cumsum(1)  # (K, bins): snippets in the most probable 1, 2, ... bins
        sure, doubtful = (
            (above <= (share * prevalence * total)[:, None]).sum(1) for share in (self.sure, self.doubtful)
        )
        # Bins are taken whole: never more positives than asked for, never more zeros.
        width, none = 2 * _LIMIT / _BINS, torch.full_like(prevalence, torch.inf)
        some = (sure > 0) & (above.gather(1, (sure - 1).clamp(min=0)[:, None])[:, 0] > 0)
        high = torch.where(some, (_LIMIT - width * sure).sigmoid(), none)
        counted = (doubtful < _BINS) & (self.labelled[-1] > 0)
        low = torch.where(counted, (_LIMIT - width * (doubtful + 1)).sigmoid(), -none)
        return low, high

    @torch.no_grad()
    def _count(self, logits: Tensor, labels: Tensor) -> None:
        bins = ((logits + _LIMIT) * (_BINS / (2 * _LIMIT))).long().clamp(0, _BINS - 1).T  # (K, N)
        self.histogram.scatter_add_(1, bins, torch.ones_like(bins))
        self.labelled[:-1] += (labels > 0).sum(0)
        self.labelled[-1] += len(labels)


def _one_per_class(value: float | tuple[float, ...], classes: int) -> Tensor:
    values = torch.as_tensor(value, dtype=torch.float32)
    if values.ndim and len(values) != classes:
        raise UsageFault("E-CFG-003", PseudoLabels.name, f"{len(values)} thresholds for {classes} classes")
    return values.expand(classes).clone()


pseudo_labels = functional(PseudoLabels)
