"""The result of detecting in one video, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.core.timeline import Clock
from augrgb.core.types import Detection
from augrgb.detection.writers import write_activitynet, write_csv
from augrgb.video.video_info import VideoInfo


@dataclass(frozen=True, eq=False)
class VideoDetections:
    """What was found in one video.

    Args:
        name: The video's id in `detections` and in files.
        duration_s: How long it lasts, seconds.
        classes: The model's K classes.
        clock: Time base of the scores.
        detections: By start; at most one per class at any time.
        scores: (T, K) in [0, 1], calibrated and smoothed over time: the event rules saw these.
        raw_scores: (T, K) in [0, 1], as the model gave them.
        min_scores: (K,) The score that an event of each class must reach.
        info: What the file says about itself; None for frames without a file.
        warnings: Everything that was repaired or left out while decoding.
    """

    name: str
    duration_s: float
    classes: tuple[str, ...]
    clock: Clock
    detections: tuple[Detection, ...]
    scores: NDArray[np.float64]
    raw_scores: NDArray[np.float64]
    min_scores: tuple[float, ...]
    info: VideoInfo | None = None
    warnings: tuple[str, ...] = ()

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(T,) The middle of each snippet, seconds."""
        return self.clock.centers_s(len(self.scores))

    @property
    def first_frame_s(self) -> float:
        """When a player shows the first frame, from which all times here count; seconds."""
        return 0.0 if self.info is None else self.info.first_frame_s

    def to_json(self, path: Path | str) -> None:
        """Write the detections as ActivityNet JSON."""
        write_activitynet(Path(path), self.detections, [self.name], first_frames_s={self.name: self.first_frame_s})

    def to_csv(self, path: Path | str) -> None:
        """Write the detections as CSV, one row each, times in seconds."""
        write_csv(Path(path), self.detections)
