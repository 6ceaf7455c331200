"""Losses that a temporal filter brings with it."""

from __future__ import annotations

from torch import nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.streams.stream import Stream
from augrgb.training.terms import StudentTerm, TermValue


class AuxiliaryTerm(StudentTerm):
    """A branch of the student's temporal filter, trained on labels beside the classifier and dropped afterwards.

    Args:
        name: In the log.
        weight: Relative to the detection loss.
        branch: `(StreamOutput, Batch) -> scalar`, over the snippets of labelled videos.
    """

    def __init__(self, name: str, weight: float, branch: nn.Module) -> None:
        super().__init__(name, weight)
        self.branch = branch

    def forward(self, student: nn.Module, output: StreamOutput, batch: Batch, step: int) -> TermValue:
        """The branch's loss."""
        seen = batch.labelled_snippets
        return TermValue(self.name, self.branch(output, batch), self.weight, seen.sum())

    @classmethod
    def of_filter(cls, stream: Stream) -> list[AuxiliaryTerm]:
        """Terms for all auxiliary losses of a stream's filter whose weight is not 0."""
        found = stream.filter.auxiliary_losses(stream.num_classes)
        return [
            cls(f"{stream.filter.name}/{name}", weight, branch)
            for name, (branch, weight) in found.items()
            if weight != 0
        ]
