"""Toyota Smarthome Untrimmed as its code shares it: one JSON file whose duration and times are frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.actions_json import class_list_of, first_id, read_actions
from augrgb.annotations.reading.frame_rates import Rates, need_rates, rate_of
from augrgb.annotations.reading.tsu_ids import is_tsu_id, official_splits, with_subject_and_camera
from augrgb.core.timeline import FrameCounting


class TsuJson(AnnotationFormat):
    """TSU JSON (`smarthome_CS_51.json`): the layout of `charades-json`, classes from 0, duration and times in FRAMES.

    Frames are counted from 0 and the end is exclusive (the published code compares them with snippet times as they
    are). Both official splits are given, whichever of the two files is read.

    Args:
        fps: The constant frame rate of the videos: one number, or per video. Required.
        first: The number of the first class.
        classes: Class list (`Action_list`); without one, classes are called `c000`, `c001`, ...
    """

    name = "tsu-json"
    suffixes = (".json",)
    zero = "first-frame"

    def __init__(self, *, fps: Rates = None, first: int = 0, classes: Path | None = None) -> None:
        self.fps, self.first, self.classes = fps, first, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return is_tsu_id(first_id(path) or "")

    def read(self, path: Path) -> AnnotationSet:
        need_rates(self.fps, path)
        found = read_actions(
            path,
            first=self.first,
            classes=class_list_of(path, self.classes),
            counting=lambda video_id: FrameCounting(rate_of(self.fps, video_id, path)),
        )
        videos = {video_id: with_subject_and_camera(video) for video_id, video in found.videos.items()}
        return replace(found, videos=videos, splits=official_splits(videos))
