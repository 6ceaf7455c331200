"""What models and losses exchange: `Batch` in, `StreamOutput` out. Time comes before channels everywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    """

    features: Tensor
    logits: Tensor
    hidden: tuple[Tensor, ...] = ()


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
    """

    features: dict[str, Tensor]
    mask: Tensor
    labels: Tensor
    labelled: Tensor
    available: dict[str, Tensor]
    video_ids: tuple[str, ...]
    indices: Tensor

    def restricted_to(self, available: Tensor) -> Batch:
        """The same batch in which only the snippets of `available` (B, T) bool are real."""
        return replace(self, mask=self.mask & available)
