"""JSON of BSN, BMN, G-TAD and MMAction2: an object of videos with `duration_second` and `annotations`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.json_reader import iter_object
from augrgb.annotations.reading.json_values import as_number, as_object, as_text, member
from augrgb.annotations.reading.text_files import head_of
from augrgb.annotations.reading.timed_labels import timed_labels
from augrgb.core.errors import AugrgbError, raise_together
from augrgb.core.types import VideoRecord

_START = re.compile(r'^\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{')


class BmnJson(AnnotationFormat):
    """`{id: {duration_second, duration_frame, feature_frame, annotations: [{segment: [start, end], label}], fps}}`.

    Times are seconds of the video, also where `feature_frame` says that features cover a little less. A video without
    the key `annotations` was never annotated. The key `subset` is used where there is one; MMAction2 has one file per
    subset instead, which can lie in one folder.

    Args:
        classes: Class list; any other label is then a mistake.
    """

    name = "bmn-json"
    suffixes = (".json",)
    signs = ('"duration_second"', '"annotations"', '"segment"')

    def __init__(self, *, classes: Path | None = None) -> None:
        self.classes = classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        head = head_of(path)
        return _START.match(head) is not None and '"duration_second"' in head

    def read(self, path: Path) -> AnnotationSet:
        faults: list[AugrgbError] = []
        videos: dict[str, VideoRecord] = {}
        for video_id, value in iter_object(path):
            try:
                videos[video_id] = _video(as_object(value, path, video_id), path, video_id)
            except AugrgbError as fault:
                faults.append(fault)
        raise_together(faults)
        used = {event.label for video in videos.values() for event in video.events or ()}
        listed = classes_or(self.classes, used)
        return AnnotationSet(listed, videos, closed=self.classes is not None)


def _video(video: dict[str, Any], path: Path, video_id: str) -> VideoRecord:
    events = timed_labels(video, "annotations", "segment", path, video_id)
    fps = as_number(video["fps"], path, video_id, "fps") if video.get("fps") is not None else None
    subset = as_text(video["subset"], path, video_id, "subset") if video.get("subset") is not None else None
    duration_s = as_number(member(video, "duration_second", path, video_id), path, video_id, "duration_second")
    return VideoRecord(video_id, duration_s, events=events, fps=fps, subset=subset)
