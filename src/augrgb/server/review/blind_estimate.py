"""How often the model is right, from what people said about suggestions that were drawn by chance and judged blind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from augrgb.server.annotations.documents import Document


@dataclass(frozen=True, slots=True)
class Share:
    """Events of a kind that a person said are real.

    Args:
        drawn: How many were judged.
        right: How many of them are events of their class.
        low, high: 95 % interval of the share (Wilson 1927).
    """

    drawn: int
    right: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BlindEstimate:
    """The share of real ones among events that the model shows, and among its near misses."""

    shown: Share
    missed: Share

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def blind_estimate(documents: Mapping[str, Document], jobs: Mapping[str, int]) -> BlindEstimate:
    """Of the models that detect now: what was judged about an earlier one says nothing about them.

    Args:
        documents: Newest document by video.
        jobs: Newest detection by video.
    """
    judged = [
        (event.drawn, event.state in ("accepted", "corrected") and event.machine.label == event.label)
        for video, document in documents.items()
        for event in document.events
        if event.drawn is not None
        and event.machine is not None
        and event.state in ("accepted", "corrected", "rejected")
        and event.drawn.job == jobs.get(video)
    ]
    return BlindEstimate(*(_share(right for drawn, right in judged if drawn.shown is side) for side in (True, False)))


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, Journal of the American Statistical Association 22).

    >>> [round(one, 3) for one in wilson(8, 10)]
    [0.49, 0.943]
    >>> wilson(0, 0)
    (0.0, 1.0)
    """
    if count == 0:
        return 0.0, 1.0
    z, share = 1.959964, right / count
    middle = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def _share(answers: Iterable[bool]) -> Share:
    given = list(answers)
    return Share(len(given), sum(given), *wilson(sum(given), len(given)))
