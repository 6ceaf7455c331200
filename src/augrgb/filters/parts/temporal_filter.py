"""What every temporal filter is: features of snippets in, features that know their surroundings out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn


class TemporalFilter(nn.Module, ABC):
    """Base of the temporal filters.

    Padding never changes a real snippet, and outputs are zero at padding. Options are keyword-only.

    Args:
        dim_in: Channels of the input.
        width: Channels of the output.
        reach: How many snippets to either side can change an output; None = all of the sequence. Long sequences are
            cut into windows that overlap by this much.
    """

    name: ClassVar[str]

    def __init__(self, dim_in: int, *, width: int, reach: int | None) -> None:
        super().__init__()
        self.dim_in, self.width, self.reach = dim_in, width, reach

    @abstractmethod
    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Filter a batch.

        Shape: x (B, T, dim_in), mask (B, T) bool -> features (B, T, width) and the outputs of the layers, first to
        last, each (B, T, C_i).
        """

    def auxiliary_losses(self, num_classes: int) -> dict[str, tuple[nn.Module, float]]:
        """Losses that are trained beside the detection loss, if the filter has any: name -> (branch, weight).

        A branch is a fresh module `(StreamOutput, Batch) -> scalar` on the filter's hidden outputs. It is trained with
        the stream and dropped afterwards.
        """
        return {}
