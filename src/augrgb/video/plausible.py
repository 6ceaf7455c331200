"""How long a video can be, judged by what is there and not by what its header claims.

A file of 1.4 kB with two frames can claim to last 100 hours: repeating its frame that often would take days.
"""

from __future__ import annotations

MOST_HOLE_S = 3600.0
"""Longest time between two frames: a slide that stands for an hour is odd, a longer one is a mistake."""
_SECONDS_PER_FRAME = 60.0
_BYTES_PER_SECOND = 4.0
_BYTES_PER_FRAME = 8


def longest_s(size: int, frames: int) -> float:
    """Longest plausible duration in seconds.

    Args:
        size: Of the file, in bytes.
        frames: That it has, as far as is known.

    >>> longest_s(1400, 2), longest_s(10**9, 100_000)
    (3720.0, 6003600.0)
    """
    return MOST_HOLE_S + min(_SECONDS_PER_FRAME * frames, size / _BYTES_PER_SECOND)


def most_frames(size: int) -> int:
    """More frames than a file of that many bytes can hold."""
    return size // _BYTES_PER_FRAME
