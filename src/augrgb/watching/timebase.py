"""Seconds of a session <-> time of day."""

from __future__ import annotations

import time


class Timebase:
    """Times of a source that runs on the monotonic clock: a change of the system's clock moves what comes after it.

    Args:
        begin: Time of day at second 0, seconds since 1970; None = now.
        live: Second 0 is now and the session's seconds pass like the machine's. Otherwise (a file) `begin` holds.
    """

    def __init__(self, begin: float | None = None, *, live: bool = False) -> None:
        self._begin = time.time() if begin is None else begin
        self.started_s = time.monotonic()
        self._live = live

    def of(self, session_s: float) -> float:
        """Time of day of a second of the session, seconds since 1970."""
        if not self._live:
            return self._begin + session_s
        return time.time() - (time.monotonic() - self.started_s - session_s)
