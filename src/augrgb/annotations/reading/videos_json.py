"""JSON that is one object of videos by id, as BMN and the Perception Test have it: read video by video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.json_reader import iter_object
from augrgb.annotations.reading.json_values import as_object
from augrgb.core.errors import AugrgbError, raise_together
from augrgb.core.types import VideoRecord


def read_videos(
    path: Path, video_of: Callable[[dict[str, Any], str], VideoRecord], classes: Path | None
) -> AnnotationSet:
    """All videos of a file; classes are those of a list, else the labels that are used.

    Args:
        path: The file.
        video_of: Object and id of a video -> the video.
        classes: Class list; any other label is then a mistake.

    Raises:
        AugrgbError: The faults of all videos together.
    """
    faults: list[AugrgbError] = []
    videos: dict[str, VideoRecord] = {}
    for video_id, value in iter_object(path):
        try:
            videos[video_id] = video_of(as_object(value, path, video_id), video_id)
        except AugrgbError as fault:
            faults.append(fault)
    raise_together(faults)
    used = {event.label for video in videos.values() for event in video.events or ()}
    regions = sorted({region.label for video in videos.values() for region in video.ignored})
    count = sum(len(video.ignored) for video in videos.values())
    note = Finding("E-ANN-018", "ignored regions", "noted", str(path), f"{count} regions of {', '.join(regions)}")
    listed = classes_or(classes, used)
    return AnnotationSet(listed, videos, findings=(note,) if count else (), closed=classes is not None)
