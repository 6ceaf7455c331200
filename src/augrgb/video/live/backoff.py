"""How long to wait before the next attempt."""

from __future__ import annotations

import random


class Backoff:
    """Waits that double, with jitter, so that many clients of one camera do not come back together.

    Args:
        first_s: First wait.
        most_s: Longest wait.
        good_s: A connection that lasted so long starts again with the first wait.

    >>> backoff = Backoff(1.0, 8.0, jitter=0.0)
    >>> [backoff.next_s() for _ in range(5)]
    [1.0, 2.0, 4.0, 8.0, 8.0]
    """

    def __init__(
        self, first_s: float = 1.0, most_s: float = 60.0, *, good_s: float = 60.0, jitter: float = 0.2
    ) -> None:
        self._first_s, self._most_s, self._good_s, self._jitter = first_s, most_s, good_s, jitter
        self.attempts = 0

    def next_s(self, *, least_s: float = 0.0) -> float:
        """The next wait, at least so long."""
        wait_s = min(self._most_s, self._first_s * 2.0 ** min(self.attempts, 60))
        self.attempts += 1
        return max(least_s, wait_s) * (1.0 + self._jitter * random.uniform(-1.0, 1.0))

    def lasted(self, seconds: float) -> None:
        """A connection delivered for so long."""
        if seconds >= self._good_s:
            self.attempts = 0
