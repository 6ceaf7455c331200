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

    In an epoch every labelled sample comes exactly once, in random order; unlabelled samples are taken from one endless
    sequence of shuffled rounds. Without labelled samples an epoch is one round of the unlabelled.

    Args:
        labelled, unlabelled: Indices of the samples.
        batch_size: Samples in a batch; the last of an epoch may have fewer labelled ones.
        unlabelled_share: Part of each batch that is unlabelled, in [0, 1); None = as in the data.
        seed: Of the run.

    Raises:
        UsageFault: E-TRN-002, nothing to train on; E-TRN-003, no room for a labelled sample in a batch.
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
        self._main, self._side = np.asarray(labelled, np.int64), np.asarray(unlabelled, np.int64)
        self._names = ("labelled", "unlabelled")
        if not len(self._main):
            self._main, self._side, self._names = self._side, self._main, ("unlabelled", "labelled")
        if not len(self._main):
            raise UsageFault("E-TRN-002", "training", "there is no sample to train on", "Check the split's roles.")
        share = len(self._side) / (len(self._main) + len(self._side)) if unlabelled_share is None else unlabelled_share
        self._side_size = 0
        if len(self._side) and share > 0:
            self._side_size = min(max(1, round(batch_size * share)), batch_size - 1)
            if self._side_size < 1:
                problem = f"a batch of {batch_size} cannot hold labelled and unlabelled samples"
                raise UsageFault("E-TRN-003", "training", problem, "Raise train.batch_size.")
        self._main_size = batch_size - self._side_size
        self.seed = seed
        self.steps_per_epoch = -(-len(self._main) // self._main_size)
        self._rounds: dict[str, tuple[int, Indices]] = {}

    def epoch_of(self, step: int) -> int:
        """The epoch that step (counted from 0) belongs to."""
        return step // self.steps_per_epoch

    def at(self, step: int) -> Indices:
        """The samples of one step: first the labelled, then the unlabelled."""
        epoch, number = divmod(step, self.steps_per_epoch)
        main = self._round(0, self._main, epoch)[number * self._main_size : (number + 1) * self._main_size]
        first = step * self._side_size
        side = [self._at(first + i) for i in range(self._side_size)]
        return np.concatenate([main, np.array(side, np.int64)])

    def _at(self, position: int) -> int:
        turn, place = divmod(position, len(self._side))
        return int(self._round(1, self._side, turn)[place])

    def _round(self, which: int, samples: Indices, turn: int) -> Indices:
        """The samples in the order of one round; the latest round of either kind is kept."""
        name = self._names[which]
        if name not in self._rounds or self._rounds[name][0] != turn:
            self._rounds[name] = (turn, rng_at(self.seed, "batches", name, turn).permutation(samples))
        return self._rounds[name][1]
