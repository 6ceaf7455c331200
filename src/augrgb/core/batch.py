"""What models and losses exchange: `Batch` in, `StreamOutput` out. Time comes before channels everywhere."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from augrgb.core.errors import UsageFault


@dataclass(frozen=True, slots=True)
class StreamDims:
    """Sizes that a distillation loss may need; 0 = not given.

    Args:
        student, teacher: Feature width of either stream (Cs, Ct).
        classes: Number of classes K.
        samples: Number of training videos (size of memory banks that are indexed by sample).
    """

    student: int = 0
    teacher: int = 0
    classes: int = 0
    samples: int = 0


@dataclass(frozen=True, slots=True)
class StreamOutput:
    """What a stream returns.

    Args:
        features: (B, T, C) output of the last temporal-filter layer, before the classifier: what is distilled.
        logits: (B, T, K); default: no classes, (B, T, 0).
        hidden: Outputs of the filter's layers, first to last, each (B, T, C_i); of a snippet encoder its map of the
            image (B, 1, channels, rows, columns), where a loss looks at that.

    Losses derive lengths, covariances and so on from an output through `per_snippet` and `per_video`. Each loss
    computes its own, so that losses can be sent backward one by one; of an output without gradients (a teacher), and of
    one made by `sharing`, they are computed once.

    >>> output = StreamOutput(torch.zeros(2, 5, 8))
    >>> output.logits.shape
    torch.Size([2, 5, 0])
    """

    features: Tensor
    logits: Tensor = None  # type: ignore[assignment]  # filled in below
    hidden: tuple[Tensor, ...] = ()
    _derived: dict[Hashable, list[tuple[Tensor | None, Any]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _shares: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given: Tensor | None = self.logits
        if given is None:
            object.__setattr__(self, "logits", self.features.new_zeros(*self.features.shape[:-1], 0))

    def sharing(self) -> Self:
        """The same output, from which all losses together derive each quantity once, with one graph.

        For losses that are summed before a single `backward`, as the training loop does.
        """
        shared = replace(self)
        object.__setattr__(shared, "_shares", True)
        return shared

    def per_snippet(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """`function(features)`.

        Args:
            function: (B, T, C) -> (B, T, ...), a module-level function (it is the key). Its value at snippet t may
                depend on snippets t and t + 1 of the same video only, so that videos can be cut.
        """
        value: Tensor = self.shared(function, None, lambda: function(self.features))
        return value

    def per_video(self, function: Callable[[Tensor, Tensor], Tensor], mask: Tensor) -> list[Tensor]:
        """`function(features, mask)` video by video.

        Args:
            function: (B, T, C), (B, T) -> (B, ...), a module-level function.
            mask: (B, T) bool, the snippets that count.
        """
        values: list[Tensor] = self.shared(function, mask, lambda: list(function(self.features, mask)))
        return values

    def shared(self, key: Hashable, mask: Tensor | None, compute: Callable[[], Any]) -> Any:
        """The value that `compute` gave when first asked under this key and an equal mask, where values are shared."""
        if self.features.requires_grad and torch.is_grad_enabled() and not self._shares:
            return compute()  # a graph can be sent backward only once
        known = self._derived.setdefault((key, torch.is_grad_enabled()), [])
        for seen, value in known:
            if seen is mask or (seen is not None and mask is not None and torch.equal(seen, mask)):
                return value
        known.append((mask, compute()))
        return known[-1][1]


@dataclass(frozen=True, slots=True)
class Batch:
    """Videos padded to a common number of snippets; only the mask is required.

    Args:
        mask: (B, T) bool, True = real snippet.
        labels: (B, T, K) 0/1 of any number type; zeros where a video is not labelled. Default: no classes, (B, T, 0),
            which losses that need labels refuse.
        labelled: (B,) bool. Default: all videos if there are labels, else none.
        known: (B, T) bool: the labels of the snippet are known; False in ignored regions. Default: everywhere.
        features: modality -> (B, T, C_m).
        available: modality -> (B, T) bool: where that modality exists on this grid. Default: everywhere.
        video_ids: B names. Default: "0", "1", ...
        indices: (B,) int64 positions in the dataset (for memory banks and caches). Default: 0, 1, ...
        starts: (B,) int64 first snippet of each video's cut; None = videos are not cut.
        lengths: (B,) int64 snippets of each video before it was cut; None likewise.

    Raises:
        UsageFault: E-MOD-030, shapes or types do not fit.

    Examples:
        >>> batch = Batch(mask=torch.tensor([[True, True, False]]), labels=torch.ones(1, 3, 4))
        >>> batch.labelled, batch.video_ids
        (tensor([True]), ('0',))
    """

    mask: Tensor
    labels: Tensor = None  # type: ignore[assignment]  # filled in below, like the others
    labelled: Tensor = None  # type: ignore[assignment]
    features: dict[str, Tensor] = field(default_factory=dict)
    available: dict[str, Tensor] = None  # type: ignore[assignment]
    video_ids: tuple[str, ...] = None  # type: ignore[assignment]
    indices: Tensor = None  # type: ignore[assignment]
    starts: Tensor | None = None
    lengths: Tensor | None = None
    known: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        mask = self.mask
        if mask.ndim != 2 or mask.dtype != torch.bool:
            problem = f"expected a bool tensor (B, T), got {mask.dtype} of shape {tuple(mask.shape)}"
            raise UsageFault("E-MOD-030", "Batch.mask", problem, "True marks real snippets, False padding.")
        given: Tensor | None = self.labels
        if given is not None and given.shape[:-1] != mask.shape:
            problem = f"shape {tuple(given.shape)} does not fit a mask of shape {tuple(mask.shape)}"
            raise UsageFault("E-MOD-030", "Batch.labels", problem, "Expected (B, T, K), K classes.")
        labels = mask.new_zeros(*mask.shape, 0) if given is None else given
        defaults: dict[str, Any] = {
            "labelled": lambda: mask.new_full(mask.shape[:1], given is not None),
            "known": lambda: torch.ones_like(mask),
            "available": lambda: dict.fromkeys(self.features, mask),
            "video_ids": lambda: tuple(map(str, range(len(mask)))),
            "indices": lambda: torch.arange(len(mask)),
        }
        object.__setattr__(self, "labels", labels if labels.is_floating_point() else labels.float())
        for name, default in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default())

    @property
    def labelled_snippets(self) -> Tensor:
        """(B, T) bool: real snippets whose labels are known and may be used."""
        return self.mask & self.labelled[:, None] & self.known

    def restricted_to(self, available: Tensor) -> Batch:
        """The same batch in which only the snippets of `available` (B, T) bool are real."""
        return replace(self, mask=self.mask & available)
