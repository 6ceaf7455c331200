"""What protocols take and return: checked inputs with their coverage, and `MetricResult`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.labels import ignored_snippets
from augrgb.core.errors import InputRefused, did_you_mean
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Detection, Event
from augrgb.metrics.segments import Segments, check_detection, segments_of_detections, segments_of_events

Missing = Literal["refuse", "zero", "leave-out"]


@dataclass(frozen=True, slots=True)
class VideoScores:
    """Scores of one video: `values` (T, K) in [0, 1], snippet t as on `clock`."""

    values: NDArray[np.floating]
    clock: Clock


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One number with everything needed to read it.

    Args:
        protocol: Full name.
        value: The headline, a fraction (NaN where the protocol leaves it undefined).
        per_class: Class name -> AP; classes for which the protocol defines none are left out.
        videos_scored, videos_total: Coverage.
        details: Further numbers and counts, plain values.
    """

    protocol: str
    value: float
    per_class: dict[str, float]
    videos_scored: int
    videos_total: int
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def coverage(self) -> str:
        """For example `185 of 185 videos scored`."""
        return f"{self.videos_scored} of {self.videos_total} videos scored"

    def __str__(self) -> str:
        return f"{self.protocol}: {100 * self.value:.2f} % ({self.coverage})"


@dataclass(frozen=True, slots=True)
class EvaluationInputs:
    """Checked inputs of a protocol; only the videos that count.

    Args:
        classes: Name -> column.
        videos: Name -> index, in evaluation order.
        durations: Seconds per video; protocols on scores have them all.
        events: Truth per video.
        scores: Scores per video (empty for protocols on detections).
        labels: Label arrays per video, (T, K) bool; empty where labels follow from the events.
        detections: Detections of these videos.
        scored, total: Videos with predictions, and videos asked for.
        ignored: Videos with predictions that are in the dataset but were not asked for.
        regions: Video -> its ignored regions; protocols that reproduce a publication do not look at them.
    """

    classes: dict[str, int]
    videos: dict[str, int]
    durations: dict[str, float]
    events: dict[str, tuple[Event, ...]]
    scores: dict[str, VideoScores]
    labels: dict[str, NDArray[np.bool_]]
    detections: tuple[Detection, ...]
    scored: int
    total: int
    ignored: int
    regions: dict[str, tuple[Event, ...]] = field(default_factory=dict)

    def outside_regions(self, video: str) -> NDArray[np.bool_]:
        """Snippets (T,) of a video's scores that no ignored region covers."""
        scored = self.scores[video]
        return ~ignored_snippets(self.regions.get(video, ()), scored.clock, len(scored.values))

    def without_regions(self) -> tuple[EvaluationInputs, int]:
        """The inputs without the detections that lie in ignored regions for more than half, and their number."""
        kept = tuple(d for d in self.detections if not mostly_ignored(d, self.regions.get(d.video_id, ())))
        return replace(self, detections=kept), len(self.detections) - len(kept)

    def truth_segments(self) -> Segments:
        """Events as columns."""
        return segments_of_events(self.events, self.videos, self.classes)

    def detection_segments(self) -> Segments:
        """Detections as columns."""
        return segments_of_detections(self.detections, self.videos, self.classes)


def check_inputs(
    dataset: Dataset,
    video_ids: Sequence[str],
    *,
    scores: Mapping[str, VideoScores] | None = None,
    labels: Mapping[str, NDArray[np.bool_]] | None = None,
    detections: Sequence[Detection] | None = None,
    scored: Collection[str] | None = None,
    missing: Missing = "refuse",
) -> EvaluationInputs:
    """Bring truth and predictions together, refusing whatever would silently change a number.

    Rules: a prediction for a video unknown to the dataset is an error, one for a known video that was not asked for is
    left aside and counted. Duplicate detections stay (they count as false alarms). The order of detections matters
    only between equal scores.

    Args:
        video_ids: The videos to evaluate, each once.
        labels: With `scores`: label arrays in place of the events.
        scored: With `detections`: the videos that were looked at; None = those with at least one detection.
        missing: What to do about videos without predictions: refuse, count them as scores of zero or no detections
            (the official way), or leave them out of truth and prediction.

    Raises:
        InputRefused: No or repeated videos, unknown ones, videos never annotated, missing predictions, bad scores.
    """
    classes = {name: k for k, name in enumerate(dataset.classes)}
    if not video_ids or len(set(video_ids)) < len(video_ids):
        raise InputRefused("E-MET-008", dataset.name, f"{len(video_ids)} videos to evaluate, none or some twice")
    for video in video_ids:
        if video not in dataset.videos:
            raise InputRefused("E-ID-004", repr(video), "no such video", did_you_mean(video, dataset.videos))
        if dataset.videos[video].events is None:
            raise InputRefused("E-MET-009", repr(video), "was never annotated", "Annotate it, or leave it out.")
    given = dict(scores or {})
    found = tuple(detections or ())
    known = dict.fromkeys(dataset.videos, 0)
    for detection in found:
        check_detection(detection, known, classes)
    predicted = set(given) if scores is not None else set(scored or ()) | {d.video_id for d in found}
    for video in sorted(predicted - set(dataset.videos)):
        raise InputRefused(
            "E-MET-003", repr(video), "predictions for a video that the dataset does not have", "Check file names."
        )
    lacking = [video for video in video_ids if video not in predicted]
    if lacking and missing == "refuse":
        raise InputRefused(
            "E-MET-010",
            dataset.name,
            f"{len(lacking)} of {len(video_ids)} videos have no predictions: {', '.join(lacking[:5])}"
            + (", ..." if len(lacking) > 5 else ""),
            "Predict them, or allow it: missing='zero' counts them as nothing found, 'leave-out' leaves them out.",
        )
    counted = [video for video in video_ids if missing == "zero" or video in predicted]
    if not counted:
        raise InputRefused("E-MET-010", dataset.name, "no video has predictions")
    if scores is not None:
        given = _checked_scores(given, counted, dataset, labels or {})
    videos = {video: v for v, video in enumerate(counted)}
    return EvaluationInputs(
        classes=classes,
        videos=videos,
        durations={video: d for video in counted if (d := dataset.videos[video].duration_s) is not None},
        events={video: tuple(dataset.videos[video].events or ()) for video in counted},
        scores=given,
        labels={video: labels[video] for video in counted} if labels else {},
        detections=tuple(d for d in found if d.video_id in videos),
        scored=len(video_ids) - len(lacking),
        total=len(video_ids),
        ignored=len(predicted - set(video_ids)),
        regions={video: dataset.videos[video].ignored for video in counted if dataset.videos[video].ignored},
    )


def mostly_ignored(detection: Detection, regions: Sequence[Event]) -> bool:
    """Whether more than half of a detection lies in ignored regions (which may overlap).

    >>> mostly_ignored(Detection("a", "drink", 1.0, 3.0, 0.9), [Event("?", 0.0, 1.8), Event("?", 1.5, 2.5)])
    True
    """
    inside, reached = 0.0, detection.start_s
    for region in sorted(regions, key=lambda region: region.start_s):
        start, end = max(region.start_s, reached), min(region.end_s, detection.end_s)
        inside += max(end - start, 0.0)
        reached = max(reached, end)
    return inside > 0.5 * (detection.end_s - detection.start_s)


def _checked_scores(
    given: dict[str, VideoScores], counted: list[str], dataset: Dataset, labels: Mapping[str, NDArray[np.bool_]]
) -> dict[str, VideoScores]:
    """The scores of the counted videos; zeros on the common clock for those without."""
    width = len(dataset.classes)
    for video, scores in given.items():
        values = scores.values
        if values.ndim != 2 or values.shape[1] != width or not len(values):
            problem = f"scores have shape {values.shape}, expected (T, {width}) with T > 0"
            raise InputRefused("E-MET-001", video, problem)
        if not (values.min() >= 0 and values.max() <= 1):
            raise InputRefused("E-MET-002", video, "scores are NaN or outside [0, 1]", "Apply a sigmoid to logits.")
    if not given:
        raise InputRefused("E-MET-010", dataset.name, "no video has scores")
    clock = next(iter(given.values())).clock
    result = {}
    for video in counted:
        count = max(1, clock.num_snippets(round(dataset.videos[video].known_duration_s * clock.fps)))
        zeros = np.zeros((len(labels[video]) if labels else count, width), np.float32)
        result[video] = given.get(video) or VideoScores(zeros, clock)
    return result
