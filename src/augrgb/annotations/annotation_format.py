"""The base of every annotation format: recognize a file, read it, write it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.core.errors import UsageFault


class AnnotationFormat(ABC):
    """One file format. The constructor's keyword-only arguments are the format's options.

    Readers refuse what they cannot parse, with the place in the file, and leave events as they are written;
    `repair.repair` judges them.
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
