"""Stopping cleanly: a signal is noted, and handled after the step."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from augrgb.core.errors import AugrgbError


class Interrupted(AugrgbError):
    """Training was stopped after a clean save (Ctrl-C, or the caller)."""

    exit_code = 130


class Terminated(Interrupted):
    """Training was stopped after a clean save, by the system (SIGTERM, SIGUSR1)."""

    exit_code = 143


class SignalFlag:
    """Which signal was received, if any."""

    def __init__(self) -> None:
        self.number: int | None = None


@contextlib.contextmanager
def noted_signals() -> Iterator[SignalFlag]:
    """Note SIGINT, SIGTERM and SIGUSR1 instead of dying; a second signal has its ordinary effect.

    Outside the main thread signals cannot be handled, and nothing is changed.
    """
    flag = SignalFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    names = [name for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)]
    numbers = [getattr(signal, name) for name in names]
    before = {number: signal.getsignal(number) for number in numbers}

    def note(number: int, frame: FrameType | None) -> None:
        flag.number = number
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in numbers:
        signal.signal(number, note)
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
