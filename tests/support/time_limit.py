"""A limit of time for a part of a test, in which whatever hangs is named."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def within(seconds: int, what: str) -> Iterator[None]:
    """Raise an AssertionError that names what takes longer; only in the main thread."""

    def late(*_: object) -> None:
        raise AssertionError(f"no end within {seconds} s: {what}")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
