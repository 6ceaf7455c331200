"""The parts of a bundle as modules whose inputs and outputs are plain tensors: what is exported."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from augrgb.filters import SdTcn
from augrgb.filters.sd_tcn import StepState
from augrgb.inference.export.plain_encoders import EncoderGraph
from augrgb.inference.export.plain_filters import PlainFilter
from augrgb.streams.stream import Stream


class StreamGraph(nn.Module):
    """Features of a whole video to class scores and their logits. Shape: (T, C) -> (T, K) in [0, 1], (T, K)."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.stream, self.filter = stream, PlainFilter(stream.filter)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = (features - self.stream.mean) / self.stream.std
        logits = self.stream.classifier(self.filter(x[None]))[0]
        return logits.sigmoid(), logits


class DetectorGraph(nn.Module):
    """Windows to class scores and logits. Shape: (T, window, H, W, 3) uint8 -> (T, K) in [0, 1], (T, K)."""

    def __init__(self, encoder: EncoderGraph, stream: StreamGraph) -> None:
        super().__init__()
        self.encoder, self.stream = encoder, stream

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        return cast(tuple[Tensor, Tensor], self.stream(self.encoder(windows)))


class StepGraph(nn.Module):
    """A filter with a look-ahead, continued: the next n snippets and a state to scores and the next state.

    Shape: features (n, C), real (n,) float 0 or 1, states -> scores (n, K), logits (n, K), shown (n,), states. A score
    at which `shown` is 0 stands for no snippet.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.stream = stream

    @property
    def filter(self) -> SdTcn:
        """The filter of the stream."""
        return cast(SdTcn, self.stream.filter)

    def start(self) -> tuple[Tensor, ...]:
        """The states before the first snippet, without those that are always empty."""
        pasts, real = self.filter.start()
        return (*pasts, real) if real.shape[-1] else pasts

    def forward(self, features: Tensor, real: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        stream, mask = self.stream, real[None] > 0
        x = torch.where(mask[..., None], (features[None] - stream.mean) / stream.std, 0.0)
        late = bool(self.filter.look_ahead_snippets)
        seen = states[-1] if late else features.new_zeros(1, 1, 0)
        y, shown, after = self.filter.step(x, mask, StepState(states[: len(states) - late], seen))
        logits = stream.classifier(y[0])
        return (logits.sigmoid(), logits, shown[0].float(), *after.pasts, *((after.real,) if late else ()))
