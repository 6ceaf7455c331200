"""Presentation times that only go forward, rebuilt from what a file gives."""

from __future__ import annotations

from dataclasses import dataclass, field

_JUMP_INTERVALS = 8


@dataclass(slots=True)
class FrameClock:
    """Turns the time stamps of decoded frames into seconds from the first frame, never going backwards.

    A frame without a stamp follows its predecessor by one interval. A stamp slightly before its predecessor's is
    raised to it (the later frame is the one on screen). A jump back by more than eight intervals is a new
    appended recording: its times continue from the end of the last.

    Args:
        time_base_s: Seconds per tick of the stamps.
        interval_s: Usual time between frames, for frames without a stamp.
    """

    time_base_s: float
    interval_s: float
    frames: int = 0
    missing: int = 0
    repaired: int = 0
    shortest_s: float = field(default=float("inf"))
    longest_s: float = 0.0
    _first_s: float | None = None
    _shift_s: float = 0.0
    _last_s: float = 0.0

    def time_of(self, stamp: int | None) -> float:
        """Seconds from the first frame of the next frame in presentation order."""
        self.frames += 1
        if stamp is None:
            self.missing += 1
            return self._move_to(self._last_s + self.interval_s if self.frames > 1 else 0.0)
        raw_s = stamp * self.time_base_s
        if self._first_s is None:  # frames without a stamp may have come before
            self._first_s = raw_s - (self._last_s + self.interval_s if self.frames > 1 else 0.0)
        time_s = raw_s - self._first_s + self._shift_s
        if time_s < self._last_s - _JUMP_INTERVALS * self.interval_s:
            self._shift_s += self._last_s + self.interval_s - time_s
            time_s = self._last_s + self.interval_s
            self.repaired += 1
        elif self.frames > 1 and time_s <= self._last_s:
            time_s = self._last_s
            self.repaired += 1
        return self._move_to(time_s)

    @property
    def variable_rate(self) -> bool:
        """Whether the time between frames differs by more than rounding."""
        slack_s = max(2.5 * self.time_base_s, 0.05 * self.interval_s)
        return self.frames > 2 and self.longest_s - self.shortest_s > slack_s

    def _move_to(self, time_s: float) -> float:
        if self.frames > 1:
            step_s = time_s - self._last_s
            self.shortest_s, self.longest_s = min(self.shortest_s, step_s), max(self.longest_s, step_s)
        self._last_s = time_s
        return time_s
