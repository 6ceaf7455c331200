"""What to look at next: the places where a look is worth most.

First the events and near misses whose score is nearest to their threshold, spread over the videos. Every seventh
suggestion is one of the others, by chance: people who only see doubtful events never learn of confident mistakes.
Places that somebody has judged or reviewed are left out, and so are validation and test videos.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from augrgb.core.seeds import rng_at
from augrgb.server.documents import Document
from augrgb.server.results import Result
from augrgb.server.videos import Video

NEAR_MISS = 0.2
"""How far below its threshold an event may stay to be suggested."""
_LEAST_SCORE = 0.02
_SPREAD = 0.03
_RANDOM_EVERY = 7


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A place to look at.

    Args:
        video, name: Which video.
        label, start_s, end_s, score: What the model found there, or nearly found.
        threshold: Of the class.
        found: Whether the model shows it as an event.
        reason: Why it is suggested, for people.
    """

    video: str
    name: str
    label: str
    start_s: float
    end_s: float
    score: float
    threshold: float
    found: bool
    reason: str

    @property
    def distance(self) -> float:
        """From the threshold."""
        return abs(self.score - self.threshold)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def suggestions_of(video: Video, result: Result) -> tuple[Suggestion, ...]:
    """Everything in one video that could be suggested, whatever people have said about it."""
    found: list[Suggestion] = []
    for column, label in enumerate(result.classes):
        on = result.rules[column].on
        own = [one for one in result.events if one.label == label]
        below = [one for one in result.events_at(label, max(_LEAST_SCORE, on - NEAR_MISS)) if one.score < on]
        for one, shown in [*((one, True) for one in own), *((one, False) for one in below)]:
            side = "above" if shown else "below"
            reason = f"score {one.score:.2f}, {abs(one.score - on):.2f} {side} the threshold"
            found.append(
                Suggestion(video.video_id, video.name, label, one.start_s, one.end_s, one.score, on, shown, reason)
            )
    return tuple(found)


def without_judged(suggestions: Iterable[Suggestion], document: Document | None) -> list[Suggestion]:
    """Those that nobody has judged, outside reviewed stretches."""
    if document is None:
        return list(suggestions)
    judged: list[tuple[str, float, float]] = []
    for event in document.events:
        if event.state != "unreviewed":
            judged.append((event.label, event.start_s, event.end_s))
            if event.machine is not None:
                judged.append((event.machine.label, event.machine.start_s, event.machine.end_s))

    def is_open(one: Suggestion) -> bool:
        middle = (one.start_s + one.end_s) / 2
        if any(start <= middle < stop for start, stop in document.reviewed):
            return False
        return not any(
            label == one.label
            and min(stop, one.end_s) - max(start, one.start_s) > 0.5 * min(stop - start, one.end_s - one.start_s)
            for label, start, stop in judged
        )

    return [one for one in suggestions if is_open(one)]


def in_order(suggestions: Sequence[Suggestion]) -> list[Suggestion]:
    """Near the threshold first, spread over videos, with some by chance.

    The order does not depend on that of the arguments.
    """
    by_video: dict[str, int] = {}
    keyed: list[tuple[float, str, float, Suggestion]] = []
    for one in sorted(suggestions, key=lambda one: (one.distance, one.video, one.start_s, one.label)):
        rank = by_video[one.video] = by_video.get(one.video, -1) + 1
        keyed.append((one.distance + _SPREAD * rank, one.video, one.start_s, one))
    nearest = [one for *_, one in sorted(keyed, key=lambda entry: entry[:3])]
    ordered: list[Suggestion] = []
    rng = rng_at(len(nearest), "review")
    while nearest:
        if len(ordered) % _RANDOM_EVERY == _RANDOM_EVERY - 1:
            one = nearest.pop(int(rng.integers(len(nearest))))
            ordered.append(replace(one, reason=f"by chance ({one.reason})"))
        else:
            ordered.append(nearest.pop(0))
    return ordered
