"""Where work is done: in processes of this machine, or on a cluster (see `ray`)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from augrgb.core.errors import AugrgbError
from augrgb.parallel.child import ChildJob, run_children
from augrgb.parallel.devices import begin_on
from augrgb.parallel.limits import ChildLimits
from augrgb.parallel.pool import JobPool, LocalPool

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Engine(Protocol):
    """Something that runs the items of a batch, each in a guarded process, and that can run jobs of a graph."""

    @property
    def device(self) -> str:
        """Where networks run in its workers: `cpu`, `cuda:N`, or `cuda`, the GPU that each worker was given."""

    def __call__(
        self, function: Callable[[Argument], Result], jobs: Sequence[ChildJob[Argument]], /
    ) -> Iterator[tuple[int, Result | AugrgbError]]:
        """Call a function for every job; gives (job number, result or fault) as they end.

        Raises:
            EnvironmentFault: What concerns all jobs.
        """

    def open_pool(self) -> JobPool:
        """Workers for the jobs of a graph; to be closed."""


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Child processes of this one, each with limits.

    Args:
        workers: How many; None = one per core, 0 = in this process, without protection.
        limits: What one item may take.
        devices: Where networks run (see `chosen_devices`); several GPUs are given to the workers in turn.
    """

    workers: int | None = None
    limits: ChildLimits = field(default_factory=ChildLimits)
    devices: tuple[str, ...] = ("cpu",)

    @property
    def device(self) -> str:
        """See `Engine`."""
        return self.devices[0] if len(self.devices) == 1 else "cuda"

    def __call__(
        self, function: Callable[[Argument], Result], jobs: Sequence[ChildJob[Argument]], /
    ) -> Iterator[tuple[int, Result | AugrgbError]]:
        """See `Engine`."""
        on_gpus = self.devices != ("cpu",)
        warm_up = functools.partial(begin_on, self.devices) if on_gpus else None
        return run_children(function, jobs, self.workers, limits=self.limits, warm_up=warm_up)

    def open_pool(self) -> JobPool:
        """See `Engine`."""
        return LocalPool(self.workers)
