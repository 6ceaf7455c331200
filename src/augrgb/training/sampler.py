"""Which samples are in which batch: a pure function of (seed, step), so that resuming needs no loader state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import UsageFault
from augrgb.core.seeds import rng_at

Indices = NDArray[np.int64]


class BatchPlan:
    """Batches of labelled samples, mixed with unlabelled ones at a fixed ratio.

    Both kinds come from endless sequences of shuffled rounds, so every batch has the same size and ratio, and every
    sample of a kind is drawn equally often. An epoch is one round of the labelled samples, or of the unlabelled if
    there are no others.

    Args:
        labelled, unlabelled: Indices of the samples.
        batch_size: Samples in a batch; fewer where there are not as many labelled samples as their part of it.
        unlabelled_share: Part of each batch that is unlabelled, in [0, 1); None = as in the data.
        seed: Of the run.

    Raises:
        UsageFault: E-TRN-002, nothing to train on; E-TRN-003, no room for both kinds in a batch.
    """

    def __init__(
        self,
        labelled: Sequence[int] | Indices,
        unlabelled: Sequence[int] | Indices = (),
        *,
        batch_size: int,
        unlabelled_share: float | None = None,
        seed: int = 0,
    ) -> None:
        first, second = np.asarray(labelled, np.int64), np.asarray(unlabelled, np.int64)
        if not len(first) + len(second):
            raise UsageFault("E-TRN-002", "training", "no sample to train on", "Check the split's roles.")
        share = len(second) / (len(first) + len(second)) if unlabelled_share is None else unlabelled_share
        size = 0
        if not len(first):
            size = batch_size
        elif len(second) and share > 0:
            size = min(max(1, round(batch_size * share)), batch_size - 1)
            if size < 1:
                problem = f"a batch of {batch_size} cannot hold labelled and unlabelled samples"
                raise UsageFault("E-TRN-003", "training", problem, "Raise train.batch_size.")
        self.seed = seed
        self._parts = [
            (name, samples, min(count, len(samples)))
            for name, samples, count in (("labelled", first, batch_size - size), ("unlabelled", second, size))
            if min(count, len(samples))
        ]
        self._rounds: dict[str, tuple[int, Indices]] = {}

    def epoch_of(self, step: int) -> int:
        """The epoch in which a step (counted from 0) begins."""
        _, samples, size = self._parts[0]
        return step * size // len(samples)

    def at(self, step: int) -> Indices:
        """The samples of one step: first the labelled, then the unlabelled."""
        return np.concatenate([self._take(*part, step) for part in self._parts])

    def _take(self, name: str, samples: Indices, size: int, step: int) -> Indices:
        """`size` samples of an endless sequence, from position `step * size` on; at most two rounds meet in them."""
        turn, place = divmod(step * size, len(samples))
        found = self._round(name, samples, turn)[place : place + size]
        if len(found) < size:
            found = np.concatenate([found, self._round(name, samples, turn + 1)[: size - len(found)]])
        return found

    def _round(self, name: str, samples: Indices, turn: int) -> Indices:
        """The samples in the order of one round; the latest round of either kind is kept."""
        if name not in self._rounds or self._rounds[name][0] != turn:
            self._rounds[name] = (turn, rng_at(self.seed, "batches", name, turn).permutation(samples))
        return self._rounds[name][1]
