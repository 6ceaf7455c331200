"""A graph of jobs on several processes: what depends on what, live progress, time and memory.

A job is a module-level function and its arguments, so it can cross a process border. Each keeps its own finished work
on disk: a job that is run again, because its worker died or the whole graph was killed, costs only what was unfinished.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from augrgb.core.progress import Progress
from augrgb.parallel.engine import Engine
from augrgb.parallel.memory_meter import MemoryMeter
from augrgb.parallel.pool import Job as Job
from augrgb.parallel.pool import LocalPool

_POLL_S = 0.2
_ALMOST = 0.999


@dataclass(frozen=True)
class StageCost:
    """What a stage cost.

    Args:
        stage: Its name.
        wall_s: Seconds from the first start of a job to the last end.
        cpu_s: Processor seconds of its jobs, wherever they ran.
        peak_mib: Highest memory of this process and its children meanwhile; what runs on a cluster is not counted.
    """

    stage: str
    wall_s: float
    cpu_s: float
    peak_mib: float


class JobGraph:
    """Jobs that depend on each other, and how far they are.

    >>> graph = JobGraph([Job("sum", "two", sum, after=("list",)), Job("list", "one", list)])
    >>> [job.name for job in graph.ready()]
    ['list']

    Raises:
        ValueError: Two jobs share a name, or one waits for an unknown job.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.waiting = {job.name: job for job in jobs}
        if len(self.waiting) != len(jobs):
            raise ValueError("two jobs share a name")
        self.running: dict[str, Job] = {}
        self.results: dict[str, Any] = {}
        self.stages: dict[str, list[str]] = {}
        for job in jobs:
            self.stages.setdefault(job.stage, []).append(job.name)
            missing = set(job.after) - set(self.waiting)
            if missing:
                raise ValueError(f"{job.name} waits for unknown jobs {sorted(missing)}")

    def ready(self) -> list[Job]:
        """Waiting jobs that nothing holds back any more, in their order."""
        return [job for job in self.waiting.values() if all(name in self.results for name in job.after)]

    def start(self, job: Job) -> None:
        """Note that a job runs."""
        self.running[job.name] = self.waiting.pop(job.name)

    def finish(self, name: str, value: Any) -> Job:
        """Note a job's result; returns the job."""
        self.results[name] = value
        return self.running.pop(name)

    def is_finished(self, stage: str) -> bool:
        """Whether all jobs of a stage are."""
        return all(name in self.results for name in self.stages[stage])


class JobRunner:
    """Workers that live through several job graphs; a context manager.

    Args:
        workers: Number of processes; None = one per core, 0 = jobs run in this process.
        on_progress: Called with (stage, fraction done of that stage's jobs).
        gpus: See `LocalPool`.
        engine: Where jobs run instead of in `workers` processes of this one, such as a Ray cluster.
    """

    def __init__(
        self,
        workers: int | None = None,
        on_progress: Callable[[str, float], None] | None = None,
        *,
        gpus: Sequence[str] | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.costs: dict[str, StageCost] = {}
        self._on_progress = on_progress or (lambda stage, fraction: None)
        self._pool = LocalPool(workers, gpus) if engine is None else engine.open_pool()
        self._meter = MemoryMeter()

    @property
    def workers(self) -> int:
        """How many jobs run at once."""
        return self._pool.workers

    def __enter__(self) -> JobRunner:
        self._meter.__enter__()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._pool.close(failed=kind is not None)
        self._meter.__exit__()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Measure and show a stage that brings its own processes; gives its progress callback."""
        started, cpu_s = time.monotonic(), _cpu_seconds()
        self._meter.watch({name})
        self._on_progress(name, 0.0)
        yield lambda done, total: self._on_progress(name, done / max(total, 1))
        self._on_progress(name, 1.0)
        self._note(name, time.monotonic() - started, _cpu_seconds() - cpu_s)

    def _note(self, stage: str, wall_s: float, cpu_s: float) -> None:
        """What a stage cost; the sum, if it comes more than once."""
        before = self.costs.get(stage, StageCost(stage, 0.0, 0.0, 0.0))
        peak_mib = self._meter.peak_mib(stage)
        self.costs[stage] = StageCost(stage, before.wall_s + wall_s, before.cpu_s + cpu_s, peak_mib)

    def run(self, jobs: Sequence[Job], *, part: str = "") -> dict[str, Any]:
        """Run every job after the jobs it depends on; returns name -> result.

        Args:
            jobs: A graph.
            part: Of the whole, if stages come more than once: progress is shown as "stage (part)". Costs are added up.

        Raises:
            AugrgbError: The first fault of a job; E-JOB-004, a job's process died and died again. Waiting jobs are not
                started, running ones are asked to save when this runner is closed.
            RuntimeError: A bug in a job, with its traceback.
            ValueError: The jobs are no graph.
        """
        graph = JobGraph(jobs)
        started: dict[str, float] = {}
        cpu_s = dict.fromkeys(graph.stages, 0.0)
        fractions = dict.fromkeys(graph.waiting, 0.0)
        while graph.waiting or graph.running:
            for job in graph.ready()[: max(0, self._pool.workers - len(graph.running))]:
                graph.start(job)
                started.setdefault(job.stage, time.monotonic())
                self._pool.start(job)
            if not graph.running:
                raise ValueError(f"jobs wait for each other: {sorted(graph.waiting)}")
            self._meter.watch({job.stage for job in graph.running.values()})
            for name, result in self._pool.wait(_POLL_S):
                job = graph.finish(name, result.value)
                cpu_s[job.stage] += result.cpu_s
                fractions[name] = 1.0
                if graph.is_finished(job.stage):
                    self._note(job.stage, time.monotonic() - started[job.stage], cpu_s[job.stage])
            for name, fraction in self._pool.fractions().items():
                if name in graph.running:
                    fractions[name] = max(fractions[name], min(fraction, _ALMOST))
            for stage, members in graph.stages.items():
                if stage in started:
                    shown = f"{stage} ({part})" if part else stage
                    self._on_progress(shown, sum(fractions[name] for name in members) / len(members))
        return graph.results


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
