"""Where actions have their middle: the auxiliary branch of MS-TCT, its targets and its loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import InputRefused, did_you_mean
from augrgb.core.types import Event


class HeatMapTerm(nn.Module):
    """Predict from the hidden maps of a filter where actions have their middle: a loss beside the detection loss.

    Dai et al., "MS-TCT", CVPR 2022, section 3: concatenated maps, coarsest first -> convolution (kernel 3) -> ReLU ->
    1x1 convolution, focal loss against Gaussians around the middles. The module owns the branch, which is trained with
    the stream and dropped afterwards. Published weight beside the detection loss: 0.05.
    Deviation: targets are made from the batch's labels, in which events of one class that touch are one event, and what
    a cut leaves of an event is the event.

    Args:
        widths: Channels of the hidden maps, first to last.
        num_classes: K.
        width: Channels inside; None = those of the first map.

    Shape: `StreamOutput` with hidden (B, T, C_i), `Batch` -> scalar.
    """

    def __init__(self, widths: Sequence[int], num_classes: int, *, width: int | None = None) -> None:
        super().__init__()
        width = widths[0] if width is None else width
        self.mix = nn.Conv1d(sum(widths), width, 3, padding=1)
        self.predict = nn.Conv1d(width, num_classes, 1)

    def heat_map(self, hidden: Sequence[Tensor], mask: Tensor) -> Tensor:
        """Logits of the heat-map, (B, T, K), zero at padding."""
        maps = torch.cat(list(reversed(hidden)), -1) * mask[..., None]
        y: Tensor = self.predict(self.mix(maps.transpose(1, 2)).relu()).transpose(1, 2)
        return y * mask[..., None]

    def forward(self, output: StreamOutput, batch: Batch) -> Tensor:
        """The focal loss on labelled videos."""
        real = batch.mask & batch.labelled[:, None]
        target = heat_map_of_labels(batch.labels * real[..., None])
        return heat_map_focal(self.heat_map(output.hidden, batch.mask), target, real)


def heat_map_focal(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Focal loss of a heat-map: MS-TCT, section 3, after "CornerNet" (Law & Deng, ECCV 2018, eq. 1).

    With `p = sigmoid(logits)` kept in [1e-4, 1 - 1e-4]: sum of `(1-p)^2 log p` where the target is 1 and of
    `(1-target)^4 p^2 log(1-p)` elsewhere, over real snippets, divided by minus the number of ones (at least 1).

    Shape: logits (B, T, K), target (B, T, K), mask (B, T) -> scalar.
    """
    p = logits.float().sigmoid().clamp(1e-4, 1 - 1e-4)
    middle = target == 1
    each = torch.where(middle, (1 - p) ** 2 * p.log(), (1 - target) ** 4 * p**2 * (-p).log1p())
    real = mask[..., None]
    return -(each * real).sum() / (middle & real).sum().clamp(min=1)


def heat_map_focal_published(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """`heat_map_focal` as published code computes it: each video's prediction against the targets of all videos.

    The published function expects a list of predictions and is given the tensor, so it loops over the batch, compares
    each prediction with all B targets, divides by the ones of all, and takes the mean. With one video it is the
    ordinary loss. Shapes as there.
    """
    losses = [heat_map_focal(prediction.expand_as(target), target, mask) for prediction in logits]
    return torch.stack(losses).mean()


def heat_map_of_labels(labels: Tensor) -> Tensor:
    """Gaussians around the middles of runs of ones.

    A run of L snippets from a on has 1 at snippet a + L // 2 and `exp(-(x / sigma)^2)` x snippets from there,
    `sigma = (4L + 1) / 4`, up to 2L snippets to either side, as published; where runs meet the larger value stands.

    Shape: labels (B, T, K) of 0 and 1 -> (B, T, K) in [0, 1].
    """
    B, T, K = labels.shape
    columns = labels.transpose(1, 2).reshape(B * K, T) > 0
    step = torch.diff(columns.int(), dim=1, prepend=columns.new_zeros(B * K, 1), append=columns.new_zeros(B * K, 1))
    column, first = (step > 0).nonzero(as_tuple=True)  # both in the same order: runs of one column do not overlap
    length = (step < 0).nonzero(as_tuple=True)[1] - first
    x = torch.arange(T, device=labels.device) - (first + length // 2)[:, None]  # (runs, T)
    bells = torch.exp(-((4 * x / (4 * length + 1)[:, None]) ** 2)) * (x.abs() <= 2 * length[:, None])
    heat = labels.new_zeros(B * K, T).scatter_reduce(0, column[:, None].expand(-1, T), bells.to(labels.dtype), "amax")
    return heat.view(B, K, T).transpose(1, 2)


def heat_map_published(
    events: Sequence[Event], classes: Sequence[str], duration: float, count: int
) -> NDArray[np.float32]:
    """The heat-map that the published MS-TCT program makes from annotations, with its habits.

    On a grid of `fps = count / duration`, an event's middle lies in snippet i if `i / fps < middle < (i + 1) / fps`,
    and is written one snippet later, at i + 1; a middle exactly on a border is left out, and so are events with an end
    before their start. With L = int of the event's snippets: `exp(-x^2 / sigma^2)` for x from -2L to 2L, sigma =
    (4L + 1) / 4, values below the machine's epsilon 0; where events meet the larger value stands.

    Returns:
        (count, K), computed in double precision and rounded, as there.

    Raises:
        InputRefused: E-ANN-003, a label that is not in `classes`.
    """
    heat = np.zeros((count, len(classes)), np.float32)
    fps = count / duration
    numbers = np.arange(count, dtype=np.float64)
    for event in events:
        if event.label not in classes:
            raise InputRefused(
                "E-ANN-003", "events", f"unknown class {event.label!r}", did_you_mean(event.label, classes)
            )
        if event.end_s < event.start_s:
            continue
        middle = (event.start_s + event.end_s) / 2
        length = int((event.end_s - event.start_s) * fps)
        for i in np.flatnonzero((numbers / fps < middle) & ((numbers + 1) / fps > middle)):
            x = numbers - (i + 1)
            bell = np.exp(-((x / ((4 * length + 1) / 4)) ** 2)) * (np.abs(x) <= 2 * length)
            bell[bell < np.finfo(np.float64).eps] = 0
            column = classes.index(event.label)
            heat[:, column] = np.maximum(heat[:, column], bell)
    return heat
