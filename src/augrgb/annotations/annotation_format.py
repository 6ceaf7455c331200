"""What every annotation format reads into: one in-memory model, times in seconds, intervals half-open."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.types import Event

Action = Literal["refused", "dropped", "clipped", "kept", "noted"]
Splits = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a dataset, and what is done about it by default.

    Args:
        code: Stable identifier such as `E-ANN-013`.
        kind: What it is, the same words for all of its kind.
        action: `refused` stops an import; `dropped` and `clipped` are repairs; `kept` and `noted` change nothing.
        where: The video or file concerned.
        detail: What was found there.
    """

    code: str
    kind: str
    action: Action
    where: str
    detail: str

    def as_fault(self) -> InputRefused:
        """The finding as an error."""
        return InputRefused(self.code, self.where, f"{self.kind}: {self.detail}" if self.detail else self.kind)


@dataclass(frozen=True, slots=True)
class AnnotatedVideo:
    """What an annotation file says about one video.

    Args:
        events: As written, in file order, unrepaired; None = never annotated, () = annotated as empty.
        ignored: Regions that are neither action nor background ("ambiguous" in THUMOS).
        duration_s: Length in seconds, if the file says it.
        subset: The file's word for the part of the dataset (`training`), if any.
        fps: The constant frame rate by which frame numbers were turned into seconds, or that the file states.
        subject, camera: If known from the file or the id.
    """

    events: tuple[Event, ...] | None
    ignored: tuple[Event, ...] = ()
    duration_s: float | None = None
    subset: str | None = None
    fps: float | None = None
    subject: str | None = None
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """Classes, annotated videos by id, official splits (split -> role -> ids), and what the reader has to tell.

    Args:
        closed: The classes are given by a class list, so any other label is a mistake.
        in_frames: Times were frame numbers in the file: each `fps` must be proven by the video.
    """

    classes: tuple[str, ...]
    videos: Mapping[str, AnnotatedVideo]
    splits: Splits = field(default_factory=lambda: MappingProxyType({}))
    findings: tuple[Finding, ...] = ()
    closed: bool = False
    in_frames: bool = False


class AnnotationFormat(ABC):
    """One file format. The constructor's keyword-only arguments are the format's options.

    Readers refuse what they cannot parse, with the place in the file, and leave events as they are written;
    `faults.repair` judges them.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    readable: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def sniff(cls, path: Path) -> bool:
        """Whether a file or folder looks like this format. Exactly one format may claim a file."""

    @abstractmethod
    def read(self, path: Path) -> AnnotationSet:
        """Read a file or folder.

        Raises:
            InputRefused, FaultList: The file is malformed; each fault with its line or place.
        """

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        """Write a file (or a folder with one file per video); returns what was written.

        Raises:
            UsageFault: E-ANN-008: this format cannot be written, or lacks something it needs.
        """
        raise UsageFault("E-ANN-008", path, f"{self.name} can be read, not written", "augrgb data convert --help")
