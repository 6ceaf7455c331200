"""Summands of the loss that need no teacher from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamOutput


@dataclass(frozen=True)
class Term:
    """One summand of the loss: a scalar, its weight, and how many snippets it saw."""

    name: str
    value: Tensor
    weight: float
    snippets: Tensor


class StudentTerm(nn.Module, ABC):
    """A summand made of the student and its batch alone: consistency with itself, an auxiliary branch of its filter.

    Its parameters are trained with the student, its state is in the checkpoints, and both are dropped after training.

    Args:
        name: In the log.
        weight: Relative to the detection loss.

    Attributes:
        uses_unlabelled: Whether it learns from samples without labels.
    """

    uses_unlabelled = False

    def __init__(self, name: str, weight: float) -> None:
        super().__init__()
        self.name, self.weight = name, weight

    @abstractmethod
    def forward(self, student: nn.Module, output: StreamOutput, batch: Batch, step: int) -> Term:
        """The summand of one step (counted from 0), `output` being what the student said about the batch."""

    def kept(self, student: nn.Module) -> nn.Module:
        """The module to validate and to keep; the student, unless the term makes a better one of it."""
        return student


def second_view(modality: str) -> str:
    """Name among a batch's features of the same snippets of a modality, perturbed otherwise than the student's."""
    return f"{modality} (second view)"
