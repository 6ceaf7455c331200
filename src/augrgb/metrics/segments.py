"""Annotated events and detections as columns, so that metrics can work on all videos and classes at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from augrgb.core.errors import InputRefused, did_you_mean
from augrgb.core.types import Detection, Event


@dataclass(frozen=True, slots=True)
class Segments:
    """N segments in list order.

    Args:
        video, label: (N,) int64 indices of video and class.
        start, end: (N,) float64; any unit, the same in truth and detections.
        score: (N,) float64 confidence; ones for truth.
    """

    video: NDArray[np.int64]
    label: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    score: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @staticmethod
    def of(rows: Sequence[tuple[int, int, float, float, float]]) -> Segments:
        """From rows (video, label, start, end, score)."""
        table = np.array(rows, np.float64).reshape(-1, 5)
        video, label, start, end, score = (np.ascontiguousarray(column) for column in table.T)
        return Segments(video.astype(np.int64), label.astype(np.int64), start, end, score)

    def __len__(self) -> int:
        return len(self.video)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Segments:
        """The rows chosen by an index or a boolean mask."""
        return Segments(self.video[index], self.label[index], self.start[index], self.end[index], self.score[index])


def segments_of_events(
    events: Mapping[str, Sequence[Event]], videos: Mapping[str, int], classes: Mapping[str, int]
) -> Segments:
    """Columns of the events of `videos` (name -> index), video by video in the order of the indices.

    Raises:
        InputRefused: An event of an unknown class.
    """
    rows = []
    for name, v in sorted(videos.items(), key=lambda item: item[1]):
        for event in events[name]:
            if event.label not in classes:
                raise InputRefused(
                    "E-MET-004", name, f"unknown class {event.label!r}", did_you_mean(event.label, classes)
                )
            rows.append((v, classes[event.label], event.start_s, event.end_s, 1.0))
    return Segments.of(rows)


def segments_of_detections(
    detections: Iterable[Detection], videos: Mapping[str, int], classes: Mapping[str, int]
) -> Segments:
    """Columns of detections, ordered by video index and within a video as given.

    Raises:
        InputRefused: A detection of an unknown video or class, with a time or score that is not finite, or that
            does not end after it starts.
    """
    rows = []
    for detection in detections:
        check_detection(detection, videos, classes)
        row = videos[detection.video_id], classes[detection.label]
        rows.append((*row, detection.start_s, detection.end_s, detection.score))
    table = Segments.of(rows)
    return table.take(np.argsort(table.video, kind="stable"))


def check_detection(detection: Detection, videos: Mapping[str, int], classes: Mapping[str, int]) -> None:
    """Refuse a detection that cannot be scored; see `segments_of_detections`."""
    if detection.video_id not in videos:
        raise InputRefused(
            "E-MET-003",
            repr(detection.video_id),
            "a detection for a video that is not evaluated",
            did_you_mean(detection.video_id, videos) if len(videos) < 1000 else "Check split and file names.",
        )
    if detection.label not in classes:
        raise InputRefused(
            "E-MET-004",
            detection.video_id,
            f"unknown class {detection.label!r}",
            did_you_mean(detection.label, classes),
        )
    if not all(map(math.isfinite, (detection.start_s, detection.end_s, detection.score))):
        raise InputRefused("E-MET-005", detection.video_id, f"time or score is not finite: {detection}")
    if detection.end_s < detection.start_s:
        raise InputRefused("E-MET-006", detection.video_id, f"ends before it starts: {detection}")
