"""Frames as they come -> windows of the clock, as `iter_windows` cuts them; frames may be missing."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from augrgb.core.timeline import Clock


class Snippet(NamedTuple):
    """One window that has all of its frames.

    Args:
        number: On the clock.
        window: (window, H, W, 3).
        captured_s: When its last frame arrived, on the monotonic clock of the machine.
    """

    number: int
    window: NDArray[np.uint8]
    captured_s: float = 0.0


class SnippetCutter:
    """Cuts windows; those that miss a frame are left out, so their numbers never come.

    >>> cutter = SnippetCutter(Clock(fps=2, window=2, stride=2))
    >>> [snippet.number for index in (0, 1, 2, 4, 5) for snippet in cutter.push(index, np.zeros((1, 1, 3), np.uint8))]
    [0, 2]
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: deque[tuple[int, NDArray[Any]]] = deque()
        self._next = 0  # the next snippet
        self._captured_s = 0.0

    def push(self, index: int, image: NDArray[np.uint8], captured_s: float = 0.0) -> list[Snippet]:
        """The snippets that end with frame `index`; indices rise."""
        clock, self._captured_s = self._clock, captured_s
        self._held.append((index, image))
        found = []
        while index >= (start := clock.offset + self._next * clock.stride) + clock.window - 1:
            if index > start + clock.window - 1 + clock.stride * 2:  # after a gap: most of it at once
                self._next = (index - clock.window - clock.offset) // clock.stride
            else:
                found += self._window(start)
                self._next += 1
            while len(self._held) > 1 and self._held[0][0] < clock.offset + self._next * clock.stride:
                self._held.popleft()
        return found

    def finish(self) -> list[Snippet]:
        """The snippets at the end of a file, the last frame repeated as `Clock.num_snippets` says."""
        if not self._held:
            return []
        count = self._held[-1][0] + 1
        found = []
        for number in range(self._next, self._clock.num_snippets(count)):
            self._next = number
            found += self._window(self._clock.offset + number * self._clock.stride)
        return found

    def _window(self, start: int) -> list[Snippet]:
        clock, last = self._clock, self._held[-1][0]
        frames = dict(self._held)
        wanted = [min(index, last) for index in range(start, start + clock.window)]
        if any(index not in frames for index in wanted):
            return []
        return [Snippet(self._next, np.stack([frames[index] for index in wanted]), self._captured_s)]
