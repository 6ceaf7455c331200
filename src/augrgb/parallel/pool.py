"""Workers for the jobs of a graph. A job whose worker dies is tried once more: jobs resume from what they wrote."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from augrgb.core.errors import AugrgbError
from augrgb.core.progress import Progress
from augrgb.parallel.child import (
    AGAIN,
    ATTEMPTS,
    NOT_YET,
    Child,
    ChildJob,
    call_guarded,
    raise_if_general,
    report_progress,
    wait_for_any,
)
from augrgb.parallel.workers import worker_count

_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Args:
        name: Unique in its graph.
        stage: What people see it under.
        function: Module-level callable `function(**arguments, progress=callback)`.
        arguments: Picklable keyword arguments.
        after: Names of jobs that must have finished.
    """

    name: str
    stage: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobResult:
    """What a job returned, and the processor seconds that it took."""

    value: Any
    cpu_s: float


class JobPool(Protocol):
    """Processes that run jobs, here or on a cluster."""

    @property
    def workers(self) -> int:
        """How many jobs run at once."""

    def start(self, job: Job) -> None:
        """Run a job; no more than `workers` at once."""

    def wait(self, timeout_s: float) -> Iterator[tuple[str, JobResult]]:
        """Jobs that have ended, by name; waits for the first one, but not longer than `timeout_s`.

        Raises:
            AugrgbError: What a job raised, or E-JOB-004: its process died, again and again.
            RuntimeError: A bug in a job, with its traceback.
        """

    def fractions(self) -> dict[str, float]:
        """How much of each running job is done."""

    def close(self, *, failed: bool) -> None:
        """End all processes; with `failed`, jobs that still run are asked to save."""


def run_job(call: tuple[Callable[..., Any], Mapping[str, Any]], progress: Progress = report_progress) -> JobResult:
    """Run a job's function in this process."""
    started = time.process_time()
    function, arguments = call
    value = function(**arguments, progress=progress)
    return JobResult(value, time.process_time() - started)


class LocalPool:
    """Child processes of this one, started when there is work for them.

    Args:
        workers: How many; None = one per core, 0 = jobs run in this process.
        gpus: Names of GPUs as in CUDA_VISIBLE_DEVICES; where there are several, each process sees one, in turn.
            Default: those that this process may use.
    """

    def __init__(self, workers: int | None = None, gpus: Sequence[str] | None = None) -> None:
        self._count = worker_count(workers)
        self._gpus = visible_gpus() if gpus is None else tuple(gpus)
        self._children: list[Child[Any, JobResult]] = []
        self._ended: list[tuple[str, Any]] = []

    @property
    def workers(self) -> int:
        """See `JobPool`."""
        return max(1, self._count)

    def start(self, job: Job) -> None:
        """See `JobPool`."""
        if self._count == 0:
            run = functools.partial(run_job, progress=lambda done, total: None)
            self._ended.append((job.name, call_guarded(run, (job.function, job.arguments), job.name, limited=False)))
            return
        child = next((child for child in self._children if not child.busy), None)
        if child is None:
            child = Child(run_job, warm_up=self._share_of_gpus(len(self._children)))
            self._children.append(child)
        child.start(ChildJob(job.name, (job.function, dict(job.arguments))))

    def _share_of_gpus(self, worker: int) -> Callable[[], None] | None:
        if len(self._gpus) < 2:
            return None
        return functools.partial(_see_only, self._gpus[worker % len(self._gpus)])

    def wait(self, timeout_s: float) -> Iterator[tuple[str, JobResult]]:
        """See `JobPool`."""
        if any(child.busy for child in self._children):
            wait_for_any(self._children, timeout_s)
        for child in self._children:
            if child.busy:
                outcome = child.poll()
                if outcome is AGAIN:
                    child.start(child.job, attempt=ATTEMPTS)
                elif outcome is not NOT_YET:
                    self._ended.append((child.job.name, outcome))
        while self._ended:
            name, outcome = self._ended.pop(0)
            yield name, result_or_raise(outcome)

    def fractions(self) -> dict[str, float]:
        """See `JobPool`."""
        return {child.job.name: child.fraction for child in self._children if child.busy}

    def close(self, *, failed: bool) -> None:
        """See `JobPool`."""
        busy = [child for child in self._children if child.busy]
        for child in busy if failed else ():
            child.ask_to_stop()
        until_s = time.monotonic() + (_PATIENCE_S if failed else 0.0)
        for child in self._children:
            child.wait_to_stop(max(0.0, until_s - time.monotonic()))
        self._children.clear()


def result_or_raise(outcome: Any) -> JobResult:
    """The result of a job; its fault is raised."""
    found = raise_if_general(outcome)
    if isinstance(found, AugrgbError):
        raise found
    assert isinstance(found, JobResult)
    return found


def _see_only(gpu: str) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # read when CUDA is first used, which is later than this


def visible_gpus() -> tuple[str, ...]:
    """GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; () without CUDA."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return tuple(name.strip() for name in given.split(",") if name.strip() not in ("", "-1"))
    import torch

    return tuple(str(number) for number in range(torch.cuda.device_count()))
