"""A stream: what turns the features of one modality into class scores per snippet."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from augrgb.core.batch import StreamOutput
from augrgb.core.errors import InputRefused
from augrgb.filters.parts.temporal_filter import TemporalFilter


class Stream(nn.Module):
    """Standardise the features, filter them over time, classify each snippet.

    Args:
        filter: The temporal filter.
        num_classes: K.

    Shape: x (B, T, dim_in), mask (B, T) -> `StreamOutput`, zero at padding.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, filter: TemporalFilter, num_classes: int) -> None:
        super().__init__()
        self.filter = filter
        self.classifier = nn.Linear(filter.width, num_classes)
        self.register_buffer("mean", torch.zeros(filter.dim_in))
        self.register_buffer("std", torch.ones(filter.dim_in))

    @property
    def dim_in(self) -> int:
        """Channels of the input features."""
        return self.filter.dim_in

    @property
    def num_classes(self) -> int:
        """Number of classes K."""
        return self.classifier.out_features

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Standardise with these from now on, both (dim_in,). A channel that never varied keeps its scale."""
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 1e-12, std, 1.0))

    def forward(self, x: Tensor, mask: Tensor) -> StreamOutput:
        """Scores (as logits) and filtered features of a batch.

        Raises:
            InputRefused: E-FEA-017, features of another width.
        """
        if x.shape[-1] != self.dim_in:
            raise InputRefused("E-FEA-017", "stream", f"features have {x.shape[-1]} channels, the model {self.dim_in}")
        real = mask[..., None]
        x = torch.where(real, (x - self.mean) / self.std, 0.0)
        features, hidden = self.filter(x, mask)
        return StreamOutput(features, self.classifier(features) * real, hidden)
