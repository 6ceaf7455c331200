"""Which frames of a clock's grid are looked at, so that the others need not be converted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from augrgb.core.timeline import Clock


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """The frames that lie at some positions of a clock's windows.

    Args:
        clock: How windows follow each other.
        positions: Frames of each window that are looked at, from 0.

    >>> choice = FrameChoice(Clock(15.0, window=8, stride=8, offset=1), (0, 4))
    >>> [number for number in range(20) if number in choice]
    [1, 5, 9, 13, 17]
    """

    clock: Clock
    positions: tuple[int, ...]

    def __contains__(self, number: int) -> bool:
        since = number - self.clock.offset
        return any(since >= place and (since - place) % self.clock.stride == 0 for place in self.positions)


def frame_choice(clock: Clock, positions: Sequence[int]) -> FrameChoice | None:
    """The choice, or None if every frame is looked at.

    >>> frame_choice(Clock(15.0, window=4, stride=2), [0, 1]) is None
    True
    """
    if {place % clock.stride for place in positions} == set(range(clock.stride)):
        return None
    return FrameChoice(clock, tuple(sorted({int(place) for place in positions})))
