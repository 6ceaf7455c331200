"""The same jobs on a Ray cluster: one task per video, each in a limited child process of the worker that has it.

Workers write to storage that every machine sees under the same names; what they write is whole or absent, and equal
bytes whoever writes it, so a task that ran twice does no harm.
"""

from __future__ import annotations

import functools
import logging
import os
import pickle
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from augrgb.core.errors import AugrgbError, EnvironmentFault, InputRefused
from augrgb.parallel.child import Child, ChildJob, ChildLimits
from augrgb.parallel.devices import begin_on

Argument = TypeVar("Argument")
Result = TypeVar("Result")
_AT_LEAST_WAITING = 64
_TASKS_PER_CORE = 4
_GPU_SHARE = 0.25
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class RayEngine:
    """An `Engine` that gives each job to a Ray cluster, and again to another machine when the first one dies.

    Args:
        address: The cluster, such as `auto` or `ray://head:10001`; None = the one that `RAY_ADDRESS` names or that runs
            on this machine, else a new one for this call.
        attempts: How often a job whose machine or worker died is tried in all.
        cores: Cores that a job asks for.
        limits: What one video may take.
        device: `cpu`, or `cuda`: the GPU that Ray gives a job, of which it asks for a quarter.

    Raises:
        EnvironmentFault: E-ENV-003, Ray is not installed; E-ENV-005, no cluster there; E-ENV-002, it has no GPU.
    """

    address: str | None = None
    attempts: int = 4
    cores: float = 1.0
    limits: ChildLimits = field(default_factory=ChildLimits)
    device: str = "cpu"

    def __call__(
        self, function: Callable[[Argument], Result], jobs: Sequence[ChildJob[Argument]], /
    ) -> Iterator[tuple[int, Result | AugrgbError]]:
        """See `Engine`; faults of the cluster as a whole are raised."""
        ray = _import_ray()
        started = self._connect(ray)
        try:
            yield from self._run(ray, function, jobs)
        finally:
            if started:
                ray.shutdown()

    def _connect(self, ray: Any) -> bool:
        if ray.is_initialized():
            return False
        try:
            _knock(self.address or os.environ.get("RAY_ADDRESS", ""))
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            remedy = "Start one with `ray start --head`, or leave the address out to use this machine."
            raise EnvironmentFault("E-ENV-005", self.address or "ray", f"no Ray cluster: {error}", remedy) from error
        return True

    def _run(
        self, ray: Any, function: Callable[[Argument], Result], jobs: Sequence[ChildJob[Argument]]
    ) -> Iterator[tuple[int, Result | AugrgbError]]:
        # Not more tasks at once than keep the cluster busy: their results and arguments stay in memory.
        room = max(_AT_LEAST_WAITING, int(_TASKS_PER_CORE * ray.cluster_resources().get("CPU", 1)))
        gpus = _GPU_SHARE if self.device != "cpu" else 0
        if gpus and not ray.cluster_resources().get("GPU", 0):
            raise EnvironmentFault("E-ENV-002", "ray", "no machine of the cluster has a GPU", "Use --device cpu.")
        task = ray.remote(num_cpus=self.cores, num_gpus=gpus, max_retries=self.attempts - 1)(_work)
        named = pickle.dumps(function)
        running: dict[Any, int] = {}
        try:
            for number, job in enumerate(jobs):
                argument = pickle.dumps(job.argument)
                running[task.remote(named, argument, job.name, job.timeout_s, self.limits, self.device)] = number
                if len(running) >= room:
                    yield self._next(ray, running, jobs)
            while running:
                yield self._next(ray, running, jobs)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def _next(self, ray: Any, running: dict[Any, int], jobs: Sequence[ChildJob[Any]]) -> tuple[int, Any]:
        (ready, *_), _ = ray.wait(list(running), num_returns=1)
        number = running.pop(ready)
        try:
            outcome = ray.get(ready)
        except ray.exceptions.RayTaskError as error:
            raise RuntimeError(f"unexpected error in a Ray worker:\n{error}") from error
        except ray.exceptions.RayError as error:  # its machines died under it, again and again
            problem = f"its worker died {self.attempts} times ({type(error).__name__})"
            return number, InputRefused("E-VID-011", jobs[number].name, problem, "See Ray's log; leave it out.")
        if isinstance(outcome, EnvironmentFault):
            raise outcome
        return number, outcome


def _work(function: bytes, argument: bytes, name: str, timeout_s: float, limits: ChildLimits, device: str) -> Any:
    """One job in the child of this worker. It stays pickled here, so that only the child imports what it needs."""
    try:
        return _child(function, limits, device).call(ChildJob(name, (function, argument), timeout_s))
    except EnvironmentFault as fault:  # as a value: Ray would wrap what is raised
        return fault


def _begin(function: bytes, device: str) -> None:
    pickle.loads(function)
    if device != "cpu":
        begin_on([device], 0)


def _call(pickled: tuple[bytes, bytes]) -> Any:
    function, argument = map(pickle.loads, pickled)
    return function(argument)


@functools.lru_cache(maxsize=1)
def _child(function: bytes, limits: ChildLimits, device: str) -> Child[tuple[bytes, bytes], Any]:
    """One child for all tasks of a worker; it ends when the worker does."""
    return Child(_call, limits=limits, warm_up=functools.partial(_begin, function, device))


def _knock(address: str) -> None:
    """Find out in a moment whether somebody listens there: Ray itself tries for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_S).close()


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        import ray
    except ImportError as error:
        remedy = 'Install it with `pip install "augrgb[ray]"`, or use --engine local.'
        raise EnvironmentFault("E-ENV-003", "ray", f"cannot be imported ({error})", remedy) from error
    return ray
