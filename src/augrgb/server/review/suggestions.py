"""Places in a video that a person could look at: events and near misses, with three measures of how doubtful each is.

* `distance`: of its score from the threshold.
* `disagreement`: how differently a second model (see `second_opinion`) scores the same time.
* `unsureness`: how much of it comes or goes when the score at which events end moves by 0.1 either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.core.types import Detection
from augrgb.server.annotations.documents import Document
from augrgb.server.jobs.results import Result
from augrgb.server.videos.index import Video

NEAR_MISS = 0.2
"""How far below its threshold an event may stay to be suggested."""
_LEAST_SCORE = 0.02
_SHIFT, _EPS_S = 0.1, 1e-6


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A place to look at.

    Args:
        video, name: Which video.
        label, start_s, end_s, score: What the model found there, or nearly found.
        threshold: Of the class.
        found: Whether the model shows it as an event.
        reason: Why it is suggested, for people.
        disagreement: Mean difference of the scores of two models, 0 to 1; None if only one has detected.
        unsureness: The share of its time that depends on the score at which events end, 0 to 1.
        blind: Drawn by chance, to be judged by somebody who is not shown what the model thinks.
        job: The job that found it.
    """

    video: str
    name: str
    label: str
    start_s: float
    end_s: float
    score: float
    threshold: float
    found: bool
    reason: str = ""
    disagreement: float | None = None
    unsureness: float = 0.0
    blind: bool = False
    job: int = 0

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
    second = result.second
    for column, label in enumerate(result.classes):
        rule = result.rules[column]
        on = rule.on
        low = max(_LEAST_SCORE, on - NEAR_MISS)
        shown = [one for one in result.events if one.label == label]
        missed = [one for one in result.events_at(label, low) if one.score < on]
        for events, threshold, is_shown in ((shown, on, True), (missed, low, False)):
            if not events:
                continue
            here = rule.with_on(threshold)
            wider = result.events_by(label, replace(here, off=max(min(_LEAST_SCORE / 2, here.low), here.low - _SHIFT)))
            closer = result.events_by(label, replace(here, off=min(here.on, here.low + _SHIFT)))
            for one in events:
                own, other = (_mean_score(result, scores, column, one) for scores in (result.scores, second))
                differs = None if own is None or other is None else abs(own - other)
                unsure = _unsureness(one, wider, closer)
                place = (video.video_id, video.name, label, one.start_s, one.end_s, one.score, on, is_shown)
                found.append(Suggestion(*place, disagreement=differs, unsureness=unsure, job=result.job))
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


def _mean_score(result: Result, scores: NDArray[np.float64] | None, column: int, one: Detection) -> float | None:
    if scores is None or not len(scores):
        return None
    edges = result.clock.cells_s(len(scores))
    first, last = np.searchsorted(edges, [one.start_s + _EPS_S, one.end_s - _EPS_S], side="right") - 1
    begin = int(np.clip(first, 0, len(scores) - 1))
    return float(np.mean(scores[begin : max(int(last), begin) + 1, column]))


def _unsureness(one: Detection, wider: Sequence[Detection], closer: Sequence[Detection]) -> float:
    """The share of the wider event around this one that is in no closer event."""
    around = [other for other in wider if other.start_s < one.end_s and other.end_s > one.start_s]
    start_s = min([one.start_s, *(other.start_s for other in around)])
    end_s = max([one.end_s, *(other.end_s for other in around)])
    kept = sum(max(0.0, min(other.end_s, end_s) - max(other.start_s, start_s)) for other in closer)
    return float(np.clip(1.0 - kept / (end_s - start_s), 0.0, 1.0))
