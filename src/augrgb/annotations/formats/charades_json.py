"""Charades as super-events, PDAN and MS-TCT share it: one JSON file, classes 0 to 156, seconds."""

from __future__ import annotations

from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.actions_json import THUMOS_IDS, class_list_of, first_id, read_actions, write_actions
from augrgb.annotations.reading.tsu_ids import is_tsu_id


class CharadesJson(AnnotationFormat):
    """Charades JSON: `{id: {subset, duration, actions: [[class, start, end], ...]}}`, seconds, classes from 0.

    `piergiaj/super-events-cvpr18` and the codes that follow it. Written without loss but for the names of classes,
    which go into `<name>_classes.txt` beside it and are found there again.

    Args:
        classes: Class list (`Charades_v1_classes.txt`); without one, classes are called `c000`, `c001`, ...
        first: The number of the first class.
        shift: A key of each video whose seconds are added to its times, such as `start_time` of AVA's clips.
    """

    name = "charades-json"
    suffixes = (".json",)
    writes_with = ("first",)
    signs = ('"subset"', '"duration"', '"actions"')

    def __init__(self, *, classes: Path | None = None, first: int = 0, shift: str | None = None) -> None:
        self.classes, self.first, self.shift = classes, first, shift

    @classmethod
    def sniff(cls, path: Path) -> bool:
        video_id = first_id(path)
        return video_id is not None and not is_tsu_id(video_id) and not video_id.startswith(THUMOS_IDS)

    def read(self, path: Path) -> AnnotationSet:
        return read_actions(path, first=self.first, classes=class_list_of(path, self.classes), shift=self.shift)

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        return write_actions(annotations, path, first=self.first)
