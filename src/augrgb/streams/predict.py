"""A stream on a whole video of any length."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from augrgb.core.batch import StreamOutput
from augrgb.core.overlap import in_windows
from augrgb.core.probability import probabilities
from augrgb.streams.stream import Stream


@torch.no_grad()
def filter_outputs(
    stream: Stream, features: Tensor, *, window: int = 4096, available: Tensor | None = None, hidden: int = 0
) -> StreamOutput:
    """What a stream says about one video, in evaluation mode, on the stream's device.

    A long video is cut into windows that overlap by the filter's reach on both sides, so the window changes memory and
    time, not the result. A filter of unlimited reach sees the whole video at once.

    Args:
        stream: The stream; its training mode is put back afterwards.
        features: (T, dim_in).
        window: Snippets filtered at once, without the overlap.
        available: (T,) bool, False where there is no feature.
        hidden: How many of the filter's last layers to keep, as far as it has so many.

    Returns:
        features (T, C), logits (T, K) and hidden layers (T, C_i), float32 on the CPU.
    """
    T = len(features)
    device, dtype = stream.mean.device, stream.mean.dtype
    reach = stream.filter.reach
    step = T if reach is None else max(1, window)
    outputs = [torch.zeros(T, stream.filter.width), torch.zeros(T, stream.num_classes)]
    training = stream.training
    stream.eval()
    try:
        for start in range(0, T, max(1, step)):
            stop = min(T, start + step)
            left = 0 if reach is None else max(0, start - reach)
            right = T if reach is None else min(T, stop + reach)
            x = features[left:right].to(device, dtype)[None]
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=device)
            if available is not None:
                mask &= available[left:right].to(device)
            result = stream(x, mask)
            layers = result.hidden[-hidden:] if hidden else ()
            outputs += [torch.zeros(T, layer.shape[-1]) for layer in layers[len(outputs) - 2 :]]
            for whole, part in zip(outputs, (result.features, result.logits, *layers), strict=True):
                whole[start:stop] = part[0, start - left : stop - left].float().cpu()
    finally:
        stream.train(training)
    return StreamOutput(outputs[0], outputs[1], tuple(outputs[2:]))


def filter_sequence(
    stream: Stream, features: Tensor, *, window: int = 4096, available: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Features (T, C) and logits (T, K) of one video; see `filter_outputs`."""
    output = filter_outputs(stream, features, window=window, available=available)
    return output.features, output.logits


def predict(
    stream: Stream, features: NDArray[np.float32], *, window: int = 4096, available: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Scores in [0, 1] of one video. Shape: features (T, dim_in) -> (T, K); see `filter_sequence`."""
    there = None if available is None else torch.from_numpy(available)
    logits = filter_sequence(stream, torch.from_numpy(np.ascontiguousarray(features)), window=window, available=there)[
        1
    ]
    return probabilities(logits.numpy())


def predict_pieces(stream: Stream, pieces: Iterable[NDArray[np.float32]], *, window: int = 1024) -> NDArray[np.float64]:
    """Scores in [0, 1] of one video whose features arrive in pieces; only what the filter looks back at is kept.

    What `predict` gives on all of them, up to rounding. A filter of unlimited reach has to wait for the end.

    Shape: pieces (n, dim_in), at least one -> (T, K).
    """

    def run(features: NDArray[np.float32]) -> NDArray[np.float64]:
        return predict(stream, features, window=len(features))

    return in_windows(run, pieces, reach=stream.filter.reach, window=window)
