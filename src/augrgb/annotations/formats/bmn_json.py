"""JSON of BSN, BMN, G-TAD and MMAction2: an object of videos with `duration_second` and `annotations`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.class_list import read_class_list
from augrgb.annotations.reading.json_reader import iter_json
from augrgb.annotations.reading.json_values import as_label, as_list, as_number, as_object, as_text, member
from augrgb.annotations.reading.text_files import head_of
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.types import Event, VideoRecord

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
        for place, value in iter_json(path):
            if not place or isinstance(place[0], int):
                as_object([] if place else value, path)  # a list, or no container at all, is refused
                continue
            try:
                videos[str(place[0])] = _video(as_object(value, path, place[0]), path, str(place[0]))
            except AugrgbError as fault:
                faults.append(fault)
        raise_together(faults)
        used = {event.label for video in videos.values() for event in video.events or ()}
        listed = read_class_list(self.classes).classes if self.classes is not None else tuple(sorted(used))
        return AnnotationSet(listed, videos, closed=self.classes is not None)


def _video(video: dict[str, Any], path: Path, video_id: str) -> VideoRecord:
    events: list[Event] | None = None
    if video.get("annotations") is not None:
        events = []
        for position, item in enumerate(as_list(video["annotations"], path, video_id, "annotations")):
            place = (path, video_id, f"annotations[{position}]")
            annotation = as_object(item, *place)
            label = as_label(member(annotation, "label", *place), *place, "label")
            segment = as_list(member(annotation, "segment", *place), *place, "segment")
            if len(segment) != 2:
                raise InputRefused("E-ANN-001", " ".join(map(str, place)), f"segment {segment}, expected two times")
            events.append(Event(label, *(as_number(time, *place, "segment") for time in segment)))
    fps = as_number(video["fps"], path, video_id, "fps") if video.get("fps") is not None else None
    subset = as_text(video["subset"], path, video_id, "subset") if video.get("subset") is not None else None
    duration_s = as_number(member(video, "duration_second", path, video_id), path, video_id, "duration_second")
    return VideoRecord(video_id, duration_s, events=None if events is None else tuple(events), fps=fps, subset=subset)
