"""Several processes of one training watch each other: when one dies, stops or hangs, all end within a minute.

Each has a thread that counts aloud in the store of `torchrun`. A process whose thread is silent, or whose step takes
far longer than any before, ends the training for all; one of the others says so.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from torch.distributed import DistError, PrefixStore, Store, TCPStore  # type: ignore[attr-defined]

from augrgb.core.errors import AugrgbError, EnvironmentFault

BEAT_S = 1.0
SILENT_BEATS = 30
STEP_S, FIRST_STEP_S, TIMES_LONGEST = 45.0, 600.0, 20.0
_REMEDY = "Look at that process; the same command resumes from the last checkpoint."
_trainings = 0


class Heartbeat:
    """This process's part of the watch; does nothing if it is the only one.

    Args:
        run: The run folder, for messages.
        rank: Number of this process.
        world: How many there are.
    """

    def __init__(self, run: Path, rank: int, world: int) -> None:
        global _trainings
        _trainings += 1
        self._run, self._rank, self._world = run, rank, world
        self._over = threading.Event()
        self._step: tuple[int, float] | None = None
        self._longest_s: float | None = None
        self._store: Store | None = None
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Count and watch while the body runs."""
        if self._world == 1:
            yield
            return
        self._store = _connect()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()
        try:
            yield
        except RuntimeError as error:
            if not is_lost_connection(error):
                raise
            why = str(error).strip().splitlines()[0][-200:]
            raise self._told(f"another process of this training ended or cannot be reached ({why})") from error
        finally:
            self._over.set()
            self._thread.join(2 * BEAT_S)

    @contextlib.contextmanager
    def step(self, number: int) -> Iterator[None]:
        """The part of a step in which nothing but computing happens; see `waiting`."""
        begin_s = time.monotonic()
        self._step = (number, begin_s)
        yield
        self._step = None
        self._longest_s = max(self._longest_s or 0.0, time.monotonic() - begin_s)

    def _told(self, problem: str) -> AugrgbError:
        fault = EnvironmentFault("E-JOB-006", self._run, problem, _REMEDY)
        fault.said_elsewhere = not self._is_first_to_tell()
        return fault

    def _is_first_to_tell(self) -> bool:
        try:
            return self._store is None or self._store.add("told", 1) == 1
        except RuntimeError:  # the store has gone with its process
            return True

    def _beat(self) -> None:
        assert self._store is not None
        count, heard = 0, {rank: ("", 0) for rank in range(self._world) if rank != self._rank}
        failed = 0
        while not self._over.wait(BEAT_S):
            count += 1
            try:
                self._store.set(f"beat/{self._rank}", f"{socket.gethostname()} {os.getpid()} {count}")
                known = [rank for rank in heard if self._store.check([f"beat/{rank}"])]
                texts = {rank: self._store.get(f"beat/{rank}").decode() for rank in known}
                failed = 0
            except RuntimeError:
                texts, failed = {}, failed + 1
                if failed >= SILENT_BEATS:
                    self._end("the store of this training cannot be reached")
                continue
            for rank, text in texts.items():
                heard[rank] = (text, heard[rank][1] + 1 if heard[rank][0] == text else 0)
                if heard[rank][1] >= SILENT_BEATS and not self._over.is_set():
                    _kill(text)
                    self._end(f"process {rank} of {self._world} has not answered for {SILENT_BEATS * BEAT_S:.0f} s")
            step, limit_s = self._step, self._limit_s()
            if step is not None and time.monotonic() - step[1] > limit_s and not self._over.is_set():
                self._end(f"process {self._rank} of {self._world} hangs: step {step[0]} has taken over {limit_s:.0f} s")

    def _limit_s(self) -> float:
        return FIRST_STEP_S if self._longest_s is None else max(STEP_S, TIMES_LONGEST * self._longest_s)

    def _end(self, problem: str) -> None:
        """End this process at once; its main thread may hang."""
        fault = self._told(problem)
        if not fault.said_elsewhere:
            sys.stderr.write(f"{fault}\n")
            sys.stderr.flush()
        os._exit(fault.exit_code)


def is_lost_connection(error: RuntimeError) -> bool:
    """Whether an error of PyTorch says that another process cannot be reached."""
    return isinstance(error, DistError) or "gloo" in str(error).lower() or "NCCL" in str(error)


def _connect() -> Store:
    """A connection of our own to the store, because a store's client serves one thread at a time."""
    host, port = os.environ.get("MASTER_ADDR", ""), os.environ.get("MASTER_PORT", "")
    store = TCPStore(host, int(port), is_master=False, timeout=timedelta(seconds=60), wait_for_workers=False)
    return PrefixStore(f"augrgb/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}/{_trainings}", store)


def _kill(text: str) -> None:
    """End a process of this machine that does not answer, so that its launcher need not wait for it."""
    host, pid, _ = text.split()
    if host == socket.gethostname():
        with contextlib.suppress(OSError):
            os.kill(int(pid), signal.SIGKILL)
