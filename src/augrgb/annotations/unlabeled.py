"""Events without a label are ignored regions: nobody knows what happens there, so it is neither a class nor nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.core.types import VideoRecord


def unlabeled_as_ignored(annotations: AnnotationSet, where: object) -> AnnotationSet:
    """The annotations with each event whose label is blank as an ignored region, and one note with their number."""
    changed: dict[str, VideoRecord] = {}
    count = 0
    for video_id, video in annotations.videos.items():
        blank = [event for event in video.events or () if not event.label.strip()]
        if blank:
            count += len(blank)
            kept: Any = tuple(event for event in video.events or () if event.label.strip())
            changed[video_id] = replace(video, events=kept, ignored=(*video.ignored, *blank))
    if not count:
        return annotations
    note = Finding("E-ANN-018", "ignored regions", "noted", str(where), f"{count} events without a label")
    return replace(
        annotations,
        classes=tuple(name for name in annotations.classes if name.strip())
        if not annotations.closed
        else annotations.classes,
        videos={**annotations.videos, **changed},
        findings=(*annotations.findings, note),
    )
