"""Work on untrusted files in child processes: a decoder that crashes or hangs takes only its own file with it.

Children are spawned, because decoders do not survive a fork. A job that kills its child is tried once more.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

import cv2

from augrgb.core.errors import AugrgbError, EnvironmentFault, InputRefused

Argument = TypeVar("Argument")
Result = TypeVar("Result")
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class ChildJob(Generic[Argument]):
    """One call: a name for messages, a picklable argument, and how long it may take (seconds)."""

    name: str
    argument: Argument
    timeout_s: float


def run_children(
    function: Callable[[Argument], Result], jobs: Sequence[ChildJob[Argument]], workers: int
) -> Iterator[tuple[int, Result | AugrgbError]]:
    """Call a function once per job, in `workers` child processes; 0 = here, without protection.

    Yields (job number, result) as they finish; a fault that concerns the job comes as a value.

    Raises:
        EnvironmentFault: The first such fault, for it would meet every job.
        RuntimeError: A bug in `function`, with the child's traceback.
    """
    if workers == 0:
        for number, job in enumerate(jobs):
            yield number, _stop_if_environment(_call(function, job.argument))
        return
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(_Child(function)) for _ in range(min(workers, len(jobs)))]
        waiting = deque((number, 1) for number in range(len(jobs)))
        while waiting or any(child.busy for child in children):
            for child in children:
                if waiting and not child.busy:
                    number, attempt = waiting.popleft()
                    child.start(number, attempt, jobs[number])
            _sleep_until_something_happens(children)
            for child in children:
                if child.busy:
                    outcome = child.poll(jobs)
                    if outcome is _AGAIN:
                        waiting.appendleft((child.number, _ATTEMPTS))
                    elif outcome is not None:
                        yield child.number, _stop_if_environment(outcome)


_AGAIN = object()


class _Child:
    """One process and what it is working on; restarted when it dies."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.busy = False
        self.number, self.attempt, self.deadline_s = 0, 0, 0.0
        self._begin()

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def connection(self) -> Connection:
        return self._connection

    def start(self, number: int, attempt: int, job: ChildJob[Any]) -> None:
        self.number, self.attempt, self.busy = number, attempt, True
        self.deadline_s = time.monotonic() + job.timeout_s
        # A child that has just died is noticed by `poll`.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._connection.send(job.argument)

    def poll(self, jobs: Sequence[ChildJob[Any]]) -> Any:
        """The result if it is there, `_AGAIN` to try once more, None to go on waiting."""
        problem = ""
        try:
            if self._connection.poll():
                self.busy = False
                return self._connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join(5)
            problem = f"its process died (exit code {self._process.exitcode})"
        if not problem and time.monotonic() > self.deadline_s:
            problem = f"gave no result in {jobs[self.number].timeout_s:.0f} s"
        if not problem:
            return None
        self.busy = False
        self._end()
        self._begin()
        if self.attempt < _ATTEMPTS:
            return _AGAIN
        return InputRefused(
            "E-VID-011", jobs[self.number].name, f"{problem}, {_ATTEMPTS} times", "Re-encode it, or leave it out."
        )

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self.function, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def _end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.join()


def _serve(function: Callable[[Any], Any], connection: Connection) -> None:
    cv2.setNumThreads(1)  # the workers share the processor already
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    while True:
        try:
            argument = connection.recv()
        except EOFError:
            return
        connection.send(_call(function, argument))


def _call(function: Callable[[Any], Any], argument: Any) -> Any:
    try:
        return function(argument)
    except AugrgbError as fault:
        return fault
    except MemoryError:
        return EnvironmentFault("E-ENV-003", "", "out of memory", "Use fewer workers.")
    except Exception:  # noqa: BLE001 - carried over to the parent, which raises it
        return _Bug(traceback.format_exc())


@dataclass(frozen=True, slots=True)
class _Bug:
    traceback: str


def _stop_if_environment(outcome: Any) -> Any:
    if isinstance(outcome, _Bug):
        raise RuntimeError(f"unexpected error in a worker:\n{outcome.traceback}")
    if isinstance(outcome, EnvironmentFault):
        raise outcome
    return outcome


def _sleep_until_something_happens(children: Sequence[_Child]) -> None:
    busy = [child for child in children if child.busy]
    nearest_s = min(child.deadline_s for child in busy) - time.monotonic()
    wait([child.connection for child in busy], timeout=max(0.0, nearest_s) + 0.01)
