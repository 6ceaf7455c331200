"""The same batches and job graphs on a Ray cluster: one task per item or job, in a child process of its Ray worker.

Workers write to storage that every machine sees under the same names; what they write is whole or absent, and equal
bytes whichever worker writes it, so a task that ran twice does no harm.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import pickle
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from augrgb.core.errors import AugrgbError, EnvironmentFault
from augrgb.parallel.child import Child, ChildJob
from augrgb.parallel.devices import begin_on
from augrgb.parallel.limits import ChildLimits
from augrgb.parallel.pool import Job, JobPool, JobResult, result_or_raise, run_job
from augrgb.parallel.process_faults import worker_died
from augrgb.parallel.workers import GRAPH_VARIABLE

Argument = TypeVar("Argument")
Result = TypeVar("Result")
_AT_LEAST_WAITING = 64
_TASKS_PER_CORE = 4
_GPU_SHARE = 0.25
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the work of a driver runs: its device, the driver's folder, and a name of the driver's job graph."""

    device: str
    folder: str
    graph: str = ""

    def enter(self) -> None:
        """Make this process a place of work: relative paths mean the same as in the driver, if the folder is here."""
        with contextlib.suppress(OSError):
            os.chdir(self.folder)
        if self.graph:
            os.environ[GRAPH_VARIABLE] = self.graph
        if self.device != "cpu":
            begin_on([self.device], 0)


@dataclass(frozen=True, slots=True)
class RayEngine:
    """An `Engine` that gives each item or job to a Ray cluster, and again to another machine when the first one dies.

    Args:
        address: The cluster, such as `auto` or `ray://head:10001`; None = the one that `RAY_ADDRESS` names or that runs
            on this machine, else a new one for this call.
        attempts: How often a job whose machine or worker died is tried in all.
        cores: Cores that a job asks for.
        limits: What one item of a batch may take.
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
        ray = import_ray()
        started = self.connect(ray)
        try:
            yield from self._run(ray, function, jobs)
        finally:
            if started:
                ray.shutdown()

    def open_pool(self) -> JobPool:
        """See `Engine`."""
        return RayPool(self)

    def connect(self, ray: Any) -> bool:
        """Join the cluster, if this process has not; returns whether it was this call that did."""
        if ray.is_initialized():
            return False
        try:
            _knock(self.address or os.environ.get("RAY_ADDRESS", ""))
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            remedy = "Start one with `ray start --head`, or leave the address out to use this machine."
            raise EnvironmentFault("E-ENV-005", self.address or "ray", f"no Ray cluster: {error}", remedy) from error
        return True

    def remote(self, ray: Any, function: Callable[..., Any]) -> Any:
        """A function as a Ray task: with a job's cores and GPU, tried again when its worker or machine dies."""
        gpus = _GPU_SHARE if self.device != "cpu" else 0
        if gpus and not ray.cluster_resources().get("GPU", 0):
            raise EnvironmentFault("E-ENV-002", "ray", "no machine of the cluster has a GPU", "Use --device cpu.")
        return ray.remote(num_cpus=self.cores, num_gpus=gpus, max_retries=self.attempts - 1)(function)

    def _run(
        self, ray: Any, function: Callable[[Argument], Result], jobs: Sequence[ChildJob[Argument]]
    ) -> Iterator[tuple[int, Result | AugrgbError]]:
        # Not more tasks at once than keep the cluster busy: their results and arguments stay in memory.
        room = max(_AT_LEAST_WAITING, int(_TASKS_PER_CORE * ray.cluster_resources().get("CPU", 1)))
        task = self.remote(ray, _run_item)
        named, place = pickle.dumps(function), _Place(self.device, os.getcwd())
        running: dict[Any, int] = {}

        def next_one() -> tuple[int, Any]:
            (ready, *_), _ = ray.wait(list(running), num_returns=1)
            number = running.pop(ready)
            outcome = _outcome(ray, ready, jobs[number].name, self.attempts, limited=True)
            if isinstance(outcome, EnvironmentFault):
                raise outcome
            return number, outcome

        try:
            for number, job in enumerate(jobs):
                argument = pickle.dumps(job.argument)
                running[task.remote(named, argument, job.name, job.timeout_s, self.limits, place)] = number
                if len(running) >= room:
                    yield next_one()
            while running:
                yield next_one()
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


class RayPool:
    """A `JobPool` of a cluster's cores. Its jobs read and write folders that every machine sees under the same names.

    Args:
        engine: The cluster, and what a job asks for.
    """

    def __init__(self, engine: RayEngine) -> None:
        self._ray = import_ray()
        self._engine, self._started = engine, engine.connect(self._ray)
        self._task = engine.remote(self._ray, _run_pool_job)
        self._place = _Place(engine.device, os.getcwd(), secrets.token_hex(8))
        self._running: dict[Any, str] = {}
        here = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            self._ray.get_runtime_context().get_node_id(), soft=True
        )
        board = self._ray.remote(num_cpus=0, scheduling_strategy=here)(_ProgressBoard)
        self._board = board.remote()
        self._seen: Any = None

    @property
    def workers(self) -> int:
        """See `JobPool`."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1) / self._engine.cores))

    def start(self, job: Job) -> None:
        """See `JobPool`."""
        call = pickle.dumps((job.function, dict(job.arguments)))
        self._running[self._task.remote(call, job.name, self._place, self._board)] = job.name

    def wait(self, timeout_s: float) -> Iterator[tuple[str, JobResult]]:
        """See `JobPool`."""
        if self._running:
            ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=timeout_s)
            for reference in ready:
                name = self._running.pop(reference)
                outcome = _outcome(self._ray, reference, name, self._engine.attempts, limited=False)
                yield name, result_or_raise(pickle.loads(outcome) if isinstance(outcome, bytes) else outcome)

    def fractions(self) -> dict[str, float]:
        """See `JobPool`; as of a moment ago; it does not wait for the cluster to answer."""
        ready = self._seen is not None and self._ray.wait([self._seen], timeout=0)[0]
        found: dict[str, float] = {}
        if ready:
            try:
                found = self._ray.get(self._seen)
            except self._ray.exceptions.RayError:  # the board died with its machine: progress is lost, no work
                return {}
        if self._seen is None or ready:
            self._seen = self._board.fractions.remote()
        return found

    def close(self, *, failed: bool) -> None:
        """See `JobPool`; running jobs are stopped at once, and resume from what they last saved."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._running.clear()
        self._ray.kill(self._board)
        if self._started:
            self._ray.shutdown()


class _ProgressBoard:
    """How far jobs are, collected on the driver's machine."""

    def __init__(self) -> None:
        self._fractions: dict[str, float] = {}

    def note(self, name: str, fraction: float) -> None:
        self._fractions[name] = fraction

    def fractions(self) -> dict[str, float]:
        return self._fractions


def _outcome(ray: Any, reference: Any, name: str, attempts: int, *, limited: bool) -> Any:
    """What a task returned; a fault if its worker and its machines died under it, again and again."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise RuntimeError(f"unexpected error in a Ray worker:\n{error}") from error
    except ray.exceptions.RayError as error:
        return worker_died(name, type(error).__name__, attempts=attempts, limited=limited)


def _run_item(function: bytes, argument: bytes, name: str, timeout_s: float, limits: ChildLimits, place: _Place) -> Any:
    """One item, in the child of this worker. It stays pickled here, so that only the child imports what it needs."""
    try:
        return _item_child(function, limits, place).call(ChildJob(name, (function, argument), timeout_s))
    except EnvironmentFault as fault:  # as a value: Ray would wrap what is raised
        return fault


def _run_pool_job(call: bytes, name: str, place: _Place, board: Any) -> Any:
    """One job of a graph, in the child of this worker: its pickled `JobResult`, or its fault."""

    def note(fraction: float) -> None:
        board.note.remote(name, fraction)

    try:
        return _job_child(place).call(ChildJob(name, call), on_progress=note)
    except EnvironmentFault as fault:
        return fault


def _call_item(pickled: tuple[bytes, bytes]) -> Any:
    function, argument = map(pickle.loads, pickled)
    return function(argument)


def _call_job(pickled: bytes) -> bytes:
    return pickle.dumps(run_job(pickle.loads(pickled)))


def _begin_item(function: bytes, place: _Place) -> None:
    pickle.loads(function)
    place.enter()


@functools.lru_cache(maxsize=1)
def _item_child(function: bytes, limits: ChildLimits, place: _Place) -> Child[tuple[bytes, bytes], Any]:
    """One child for all tasks of a worker; it ends when the worker does."""
    return Child(_call_item, limits=limits, warm_up=functools.partial(_begin_item, function, place))


@functools.lru_cache(maxsize=1)
def _job_child(place: _Place) -> Child[bytes, bytes]:
    return Child(_call_job, warm_up=place.enter)


def _knock(address: str) -> None:
    """Find out in a moment whether something listens there: Ray itself tries for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_S).close()


def import_ray() -> Any:
    """Ray, with its usage statistics turned off unless the environment says otherwise.

    Raises:
        EnvironmentFault: E-ENV-003, it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        remedy = 'Install it with `pip install "augrgb[ray]"`, or use --engine local.'
        raise EnvironmentFault("E-ENV-003", "ray", f"cannot be imported ({error})", remedy) from error
    return ray
