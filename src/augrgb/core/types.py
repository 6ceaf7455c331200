"""Annotations, detections and datasets. Times are seconds, intervals half-open `[start_s, end_s)`. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from augrgb.core.errors import InputRefused


@dataclass(frozen=True, slots=True)
class Event:
    """One annotated action: class name and `[start_s, end_s)` in seconds from the first frame.

    Examples:
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

    Examples:
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
    """Everything that annotations or a dataset say about one video.

    Args:
        video_id: Unique in its dataset; never used as a file name unencoded.
        duration_s: Length in seconds, if known. Every video of a `dataset.json` has one.
        file: The video file, absolute, or None when only features are available.
        poses: A pose file (`.npz`), absolute, or None.
        signal, grid: Sensor files (`.npz`), absolute, or None: a time series, low-resolution images.
        events: Annotated actions; None = never annotated, () = annotated as empty.
        fps: The constant frame rate that the file states, or by which frame numbers became seconds, if known.
        subject, camera, scene: Who and where, if known: for cross-subject and cross-view splits, and so that held-out
            videos show other people or places.
        ignored: Regions that are neither action nor background ("Ambiguous" in THUMOS14).
        subset: The annotation file's word for the part of the dataset (`training`), if any.

    >>> VideoRecord("kitchen", 12.5).known_duration_s
    12.5
    """

    video_id: str
    duration_s: float | None = None
    file: Path | None = None
    poses: Path | None = None
    events: tuple[Event, ...] | None = None
    fps: float | None = None
    subject: str | None = None
    camera: str | None = None
    ignored: tuple[Event, ...] = ()
    subset: str | None = None
    signal: Path | None = None
    grid: Path | None = None
    scene: str | None = None

    def source(self, modality: str) -> Path | None:
        """The file that a modality is made from, if there is one; RGB and flow are made from the video."""
        own = {"pose": self.poses, "signal": self.signal, "grid": self.grid}
        return own.get(modality, self.file)

    @property
    def known_duration_s(self) -> float:
        """The length in seconds, where there must be one.

        Raises:
            InputRefused: E-ANN-024: it is not known.
        """
        if self.duration_s is None:
            remedy = "Use annotations that state it, or give the videos (--videos)."
            raise InputRefused("E-ANN-024", repr(self.video_id), "its duration is not known", remedy)
        return self.duration_s


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
