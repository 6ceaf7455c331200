"""What every annotation format reads into and writes from: times in seconds, intervals half-open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from augrgb.annotations.findings import Finding
from augrgb.core.types import VideoRecord

Splits = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """Classes, annotated videos by id, official splits (split -> role -> ids), and the findings of the reader.

    A reader leaves events as they are written, in file order; `repair.repair` judges them.

    Args:
        closed: The classes are given by a class list, so any other label is a mistake.
        in_frames: Times were frame numbers in the file: each `fps` must be proven by the video.
    """

    classes: tuple[str, ...]
    videos: Mapping[str, VideoRecord]
    splits: Splits = field(default_factory=lambda: MappingProxyType({}))
    findings: tuple[Finding, ...] = ()
    closed: bool = False
    in_frames: bool = False
