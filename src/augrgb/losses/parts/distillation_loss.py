"""What every distillation loss is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamDims, StreamOutput


class DistillationLoss(nn.Module, ABC):
    """Base of the distillation losses: a scalar from what student and teacher say about the same batch.

    Gradient reaches the student's output and the loss's own parameters, which are optimised with the student and
    dropped after training. Teachers run under `no_grad`; losses do not detach. Where the formula has nothing to work on
    (no real snippet, one snippet, no negative) the loss is 0, never NaN. Options are keyword-only.

    Args:
        dims: Sizes of student and teacher.

    Attributes:
        compares: What it looks at: class `scores` alone (then several teachers may speak with one voice), `snippets`,
            of which it is a mean (then it may be given some of them only), or `sequences`.
        teacher_layers: How many of the last layers of a teacher's filter it looks at, besides features and logits.
    """

    name: ClassVar[str]
    compares: ClassVar[Literal["scores", "snippets", "sequences"]] = "sequences"
    teacher_layers: int = 0

    def __init__(self, dims: StreamDims) -> None:
        super().__init__()
        self.dims = dims

    @abstractmethod
    def forward(self, student: StreamOutput, teacher: StreamOutput, batch: Batch) -> Tensor:
        """The loss; `batch.mask` holds only snippets where this teacher exists."""


def nothing(student: StreamOutput) -> Tensor:
    """A zero that the student's graph knows, so that every process has gradients to share."""
    return student.features.flatten()[:1].sum() * 0.0 + student.logits.flatten()[:1].sum() * 0.0


def mean_or_nothing(values: Tensor, student: StreamOutput) -> Tensor:
    """The mean, or `nothing` of no values."""
    return values.mean() if values.numel() else nothing(student)
