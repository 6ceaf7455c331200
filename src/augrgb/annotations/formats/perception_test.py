"""Perception Test: one JSON of all videos, with actions and sounds in microseconds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.json_values import as_number, as_object, as_text
from augrgb.annotations.reading.text_files import head_of
from augrgb.annotations.reading.timed_labels import timed_labels
from augrgb.annotations.reading.videos_json import read_videos
from augrgb.core.errors import InputRefused
from augrgb.core.types import VideoRecord

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
        return read_videos(path, lambda video, video_id: self._video(video, path, video_id), self.classes)

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
        return VideoRecord(
            video_id,
            frames / fps if fps is not None and frames is not None else None,
            events=timed_labels(video, key, "timestamps", path, video_id, per_second=_PER_SECOND),
            fps=fps,
            subset=subset,
        )
