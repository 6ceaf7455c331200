"""JSON of BSN, BMN, G-TAD and MMAction2: an object of videos with `duration_second` and `annotations`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.json_values import as_number, as_text, member
from augrgb.annotations.reading.text_files import head_of
from augrgb.annotations.reading.timed_labels import timed_labels, without_ignored
from augrgb.annotations.reading.videos_json import read_videos
from augrgb.core.types import VideoRecord

_START = re.compile(r'^\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{')


class BmnJson(AnnotationFormat):
    """`{id: {duration_second, duration_frame, feature_frame, annotations: [{segment: [start, end], label}], fps}}`.

    Times are seconds of the video, also where `feature_frame` says that features cover a little less. A video without
    the key `annotations` was never annotated. The key `subset` is used where there is one; MMAction2 has one file per
    subset instead, which can lie in one folder.

    Args:
        classes: Class list; any other label is then a mistake.
        ignore: Labels of regions to be ignored.
    """

    name = "bmn-json"
    suffixes = (".json",)
    signs = ('"duration_second"', '"annotations"', '"segment"')

    def __init__(self, *, classes: Path | None = None, ignore: tuple[str, ...] = ("Ambiguous",)) -> None:
        self.classes, self.ignore = classes, ignore

    @classmethod
    def sniff(cls, path: Path) -> bool:
        head = head_of(path)
        return _START.match(head) is not None and '"duration_second"' in head

    def read(self, path: Path) -> AnnotationSet:
        return read_videos(path, lambda video, video_id: self._video(video, path, video_id), self.classes)

    def _video(self, video: dict[str, Any], path: Path, video_id: str) -> VideoRecord:
        listed = timed_labels(video, "annotations", "segment", path, video_id)
        events, ignored = without_ignored(listed, self.ignore)
        fps = as_number(video["fps"], path, video_id, "fps") if video.get("fps") is not None else None
        subset = as_text(video["subset"], path, video_id, "subset") if video.get("subset") is not None else None
        duration_s = as_number(member(video, "duration_second", path, video_id), path, video_id, "duration_second")
        return VideoRecord(video_id, duration_s, events=events, ignored=ignored, fps=fps, subset=subset)
