"""Independent pieces of work on several processes: jobs with dependencies, live progress, time and memory.

A job is a module-level function and its arguments, so it can cross a process border. Each keeps its own finished work
on disk; running a killed list of jobs again costs only what was unfinished.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from augrgb.core.errors import EnvironmentFault
from augrgb.core.progress import Progress
from augrgb.parallel.memory_meter import MemoryMeter
from augrgb.parallel.workers import deaf_to_interrupts, end_with_parent

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Args:
        name: Unique in its list.
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
class StageCost:
    """Wall seconds from a stage's first start to its last end, processor seconds, and the peak memory meanwhile."""

    stage: str
    wall_s: float
    cpu_s: float
    peak_mib: float


_progress_queue: Any = None


def _start_worker(progress_queue: Any, gpus: Any) -> None:
    """Make a worker use one core and one GPU (the jobs are the parallelism), and end it when its parent is gone."""
    global _progress_queue
    _progress_queue = progress_queue
    gpu = gpus.get()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # read when CUDA is first used, which is later than this
    end_with_parent()
    # Training notes a first SIGTERM and saves; a second one, or one between jobs, ends the worker at once.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))
    keep_freed_memory()
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks: by default it gives large ones back, and each step's tensors fault in anew.

    A training step of the small encoders spent a quarter of its time in these page faults. Elsewhere nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _run(name: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[Any, float]:
    last_sent = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last_sent
        now = time.monotonic()
        if now - last_sent > 0.2:
            last_sent = now
            _progress_queue.put((name, done / max(total, 1)))

    started = time.process_time()
    result = function(**arguments, progress=progress)
    return result, time.process_time() - started


class JobRunner:
    """A pool of worker processes that lives through several lists of jobs.

    Args:
        workers: Number of processes; default: the number of cores this process may use.
        on_progress: Called with (stage, fraction done of that stage's jobs).
        gpus: Names of GPUs as in CUDA_VISIBLE_DEVICES; where there are several, each process sees one, in turn.
            Default: those that this process may use.
    """

    def __init__(
        self,
        workers: int | None = None,
        on_progress: Callable[[str, float], None] | None = None,
        *,
        gpus: Sequence[str] | None = None,
    ) -> None:
        self.workers = workers or available_cores()
        self.costs: dict[str, StageCost] = {}
        self._on_progress = on_progress or (lambda stage, fraction: None)
        context = multiprocessing.get_context("spawn")
        self._queue = context.Queue()
        seen = visible_gpus() if gpus is None else gpus
        shares = context.Queue()
        for worker in range(self.workers):
            shares.put(seen[worker % len(seen)] if len(seen) > 1 else None)
        self._pool = ProcessPoolExecutor(self.workers, context, _start_worker, (self._queue, shares))
        self._meter = MemoryMeter()

    def __enter__(self) -> JobRunner:
        self._meter.__enter__()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            for worker in multiprocessing.active_children():
                worker.terminate()  # training saves its state at the next step; everything else writes whole files
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        self._queue.cancel_join_thread()
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

    def run(self, jobs: Sequence[Job]) -> dict[str, Any]:
        """Run every job after the jobs it depends on; returns name -> result.

        Raises:
            EnvironmentFault: A worker was killed.
            Exception: The first error of a job; running jobs are allowed to end, waiting ones are dropped.
        """
        waiting = {job.name: job for job in jobs}
        if len(waiting) != len(jobs):
            raise ValueError("two jobs share a name")
        results: dict[str, Any] = {}
        fractions = dict.fromkeys(waiting, 0.0)
        stage_jobs: dict[str, list[str]] = {}
        for job in jobs:
            stage_jobs.setdefault(job.stage, []).append(job.name)
            missing = set(job.after) - set(waiting)
            if missing:
                raise ValueError(f"{job.name} waits for unknown jobs {sorted(missing)}")
        started: dict[str, float] = {}
        cpu_s = dict.fromkeys(stage_jobs, 0.0)
        running: dict[Future[Any], Job] = {}
        try:
            while waiting or running:
                ready = [job for job in waiting.values() if all(name in results for name in job.after)]
                for job in ready[: max(0, self.workers - len(running))]:
                    del waiting[job.name]
                    started.setdefault(job.stage, time.monotonic())
                    with deaf_to_interrupts():  # a pool starts its processes when work is submitted
                        future = self._pool.submit(_run, job.name, job.function, dict(job.arguments))
                    running[future] = job
                if not running:
                    raise ValueError(f"jobs wait for each other: {sorted(waiting)}")
                self._meter.watch({job.stage for job in running.values()})
                done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                self._drain(fractions)
                for future in done:
                    job = running[future]
                    results[job.name], job_cpu_s = future.result()
                    del running[future]
                    cpu_s[job.stage] += job_cpu_s
                    fractions[job.name] = 1.0
                    if all(name in results for name in stage_jobs[job.stage]):
                        self._note(job.stage, time.monotonic() - started[job.stage], cpu_s[job.stage])
                for stage, members in stage_jobs.items():
                    if stage in started:
                        self._on_progress(stage, sum(fractions[name] for name in members) / len(members))
        except BrokenProcessPool as error:
            lost = ", ".join(job.name for job in running.values())
            raise EnvironmentFault(
                "E-ENV-003",
                lost or "worker",
                "a worker process was killed (out of memory?)",
                "Free memory or use fewer workers; the same command goes on from what is finished.",
            ) from error
        return results

    def _drain(self, fractions: dict[str, float]) -> None:
        while True:
            try:
                name, fraction = self._queue.get_nowait()
            except queue.Empty:
                return
            if name in fractions:
                fractions[name] = max(fractions[name], min(fraction, 0.999))


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def visible_gpus() -> tuple[str, ...]:
    """GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; () without CUDA."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return tuple(name.strip() for name in given.split(",") if name.strip() not in ("", "-1"))
    import torch

    return tuple(str(number) for number in range(torch.cuda.device_count()))


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
