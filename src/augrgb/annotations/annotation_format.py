"""The base of every annotation format: recognize a file, read it, write it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.text_files import head_of
from augrgb.annotations.videos.player_time import Zero
from augrgb.core.errors import UsageFault

LEAST = 0.01
"""How near a file comes to a format of which it has nothing but the ending."""


@dataclass(frozen=True, slots=True)
class Near:
    """How near a file comes to a format: the share of the format's signs that it has, and what it lacks."""

    share: float
    missing: str


class AnnotationFormat(ABC):
    """One file format. The constructor's keyword-only arguments are the format's options.

    Readers refuse what they cannot parse, with the place in the file, and leave events as they are written;
    `repair.repair` judges them.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    readable: ClassVar[bool] = True
    generic: ClassVar[bool] = False
    """A layout that many files happen to have: any other format that claims the file comes first."""
    folders: ClassVar[bool] = False
    """Its reader takes a folder; otherwise the files of a folder are read one by one and joined."""
    zero: ClassVar[Zero] = "unknown"
    """What its times count from; tools that play videos count from the start of the file, sound included."""
    tool_frames: ClassVar[bool] = False
    """Its frame numbers count frames of the tool, so the video's own frame rate says nothing about them."""
    writes_with: ClassVar[tuple[str, ...]] = ()
    """Options that say how it is written; the others are about reading, but for those of `only_writes_with`."""
    only_writes_with: ClassVar[tuple[str, ...]] = ()
    """Options that say nothing about reading."""
    signs: ClassVar[tuple[str, ...]] = ()
    """What the beginning of every such file holds, for `near`."""
    line: ClassVar[str] = ""
    """A line as such files have them, for `near` where there are no signs."""

    @classmethod
    @abstractmethod
    def sniff(cls, path: Path) -> bool:
        """Whether a file or folder looks like this format. At most one that is not `generic` may claim a file."""

    @classmethod
    def near(cls, path: Path) -> Near | None:
        """How near a file comes to this format, for the message about one that none claims; None = not at all."""
        if path.suffix.lower() not in cls.suffixes:
            return None
        head = head_of(path)
        missing = [sign for sign in cls.signs if sign not in head]
        if len(missing) == len(cls.signs):
            if not head.strip() or not (cls.line or cls.signs):
                return None
            return _near_line(head, cls.line) if cls.line else Near(LEAST, f"no {', '.join(missing)}")
        return Near(1 - len(missing) / len(cls.signs), f"no {', '.join(missing)}" if missing else "")

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


def _near_line(head: str, line: str) -> Near:
    """How near text comes to a format of such lines: a little, more if it has the same separator."""
    first = next((text for text in head.splitlines() if text.strip()), "").strip()
    separators = [next((sign for sign in "\t, " if sign in text), "") for text in (first, line)]
    return Near(0.3 if separators[0] == separators[1] else 0.1, f"no lines such as {line!r}")
