"""Work in child processes: one that crashes or hangs takes only its own call with it, which is tried once more.

With `ChildLimits` the work is on untrusted input: memory and processor time are limited, and what goes wrong is the
input's fault (`InputRefused`). Without, it is trusted work on one core, and the machine's (`EnvironmentFault`).

Warnings that a child logs are logged again by its parent, which can leave out what another child has said already.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import math
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from augrgb.core.errors import AugrgbError, EnvironmentFault
from augrgb.parallel.limits import ChildLimits, has_gpu, is_out_of_memory, limit_memory, limit_processor_time
from augrgb.parallel.process_faults import out_of_memory, out_of_time, worker_died
from augrgb.parallel.workers import spawn, start_worker, worker_count

Argument = TypeVar("Argument")
Result = TypeVar("Result")
ATTEMPTS = 2
_PROGRESS_EVERY_S = 0.2
_LONGEST_WAIT_S = 86_400.0  # the system counts milliseconds in 32 bits
_START_BYTES = 2**34  # of address space for imports and a model, before the limits of the work itself
_START_S = 600.0


@dataclass(frozen=True, slots=True)
class ChildJob(Generic[Argument]):
    """One call: a name for messages, a picklable argument, and how long it may take (seconds)."""

    name: str
    argument: Argument
    timeout_s: float = math.inf


def run_children(
    function: Callable[[Argument], Result],
    jobs: Iterable[ChildJob[Argument]],
    workers: int | None,
    *,
    limits: ChildLimits | None = None,
    warm_up: Callable[[int], object] | None = None,
) -> Iterator[tuple[int, Result | AugrgbError]]:
    """Call a function once per job, in `workers` child processes (None = one per core, 0 = here, without protection).

    Jobs are drawn when a process is free, so they may come from a generator. `warm_up` is called in each process with
    the process's number, see `Child`. Yields (job number, result) as they finish; a fault that concerns the job comes
    as a value.

    Raises:
        EnvironmentFault: The first such fault, for it would meet every job.
        RuntimeError: A bug in `function`, with the child's traceback.
    """
    count = worker_count(workers)
    if count == 0:
        for number, job in enumerate(jobs):
            yield number, raise_if_general(call_guarded(function, job.argument, job.name, limited=False))
        return
    source, again = enumerate(jobs), deque[tuple[int, ChildJob[Argument]]]()
    children: list[Child[Argument, Result]] = []
    with contextlib.ExitStack() as stack:
        while True:
            while (idle := next((child for child in children if not child.busy), None)) or len(children) < count:
                attempt = ATTEMPTS if again else 1
                found = again.popleft() if again else next(source, None)
                if found is None:
                    break
                if idle is None:
                    ready = warm_up and functools.partial(warm_up, len(children))
                    idle = stack.enter_context(Child(function, limits=limits, warm_up=ready))
                    children.append(idle)
                idle.start(found[1], number=found[0], attempt=attempt)
            if not any(child.busy for child in children):
                return
            wait_for_any(children)
            for child in children:
                if child.busy:
                    outcome = child.poll()
                    if outcome is AGAIN:
                        again.appendleft((child.number, child.job))
                    elif outcome is not NOT_YET:
                        yield child.number, raise_if_general(outcome)


AGAIN, NOT_YET = object(), object()


class Child(Generic[Argument, Result]):
    """One process for many calls of one function; started at once, restarted when it dies. A context manager.

    Args:
        function: What is called; picklable by name.
        limits: What the process may take; None = trusted work, see the module.
        warm_up: Called once in every new process, such as an import and the loading of a model, under wider limits.
            What it raises is left to the first call to find again.
        needs_main: Whether function and arguments may come from the script that runs. If not, that script needs no
            `if __name__ == "__main__":`.
    """

    def __init__(
        self,
        function: Callable[[Argument], Result],
        *,
        limits: ChildLimits | None = None,
        warm_up: Callable[[], object] | None = None,
        needs_main: bool = True,
    ) -> None:
        self._needs_main = needs_main
        self._function, self._limits, self._warm_up = function, limits, warm_up
        self.busy = False
        self.fraction = 0.0
        self.number, self.attempt, self.allowed_s, self.deadline_s = 0, 0, 0.0, 0.0
        self.job: ChildJob[Any] = ChildJob("", None)
        self._begin()

    def __enter__(self) -> Child[Argument, Result]:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def connection(self) -> Connection:
        """Where the result will arrive."""
        return self._connection

    def call(
        self, job: ChildJob[Argument], *, on_progress: Callable[[float], object] | None = None
    ) -> Result | AugrgbError:
        """Run one job and wait for it; a fault that concerns the job comes as a value.

        Args:
            job: What to call the function with.
            on_progress: Called with the fraction done that the function reports (`report_progress`).

        Raises:
            EnvironmentFault: Disk or memory.
            RuntimeError: A bug in the function, with the child's traceback.
        """
        outcome: Any = AGAIN
        for attempt in range(1, ATTEMPTS + 1):
            if outcome is AGAIN:
                self.start(job, attempt=attempt)
                outcome = NOT_YET
                while outcome is NOT_YET:
                    wait_for_any([self])
                    outcome = self.poll()
                    if on_progress is not None and outcome is NOT_YET:
                        on_progress(self.fraction)
        found: Result | AugrgbError = raise_if_general(outcome)
        return found

    def start(self, job: ChildJob[Any], *, number: int = 0, attempt: int = 1) -> None:
        """Hand over a job; `poll` returns its outcome."""
        self.number, self.attempt, self.busy, self.job, self.fraction = number, attempt, True, job, 0.0
        self.allowed_s = job.timeout_s
        self.deadline_s = time.monotonic() + job.timeout_s
        # A child that has just died is noticed by `poll`.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._connection.send((job.name, job.argument, job.timeout_s))

    def poll(self) -> Any:
        """The result if it is there, `AGAIN` to try once more, `NOT_YET` to go on waiting."""
        limited = self._limits is not None
        fault: AugrgbError | None = None
        try:
            while self._connection.poll():
                outcome = self._connection.recv()
                if not self._is_news(outcome):
                    self.busy = False
                    return outcome
        except (EOFError, ConnectionResetError):
            self._process.join(5)
            fault = worker_died(self.job.name, self._process.exitcode, attempts=self.attempt, limited=limited)
        if fault is None and time.monotonic() > self.deadline_s:
            fault = out_of_time(self.job.name, self.allowed_s, attempts=self.attempt)
        if fault is None:
            return NOT_YET
        self.busy = False
        self._end()
        self._begin()
        return AGAIN if self.attempt < ATTEMPTS else fault

    def ask_to_stop(self) -> None:
        """Send SIGTERM: training saves its state at the next step, other work ends at once (it writes whole files)."""
        self._process.terminate()

    def wait_to_stop(self, patience_s: float) -> None:
        """Wait until the running job has ended, and end the process in any case."""
        until_s = time.monotonic() + patience_s
        with contextlib.suppress(EOFError, ConnectionResetError):
            while self.busy and self._connection.poll(max(0.0, until_s - time.monotonic())):
                self.busy = self._is_news(self._connection.recv())
        self._end()

    def _is_news(self, message: object) -> bool:
        """Take note of what a job says while it runs; false for its outcome."""
        if isinstance(message, _Said):
            message.repeat()
        elif isinstance(message, _Fraction):
            self.fraction = message.value
        elif isinstance(message, _MoreTime):
            self.allowed_s += message.seconds
            self.deadline_s += message.seconds
        else:
            return False
        return True

    def _begin(self) -> None:
        self._process, self._connection = spawn(
            _serve, self._function, self._limits, self._warm_up, needs_main=self._needs_main
        )

    def _end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.join()


def wait_for_any(children: Sequence[Child[Any, Any]], timeout_s: float = math.inf) -> None:
    """Wait until a busy child has sent something, has died or is out of time."""
    busy = [child for child in children if child.busy]
    nearest_s = min([child.deadline_s - time.monotonic() for child in busy] + [timeout_s])
    waiting_s = None if nearest_s == math.inf else min(max(0.0, nearest_s) + 0.01, _LONGEST_WAIT_S)
    wait([child.connection for child in busy], timeout=waiting_s)


def raise_if_general(outcome: Any) -> Any:
    """Raise what concerns more than one job: an `EnvironmentFault`, or a bug as a `RuntimeError`."""
    if isinstance(outcome, _Bug):
        raise RuntimeError(f"unexpected error in a worker:\n{outcome.traceback}")
    if isinstance(outcome, EnvironmentFault):
        raise outcome
    return outcome


@dataclass(frozen=True, slots=True)
class _Bug:
    traceback: str


@dataclass(frozen=True, slots=True)
class _Fraction:
    value: float


@dataclass(frozen=True, slots=True)
class _MoreTime:
    seconds: float


@dataclass(frozen=True, slots=True)
class _Said:
    """A warning that a child logged."""

    logger: str
    level: int
    text: str

    def repeat(self) -> None:
        logging.getLogger(self.logger).log(self.level, "%s", self.text)


class _ToParent(logging.Handler):
    """Hands warnings of a child to its parent."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):  # the parent has gone
            _send(_Said(record.name, record.levelno, self.format(record)))


_parent: Connection | None = None
_sending = threading.RLock()  # warnings come from any thread, and from handlers of signals; progress too
_has_limits = False
_last_sent_s = 0.0


def report_progress(done: int, total: int) -> None:
    """Inside a child: report how much of the current call is done, a few times per second at most."""
    global _last_sent_s
    now = time.monotonic()
    if _parent is not None and now - _last_sent_s > _PROGRESS_EVERY_S:
        _last_sent_s = now
        _send(_Fraction(done / max(total, 1)))


def allow_more_time(seconds: float) -> None:
    """Called inside a job that has just learned how long it is: its parent waits that much longer.

    Outside a child process this does nothing.
    """
    if _parent is not None:
        seconds = min(max(seconds, 0.0), 365 * _LONGEST_WAIT_S)
        _send(_MoreTime(seconds))
        if _has_limits:
            limit_processor_time(seconds)


def _send(message: object) -> None:
    assert _parent is not None
    with _sending:
        _parent.send(message)


def _serve(
    connection: Connection,
    function: Callable[[Any], Any],
    limits: ChildLimits | None,
    warm_up: Callable[[], object] | None,
) -> None:
    global _parent, _has_limits
    _parent, _has_limits = connection, limits is not None
    start_worker(one_core=limits is None)
    logging.getLogger().addHandler(_ToParent(logging.WARNING))
    if limits is not None:  # a model may come from anywhere, too
        limit_memory(limits.memory_bytes + _START_BYTES, gpu=has_gpu())
        limit_processor_time(_START_S)
    if warm_up is not None:
        gc.disable()  # what imports make stays: looking for garbage among it takes a seventh of importing torch
        with contextlib.suppress(Exception):
            warm_up()
        gc.freeze()
        gc.enable()
    if limits is not None:
        limit_memory(limits.memory_bytes)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent wants no more
        while True:
            name, argument, timeout_s = connection.recv()
            if limits is not None:
                limit_processor_time(timeout_s)
            _send(call_guarded(function, argument, name, limited=limits is not None))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # taking torch apart object by object takes as long as a short video


def call_guarded(function: Callable[[Any], Any], argument: Any, name: str, *, limited: bool) -> Any:
    """The function's result or fault. `limited`: whether lack of memory is the input's own fault."""
    try:
        return function(argument)
    except AugrgbError as fault:
        return fault
    except Exception as error:  # noqa: BLE001 - carried over to the parent, which raises it
        if is_out_of_memory(error, limited=limited):
            return out_of_memory(name, limited=limited)
        return _Bug(traceback.format_exc())
