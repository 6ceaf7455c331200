"""Worker processes: how one is started, what it does first, and how many there are."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

GRAPH_VARIABLE = "AUGRGB_JOB_GRAPH"
"""Set in workers of a cluster: the job graph that they work for. It never runs one job twice at the same time."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_count(workers: int | None) -> int:
    """Number of processes that `workers` asks for: None = one per core, 0 = none, work in this process.

    >>> worker_count(3), worker_count(0), worker_count(None) == available_cores()
    (3, 0, True)
    """
    if workers is None:
        return available_cores()
    if workers < 0:
        raise ValueError(f"workers must be 0 or more, not {workers}")
    return workers


def spawn(target: Callable[..., object], *arguments: Any, needs_main: bool = True) -> tuple[SpawnProcess, Connection]:
    """Start `target(connection, *arguments)` in a new process; returns the process and this end of the connection.

    Spawned, because decoders do not survive a fork. It never sees Ctrl-C, not even while it imports.

    Args:
        needs_main: Whether the new process imports the script that runs; not needed for work of this package alone.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, *arguments), daemon=True)
    with ignoring_interrupts(), _sleeping_threads(), contextlib.nullcontext() if needs_main else _without_main():
        process.start()
    there.close()
    return process, here


def start_worker(*, one_core: bool) -> None:
    """What every worker process does first.

    OpenCV gets one thread, for the workers share the cores already. Ctrl-C is ignored: the parent decides what it
    means. SIGTERM ends the process at once (training replaces that while it runs, to save). The process ends when its
    parent is gone.

    Args:
        one_core: Also give torch one thread and keep freed memory: for trusted work, of which there is one per core.
            Work on untrusted files decides about torch's threads itself, and gives memory back.
    """
    import cv2

    cv2.setNumThreads(1)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))
    end_with_parent()
    if one_core:
        keep_freed_memory()
        os.environ["OMP_NUM_THREADS"] = "1"  # for a torch that is imported later; importing it here would take seconds
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)


def end_with_parent() -> None:
    """End this worker process when its parent is gone.

    A worker whose parent was killed would wait for work forever, and hold the lock of its run folder.
    """

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            multiprocessing.connection.wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks: by default it gives large ones back, and each step's tensors fault in anew.

    A training step of the small encoders spent a quarter of its time in these page faults. On other systems this does
    nothing.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


@contextlib.contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """Processes started inside never see Ctrl-C: they inherit that it is ignored.

    Outside the main thread, where signals cannot be set, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Processes started inside find no script to import."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _sleeping_threads() -> Iterator[None]:
    """In processes started inside, OpenMP's threads sleep while they wait for work.

    By default they spin for a while: on busy cores that took more time than the networks themselves. OpenMP reads the
    variable when it is loaded, so it must be there from the start.
    """
    if "OMP_WAIT_POLICY" in os.environ:
        yield
        return
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    try:
        yield
    finally:
        os.environ.pop("OMP_WAIT_POLICY", None)
