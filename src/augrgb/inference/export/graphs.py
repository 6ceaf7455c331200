"""The parts of a bundle as modules whose inputs and outputs are plain tensors: what is exported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.errors import UsageFault
from augrgb.encoders.files import LoadedEncoder
from augrgb.filters import SdTcn
from augrgb.filters.sd_tcn import StepState
from augrgb.streams.stream import Stream


class EncoderGraph(nn.Module):
    """Windows of RGB frames to features, normalization included.

    What the encoder does to windows before its network is found by asking it: which frames it looks at, and whether
    each channel gets a factor and an offset, or each window zero mean and unit standard deviation.

    Shape: (N, window, H, W, 3) uint8 -> (N, C) float32.

    Raises:
        UsageFault: E-MOD-035, the encoder reads something else than RGB, or does something else to frames.
    """

    scale: Tensor
    offset: Tensor
    frames: Tensor

    def __init__(self, loaded: LoadedEncoder) -> None:
        super().__init__()
        encoder, size, window = loaded.encoder, loaded.settings.size, loaded.settings.clock.window
        if encoder.modality != "rgb" or size is None:
            problem = f"reads {encoder.modality}; only encoders of RGB are exported"
            raise UsageFault("E-MOD-035", loaded.folder, problem, "Export the RGB student.")
        shape = (2, window, size[1], size[0], 3)
        dark = encoder.prepare(np.zeros(shape, np.uint8))
        scale = (encoder.prepare(np.full(shape, 255, np.uint8)) - dark) / 255
        noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        noise[1] //= 3  # another brightness
        meant = encoder.prepare(noise)
        self.network, self.by_window = encoder, False
        self.register_buffer("scale", scale[:1, :1, :1, :1].clone(), persistent=False)
        self.register_buffer("offset", dark[:1, :1, :1, :1].clone(), persistent=False)
        self.register_buffer("frames", torch.zeros(0, dtype=torch.long), persistent=False)
        for frames in _selections(window, meant.shape[1]):
            for self.by_window in (False, True):
                self.frames = torch.from_numpy(frames)
                found = self.prepared(torch.from_numpy(noise))
                if found.shape == meant.shape and torch.allclose(found, meant, atol=1e-4):
                    return
        problem = f"what {encoder.name} does to its frames cannot be written into the graph"
        raise UsageFault("E-MOD-035", loaded.folder, problem, "Train it on frames of the size that it works on.")

    def prepared(self, windows: Tensor) -> Tensor:
        """What `prepare` of the encoder gives."""
        x = windows.index_select(1, self.frames).float()
        if not self.by_window:
            return x * self.scale + self.offset
        x = x - x.mean((1, 2, 3, 4), keepdim=True)
        std = x.square().mean((1, 2, 3, 4), keepdim=True).sqrt()
        return x / std.clamp(min=_LEAST_STD)

    def forward(self, windows: Tensor) -> Tensor:
        """See the class."""
        return cast(Tensor, self.network(self.prepared(windows)))


_LEAST_STD = 1.0  # grey levels, as where encoders normalize by window


def _selections(window: int, count: int) -> Iterator[NDArray[np.int64]]:
    """Ways to look at `count` frames of a window: every so many, or spread evenly."""
    for step in range(1, window + 1):
        frames = np.arange(0, window, step, dtype=np.int64)
        if len(frames) == count:
            yield frames
    yield ((np.arange(count) + 0.5) * window / count).astype(np.int64)
    yield np.linspace(0, window - 1, count).round().astype(np.int64)


class StreamGraph(nn.Module):
    """Features of a whole video to class scores. Shape: (T, C) -> (T, K) in [0, 1]."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.stream = stream

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        mask = torch.ones_like(features[None, :, 0], dtype=torch.bool)
        return cast(Tensor, self.stream(features[None], mask).logits[0].sigmoid())


class DetectorGraph(nn.Module):
    """Windows to class scores. Shape: (T, window, H, W, 3) uint8 -> (T, K) in [0, 1]."""

    def __init__(self, encoder: EncoderGraph, stream: StreamGraph) -> None:
        super().__init__()
        self.encoder, self.stream = encoder, stream

    def forward(self, windows: Tensor) -> Tensor:
        """See the class."""
        return cast(Tensor, self.stream(self.encoder(windows)))


class StepGraph(nn.Module):
    """A filter with a look-ahead, continued: the next n snippets and a state to scores and the next state.

    Shape: features (n, C), real (n,) float 0 or 1, states -> scores (n, K), shown (n,), states. A score at which
    `shown` is 0 stands for no snippet.
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
        scores = stream.classifier(y[0]).sigmoid()
        return (scores, shown[0].float(), *after.pasts, *((after.real,) if late else ()))
