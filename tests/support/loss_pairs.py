"""Random student and teacher outputs for tests of losses."""

from __future__ import annotations

from typing import Any

import torch

from augrgb.core.batch import Batch, StreamDims, StreamOutput

DIMS = StreamDims(student=5, teacher=6, classes=3, samples=4)


def make_pair(
    *,
    lengths: Any = (7, 4, 1),
    labelled: Any = (True, False, True),
    dims: StreamDims = DIMS,
    seed: int = 0,
    hidden: int = 0,
) -> tuple[StreamOutput, StreamOutput, Batch]:
    """Outputs of both with rubbish at padding; labels of unlabelled videos are zero."""
    generator = torch.Generator().manual_seed(seed)
    B, T = len(lengths), max(lengths, default=0)
    mask = torch.arange(T) < torch.tensor(lengths)[:, None]

    def values(width: int) -> torch.Tensor:
        return torch.randn(B, T, width, generator=generator).masked_fill(~mask[..., None], 1e3)

    s, g, z_s, z_g = values(dims.student), values(dims.teacher), values(dims.classes), values(dims.classes)
    known = torch.tensor(labelled)
    labels = (torch.rand(B, T, dims.classes, generator=generator) < 0.4).float() * (mask & known[:, None])[..., None]
    layers = [tuple(values(width).requires_grad_() for _ in range(hidden)) for width in (dims.student, dims.teacher)]
    batch = Batch(mask, labels, known)
    student = StreamOutput(s.requires_grad_(), z_s.requires_grad_(), layers[0])
    return student, StreamOutput(g, z_g, layers[1]), batch
