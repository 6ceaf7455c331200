"""Annotations, detections and datasets. Times are seconds, intervals half-open `[start_s, end_s)`. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Event:
    """One annotated action: class name and `[start_s, end_s)` in seconds from the first frame.

    >>> event = Event("drink", 1.5, 4.0)
    >>> event.end_s - event.start_s
    2.5
    """

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Detection:
    """One predicted action with a score in [0, 1].

    >>> Detection("kitchen", "drink", start_s=1.5, end_s=4.0, score=0.8).label
    'drink'
    """

    video_id: str
    label: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """What a dataset knows about one video.

    Args:
        video_id: Unique in its dataset; never used as a file name unencoded.
        duration_s: Length in seconds.
        file: The video file, absolute, or None when only features are at hand.
        poses: A pose file (`.npz`), absolute, or None.
        events: Annotated actions; None = never annotated, () = annotated as empty.
        fps: Frame rate of the file, if known.
        subject, camera: For cross-subject and cross-view splits, if known.
    """

    video_id: str
    duration_s: float
    file: Path | None = None
    poses: Path | None = None
    events: tuple[Event, ...] | None = None
    fps: float | None = None
    subject: str | None = None
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Classes, videos and named splits.

    Args:
        splits: split name -> role -> video ids. Roles: `train`, `unlabelled` (videos whose labels must not be
            used, with teacher modalities), `val`, `test`, and for training snippet encoders `encoder`,
            `encoder_unlabelled`.
    """

    name: str
    classes: tuple[str, ...]
    videos: Mapping[str, VideoRecord]
    splits: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=lambda: MappingProxyType({}))
