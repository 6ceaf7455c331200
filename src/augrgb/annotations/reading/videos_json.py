"""JSON that is one object of videos by id, as BMN and the Perception Test have it: read video by video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.json_reader import iter_object
from augrgb.annotations.reading.json_values import as_object
from augrgb.annotations.reading.timed_labels import region_findings
from augrgb.core.errors import AugrgbError, raise_together
from augrgb.core.types import VideoRecord


def each_video(
    path: Path, video_of: Callable[[dict[str, Any], str], VideoRecord], faults: list[AugrgbError]
) -> dict[str, VideoRecord]:
    """The videos of a file `{id: {...}}`, read one after another; the faults of those that cannot be read are added."""
    videos: dict[str, VideoRecord] = {}
    for video_id, value in iter_object(path):
        try:
            videos[video_id] = video_of(as_object(value, path, video_id), video_id)
        except AugrgbError as fault:
            faults.append(fault)
    return videos


def read_videos(
    path: Path,
    video_of: Callable[[dict[str, Any], str], VideoRecord],
    classes: Path | None,
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
    videos = each_video(path, video_of, faults)
    raise_together(faults)
    used = {event.label for video in videos.values() for event in video.events or ()}
    notes = region_findings(videos.values(), path)
    return AnnotationSet(classes_or(classes, used), videos, findings=tuple(notes), closed=classes is not None)
