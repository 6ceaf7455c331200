"""How much memory the tensors of some work take at once."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode  # what torch.utils.flop_counter stands on
from torch.utils._pytree import tree_leaves


def most_held(work: Callable[[], object]) -> int:
    """Bytes of the tensors that `work` makes, at the moment when most of them are alive.

    Tensors that were there before do not count, nor what an operation needs inside itself.

    >>> most_held(lambda: torch.zeros(1000).add(1).mul(2).sum())  # two of 4,000 bytes are alive at once
    8000
    """
    counter = _Counter()
    with counter:
        work()
    return counter.most


class _Counter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = self.now = 0
        self.alive: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        given = {storage._cdata for storage in _storages((args, kwargs))}  # changed in place, or seen by a view
        for storage in _storages(made):
            if storage._cdata not in given:
                self._note(storage)
        return made

    def _note(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key not in self.alive:
            self.alive[key] = storage.nbytes()
            self.now += storage.nbytes()
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.now -= self.alive.pop(key)


def _storages(values: Any) -> list[torch.UntypedStorage]:
    return [value.untyped_storage() for value in tree_leaves(values) if isinstance(value, torch.Tensor)]
