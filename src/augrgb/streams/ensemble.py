"""Several streams of one modality as one: seeds of a teacher, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from augrgb.core.batch import StreamOutput
from augrgb.core.errors import InputRefused
from augrgb.filters.parts.temporal_filter import TemporalFilter
from augrgb.streams.files import LoadedStream, load_stream
from augrgb.streams.stream import Stream


class StreamEnsemble(Stream):
    """Streams side by side: probabilities are averaged, filtered features concatenated.

    Features of different seeds share no axes, so their mean would say nothing; losses that compare directions,
    relations or boundaries see all members at once in the concatenation. Hidden layers are concatenated likewise where
    all members have as many.

    Args:
        members: At least one; same input width and classes.

    Shape: x (B, T, dim_in), mask (B, T) -> features (B, T, sum of widths), logits (B, T, K).
    """

    def __init__(self, members: Sequence[Stream]) -> None:
        super().__init__(_SideBySide(members), members[0].num_classes)
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor, mask: Tensor) -> StreamOutput:
        """Scores (as logits) and features of all members."""
        outputs = [member(x, mask) for member in self.members]
        logits = mixed_logits(torch.stack([output.logits for output in outputs]))
        features, hidden = _joined(outputs)
        return StreamOutput(features, logits * mask[..., None], hidden)


class _SideBySide(TemporalFilter):
    """The members as one filter: each standardises and filters for itself."""

    def __init__(self, members: Sequence[Stream]) -> None:
        filters = [member.filter for member in members]
        reaches = [each.reach for each in filters]
        known = [reach for reach in reaches if reach is not None]
        reach = max(known) if len(known) == len(reaches) else None
        super().__init__(filters[0].dim_in, width=sum(each.width for each in filters), reach=reach)
        self._members = tuple(members)  # a tuple is not registered: the ensemble owns them

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        return _joined([member(x, mask) for member in self._members])


def _joined(outputs: Sequence[StreamOutput]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Features of all members, (B, T, sum of widths), and their hidden layers where all have as many."""
    depths = {len(output.hidden) for output in outputs}
    layers = zip(*(output.hidden for output in outputs), strict=True) if len(depths) == 1 else ()
    return torch.cat([output.features for output in outputs], -1), tuple(torch.cat(layer, -1) for layer in layers)


def mixed_logits(logits: Tensor, log_weights: Tensor | None = None) -> Tensor:
    """The logit of a weighted mean of probabilities, stable for any logits.

    Args:
        logits: (M, ..., K).
        log_weights: Logarithms of weights, to be broadcast with `logits`; -inf leaves a member out, but at least one
            must stay in each place. Default: equal. They need not sum to 1.

    Returns:
        (..., K).
    """
    weights = torch.zeros_like(logits[..., :1]) if log_weights is None else log_weights
    yes = (F.logsigmoid(logits) + weights).logsumexp(0)
    no = (F.logsigmoid(-logits) + weights).logsumexp(0)
    return yes - no


def load_ensemble(folders: Sequence[Path | str], *, classes: Sequence[str] | None = None) -> LoadedStream:
    """Read one stream, or several of one modality as an ensemble with the settings of the first.

    Raises:
        InputRefused: E-MOD-017, other modalities, widths or clocks than the first; and as `load_stream`.
    """
    loaded = [load_stream(folder, classes=classes) for folder in folders]
    first = loaded[0].settings
    for folder, other in zip(folders, loaded, strict=True):
        mine, theirs = ((one.modality, one.dim_in, one.clock, one.classes) for one in (first, other.settings))
        if mine != theirs:
            problem = (
                f"{theirs[0]} of width {theirs[1]} on {theirs[2]}, {folders[0]} is {mine[0]} of {mine[1]} on {mine[2]}"
            )
            raise InputRefused("E-MOD-017", folder, problem, "An ensemble's streams see the same features.")
    if len(loaded) == 1:
        return loaded[0]
    return LoadedStream(StreamEnsemble([one.stream for one in loaded]).eval(), first)
