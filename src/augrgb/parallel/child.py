"""Work on untrusted files in child processes: a decoder that crashes or hangs takes only its own file with it.

Children are spawned, because decoders do not survive a fork. A job that kills its child is tried once more.
"""

from __future__ import annotations

import contextlib
import functools
import math
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, TypeVar

import cv2

from augrgb.core.errors import AugrgbError, EnvironmentFault, InputRefused
from augrgb.parallel.workers import deaf_to_interrupts

Argument = TypeVar("Argument")
Result = TypeVar("Result")
_ATTEMPTS = 2
_STATM = Path("/proc/self/statm")
_GPU_BYTES = 2**36  # of address space: what a driver maps there for one GPU is no memory of this machine
# Texts of allocators whose exceptions are no MemoryError: torch, OpenCV; and of oneDNN, which says no more than that
# it failed, so there only under a limit.
_NO_MEMORY = ("can't allocate memory", "Insufficient memory", "Failed to allocate", "bad_alloc")
_NO_MEMORY_UNDER_LIMIT = ("could not create a primitive", "could not create a memory")


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What a child may take, held by the system where it can be (Linux).

    Every thread reserves address space, used or not, so the limit must leave room for some hundred MiB per core.

    Args:
        memory_bytes: Address space beyond what the child has when it is ready for work.
    """

    memory_bytes: int = 6 * 2**30 + (os.cpu_count() or 1) * 160 * 2**20


@dataclass(frozen=True, slots=True)
class ChildJob(Generic[Argument]):
    """One call: a name for messages, a picklable argument, and how long it may take (seconds)."""

    name: str
    argument: Argument
    timeout_s: float


def run_children(
    function: Callable[[Argument], Result],
    jobs: Sequence[ChildJob[Argument]],
    workers: int,
    *,
    limits: ChildLimits | None = None,
    warm_up: Callable[[int], object] | None = None,
) -> Iterator[tuple[int, Result | AugrgbError]]:
    """Call a function once per job, in `workers` child processes; 0 = here, without protection.

    `warm_up` is called in each of them with its number, see `Child`. Yields (job number, result) as they finish; a
    fault that concerns the job comes as a value.

    Raises:
        EnvironmentFault: The first such fault, for it would meet every job.
        RuntimeError: A bug in `function`, with the child's traceback.
    """
    if workers == 0:
        for number, job in enumerate(jobs):
            yield number, _stop_if_environment(_call(function, job.argument, None))
        return
    with contextlib.ExitStack() as stack:
        warm_ups = [warm_up and functools.partial(warm_up, number) for number in range(min(workers, len(jobs)))]
        children = [stack.enter_context(Child(function, limits=limits, warm_up=each)) for each in warm_ups]
        waiting = deque((number, 1) for number in range(len(jobs)))
        while waiting or any(child.busy for child in children):
            for child in children:
                if waiting and not child.busy:
                    number, attempt = waiting.popleft()
                    child.start(number, attempt, jobs[number])
            _sleep_until_something_happens(children)
            for child in children:
                if child.busy:
                    outcome = child.poll()
                    if outcome is _AGAIN:
                        waiting.appendleft((child.number, _ATTEMPTS))
                    elif outcome is not _NOT_YET:
                        yield child.number, _stop_if_environment(outcome)


_AGAIN, _NOT_YET = object(), object()


class Child(Generic[Argument, Result]):
    """One process for many calls of one function; started at once, restarted when it dies. A context manager.

    Args:
        function: What is called; picklable by name.
        limits: What the process may take.
        warm_up: Called once in every new process before the limits hold, such as an import and the loading of a model.
            What it raises is left to the first call to find again.
    """

    def __init__(
        self,
        function: Callable[[Argument], Result],
        *,
        limits: ChildLimits | None = None,
        warm_up: Callable[[], object] | None = None,
    ) -> None:
        self._function, self._limits, self._warm_up = function, limits, warm_up
        self.busy = False
        self.number, self.attempt, self.deadline_s = 0, 0, 0.0
        self._job: ChildJob[Any] = ChildJob("", None, 0.0)
        self._begin()

    def __enter__(self) -> Child[Argument, Result]:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def connection(self) -> Connection:
        """Where the result will arrive."""
        return self._connection

    def call(self, job: ChildJob[Argument]) -> Result | AugrgbError:
        """Run one job and wait for it; a fault that concerns the job comes as a value.

        Raises:
            EnvironmentFault: Disk or memory.
            RuntimeError: A bug in the function, with the child's traceback.
        """
        outcome: Any = _AGAIN
        for attempt in range(1, _ATTEMPTS + 1):
            if outcome is _AGAIN:
                self.start(0, attempt, job)
                outcome = _NOT_YET
                while outcome is _NOT_YET:
                    _sleep_until_something_happens([self])
                    outcome = self.poll()
        found: Result | AugrgbError = _stop_if_environment(outcome)
        return found

    def start(self, number: int, attempt: int, job: ChildJob[Any]) -> None:
        """Hand over a job; `poll` tells what became of it."""
        self.number, self.attempt, self.busy, self._job = number, attempt, True, job
        self.deadline_s = time.monotonic() + job.timeout_s
        # A child that has just died is noticed by `poll`.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._connection.send((job.name, job.argument, job.timeout_s))

    def poll(self) -> Any:
        """The result if it is there, `_AGAIN` to try once more, `_NOT_YET` to go on waiting."""
        problem = ""
        try:
            if self._connection.poll():
                outcome = self._connection.recv()
                self.busy = False
                return outcome
        except (EOFError, ConnectionResetError):
            self._process.join(5)
            problem = f"its process died ({_ending(self._process.exitcode)})"
        if not problem and time.monotonic() > self.deadline_s:
            problem = f"gave no result in {self._job.timeout_s:.0f} s"
        if not problem:
            return _NOT_YET
        self.busy = False
        self._end()
        self._begin()
        if self.attempt < _ATTEMPTS:
            return _AGAIN
        return InputRefused(
            "E-VID-011", self._job.name, f"{problem}, {_ATTEMPTS} times", "Re-encode it, or leave it out."
        )

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (self._function, theirs, self._limits, self._warm_up)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        with deaf_to_interrupts():
            self._process.start()
        theirs.close()

    def _end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.join()


def _serve(
    function: Callable[[Any], Any],
    connection: Connection,
    limits: ChildLimits | None,
    warm_up: Callable[[], object] | None,
) -> None:
    cv2.setNumThreads(1)  # the workers share the processor already
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    if warm_up is not None:
        with contextlib.suppress(Exception):
            warm_up()
    if limits is not None:
        _limit_memory(limits)
    while True:
        try:
            name, argument, timeout_s = connection.recv()
        except EOFError:
            return
        if limits is not None:
            _limit_processor_time(timeout_s)
        connection.send(_call(function, argument, name if limits is not None else None))


def _limit_memory(limits: ChildLimits) -> None:
    """No more address space than now and `memory_bytes`. Elsewhere than on Linux nobody tells how much it is now."""
    if sys.platform != "win32" and _STATM.exists():
        import resource

        now = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        wanted = now + limits.memory_bytes + (_GPU_BYTES if _uses_gpu() else 0)
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


def _uses_gpu() -> bool:
    """Whether the warm-up has opened a GPU."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        return any("/dev/nvidia" in line for line in maps)


def _limit_processor_time(timeout_s: float) -> None:
    """All cores for the time of one job: stops a child that hangs after its parent has been killed."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        wanted = math.ceil(used.ru_utime + used.ru_stime + timeout_s * (os.cpu_count() or 1)) + 1
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard < 0 else min(wanted, hard), hard))


def _call(function: Callable[[Any], Any], argument: Any, limited: str | None) -> Any:
    """The function's result or fault. `limited`: the job's name, if lack of memory is its own fault."""
    try:
        return function(argument)
    except AugrgbError as fault:
        return fault
    except MemoryError:
        return _no_memory(limited)
    except Exception as error:  # noqa: BLE001 - carried over to the parent, which raises it
        if any(text in str(error) for text in _NO_MEMORY + (_NO_MEMORY_UNDER_LIMIT if limited is not None else ())):
            return _no_memory(limited)
        return _Bug(traceback.format_exc())


def _no_memory(limited: str | None) -> AugrgbError:
    if limited is None:
        return EnvironmentFault("E-ENV-003", "", "out of memory", "Use fewer workers.")
    return InputRefused("E-VID-011", limited, "needs more memory than one file may take", "Scale the video down first.")


def _ending(code: int | None) -> str:
    """An exit code in words, with the signal's name."""
    try:
        return f"exit code {code}, {signal.Signals(-(code or 0)).name}"
    except ValueError:
        return f"exit code {code}"


@dataclass(frozen=True, slots=True)
class _Bug:
    traceback: str


def _stop_if_environment(outcome: Any) -> Any:
    if isinstance(outcome, _Bug):
        raise RuntimeError(f"unexpected error in a worker:\n{outcome.traceback}")
    if isinstance(outcome, EnvironmentFault):
        raise outcome
    return outcome


def _sleep_until_something_happens(children: Sequence[Child[Any, Any]]) -> None:
    busy = [child for child in children if child.busy]
    nearest_s = min(child.deadline_s for child in busy) - time.monotonic()
    wait([child.connection for child in busy], timeout=max(0.0, nearest_s) + 0.01)
