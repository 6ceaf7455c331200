"""Perception Test: one JSON of all videos, with actions and sounds in microseconds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.class_list import read_class_list
from augrgb.annotations.reading.json_reader import iter_json
from augrgb.annotations.reading.json_values import as_label, as_list, as_number, as_object, as_text, member
from augrgb.annotations.reading.text_files import head_of
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.types import Event, VideoRecord

_START = re.compile(r'^\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{\s*"(?:metadata|action_localisation|sound_localisation)"\s*:')
_PER_SECOND = 1_000_000.0


class PerceptionTest(AnnotationFormat):
    """`{id: {metadata: {split, frame_rate, num_frames}, action_localisation: [{label, timestamps: [start, end]}]}}`.

    Timestamps are microseconds. The duration is `num_frames / frame_rate`, the subset the `split`. A video without the
    key of the chosen task was not annotated for it. Objects, points and questions are left alone.

    Args:
        task: `action` reads `action_localisation`, `sound` reads `sound_localisation`.
        classes: Class list; any other label is then a mistake.
    """

    name = "perception-test"
    suffixes = (".json",)
    signs = ('"metadata"', '"num_frames"', '"action_localisation"')

    def __init__(self, *, task: Literal["action", "sound"] = "action", classes: Path | None = None) -> None:
        self.task, self.classes = task, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        head = head_of(path)
        return _START.match(head) is not None and ('"num_frames"' in head or '_localisation"' in head)

    def read(self, path: Path) -> AnnotationSet:
        faults: list[AugrgbError] = []
        videos: dict[str, VideoRecord] = {}
        for place, value in iter_json(path):
            if not place or isinstance(place[0], int):
                as_object([] if place else value, path)  # a list, or no container at all, is refused
                continue
            try:
                videos[str(place[0])] = self._video(as_object(value, path, place[0]), path, str(place[0]))
            except AugrgbError as fault:
                faults.append(fault)
        raise_together(faults)
        used = {event.label for video in videos.values() for event in video.events or ()}
        listed = read_class_list(self.classes).classes if self.classes is not None else tuple(sorted(used))
        return AnnotationSet(listed, videos, closed=self.classes is not None)

    def _video(self, video: dict[str, Any], path: Path, video_id: str) -> VideoRecord:
        data = as_object(video.get("metadata") or {}, path, video_id, "metadata")
        fps, frames = (
            as_number(data[key], path, video_id, key) if data.get(key) is not None else None
            for key in ("frame_rate", "num_frames")
        )
        if fps is not None and not fps > 0:
            raise InputRefused("E-ANN-001", f"{path} {video_id}", f"frame_rate is {fps:g}")
        subset = as_text(data["split"], path, video_id, "split") if data.get("split") is not None else None
        key = f"{self.task}_localisation"
        events: list[Event] | None = None
        if video.get(key) is not None:
            events = []
            for position, item in enumerate(as_list(video[key], path, video_id, key)):
                place = (path, video_id, f"{key}[{position}]")
                annotation = as_object(item, *place)
                label = as_label(member(annotation, "label", *place), *place, "label")
                times = as_list(member(annotation, "timestamps", *place), *place, "timestamps")
                if len(times) != 2:
                    raise InputRefused("E-ANN-001", " ".join(map(str, place)), f"timestamps {times}, expected two")
                events.append(Event(label, *(as_number(time, *place) / _PER_SECOND for time in times)))
        return VideoRecord(
            video_id,
            frames / fps if fps is not None and frames is not None else None,
            events=None if events is None else tuple(events),
            fps=fps,
            subset=subset,
        )
