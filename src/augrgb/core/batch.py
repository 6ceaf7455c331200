"""What models and losses exchange: `Batch` in, `StreamOutput` out. Time comes before channels everywhere."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class StreamDims:
    """Sizes that a distillation loss may need.

    Args:
        student, teacher: Feature width of either stream (Cs, Ct).
        classes: Number of classes K.
        samples: Number of training videos (size of memory banks that are indexed by sample).
    """

    student: int
    teacher: int
    classes: int
    samples: int = 0


@dataclass(frozen=True, slots=True)
class StreamOutput:
    """What a stream returns.

    Args:
        features: (B, T, C) output of the last temporal-filter layer, before the classifier: what is distilled.
        logits: (B, T, K).
        hidden: Outputs of the filter's layers, first to last, each (B, T, C_i).

    Losses that look at one output in a step share what they derive from it, through `per_snippet` and `per_video`; a
    teacher that was cached looks these up instead.
    """

    features: Tensor
    logits: Tensor
    hidden: tuple[Tensor, ...] = ()
    _derived: dict[Hashable, list[tuple[Tensor | None, Any]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def per_snippet(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """`function(features)`, computed once.

        Args:
            function: (B, T, C) -> (B, T, ...), a module's own function (it is the key). What it says about snippet t
                may depend on snippets t and t + 1 of the same video only, so that it can be cut.
        """
        value: Tensor = self.shared(function, None, lambda: function(self.features))
        return value

    def per_video(self, function: Callable[[Tensor, Tensor], Tensor], mask: Tensor) -> list[Tensor]:
        """`function(features, mask)` video by video, computed once for each mask.

        Args:
            function: (B, T, C), (B, T) -> (B, ...), a module's own function.
            mask: (B, T) bool, the snippets that count.
        """
        values: list[Tensor] = self.shared(function, mask, lambda: list(function(self.features, mask)))
        return values

    def shared(self, key: Hashable, mask: Tensor | None, compute: Callable[[], Any]) -> Any:
        """What `compute` gave when first asked under this key and an equal mask, with or without gradients."""
        known = self._derived.setdefault((key, torch.is_grad_enabled()), [])
        for seen, value in known:
            if seen is mask or (seen is not None and mask is not None and torch.equal(seen, mask)):
                return value
        known.append((mask, compute()))
        return known[-1][1]


@dataclass(frozen=True, slots=True)
class Batch:
    """Videos padded to a common number of snippets.

    Args:
        features: modality -> (B, T, C_m).
        mask: (B, T) bool, True = real snippet.
        labels: (B, T, K) float 0/1; zeros where a video is not labelled.
        labelled: (B,) bool.
        available: modality -> (B, T) bool: where that modality exists on this grid.
        video_ids: B names.
        indices: (B,) int64 positions in the dataset (for memory banks and caches).
        starts: (B,) int64 first snippet of each video's cut; None = videos are not cut.
        lengths: (B,) int64 snippets of each video before it was cut; None likewise.
    """

    features: dict[str, Tensor]
    mask: Tensor
    labels: Tensor
    labelled: Tensor
    available: dict[str, Tensor]
    video_ids: tuple[str, ...]
    indices: Tensor
    starts: Tensor | None = None
    lengths: Tensor | None = None

    def restricted_to(self, available: Tensor) -> Batch:
        """The same batch in which only the snippets of `available` (B, T) bool are real."""
        return replace(self, mask=self.mask & available)
