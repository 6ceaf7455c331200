"""MultiTHUMOS as super-events and PDAN share it: one JSON file, classes 1 to 65, seconds."""

from __future__ import annotations

from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.actions_json import THUMOS_IDS, class_list_of, first_id, read_actions, write_actions


class MultiThumosJson(AnnotationFormat):
    """MultiTHUMOS JSON: the layout of `charades-json` with classes counted from 1, seconds.

    Args:
        first: The number of the first class.
        classes: Class list (`class_list.txt`); without one, classes are called `c001`, `c002`, ...
    """

    name = "multithumos-json"
    suffixes = (".json",)
    writes_with = ("first",)

    def __init__(self, *, first: int = 1, classes: Path | None = None) -> None:
        self.first, self.classes = first, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return (first_id(path) or "").startswith(THUMOS_IDS)

    def read(self, path: Path) -> AnnotationSet:
        return read_actions(path, first=self.first, classes=class_list_of(path, self.classes))

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        return write_actions(annotations, path, first=self.first)
