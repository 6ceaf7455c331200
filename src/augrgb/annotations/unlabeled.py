"""Events without a class, or without times, are ignored regions: what happens there is neither a class nor nothing.

These are events without a label, and, where the labels are class numbers, events with a negative one: lists of THUMOS
and others write -1 for what is ambiguous.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import Untimed
from augrgb.annotations.findings import Finding
from augrgb.core.types import VideoRecord

_NEGATIVE = re.compile(r"-\d+")
_MOST_NAMED = 3


def untimed_as_ignored(annotations: AnnotationSet, where: object) -> AnnotationSet:
    """The annotations with ignored regions where events without times may be, and a note with their number.

    A video with no other event counts as never annotated.
    """
    changed: dict[str, VideoRecord] = {}
    count = 0
    lost_labels: set[str] = set()
    for video_id, video in annotations.videos.items():
        lost = [event for event in video.events or () if isinstance(event, Untimed)]
        if lost:
            count += len(lost)
            lost_labels.update(event.label for event in lost)
            kept = tuple(event for event in video.events or () if not isinstance(event, Untimed))
            regions = (region for event in _together(lost) for region in event.may_be(kept))
            changed[video_id] = replace(video, events=kept or None, ignored=(*video.ignored, *regions))
    if not changed:
        return annotations
    videos = {**annotations.videos, **changed}
    used = {event.label for video in videos.values() for event in video.events or ()}
    names = annotations.classes
    detail = f"{count} events lack a start, an end or both: where they may be is ignored"
    note = Finding("E-ANN-018", "events without times", "noted", str(where), detail)
    return replace(
        annotations,
        classes=names if annotations.closed else tuple(n for n in names if n in used or n not in lost_labels),
        videos=videos,
        findings=(*annotations.findings, note),
    )


def _together(lost: Iterable[Untimed]) -> list[Untimed]:
    """Those without a start and an end as one, since they may all be in the same places; the others, each once.

    >>> nowhere = [Untimed(label, -math.inf, math.inf) for label in ("cut", "stir", "cut")]
    >>> [event.label for event in _together([*nowhere, Untimed("cut", 1.0, math.inf)])]
    ['cut', 'cut, stir']
    """
    anywhere = [event for event in lost if math.isinf(event.start_s) and math.isinf(event.end_s)]
    some = [event for event in dict.fromkeys(lost) if math.isfinite(event.start_s) or math.isfinite(event.end_s)]
    labels = list(dict.fromkeys(event.label for event in anywhere))
    label = ", ".join(labels[:_MOST_NAMED]) + (", ..." if len(labels) > _MOST_NAMED else "")
    return [*some, Untimed(label, -math.inf, math.inf)] if anywhere else some


def unlabeled_as_ignored(annotations: AnnotationSet, where: object) -> AnnotationSet:
    """The annotations with each event that has no class as an ignored region, and a note with their number."""
    used = {event.label for video in annotations.videos.values() for event in video.events or ()}
    blank = {label for label in used if not label.strip()}
    negative = {label for label in used if _NEGATIVE.fullmatch(label)} if not annotations.closed else set()
    others = used - blank - negative
    if not others or not all(label.isdecimal() for label in others):
        negative = set()  # nothing but -1 is a class of its own
    changed: dict[str, VideoRecord] = {}
    counts = Counter[bool]()
    for video_id, video in annotations.videos.items():
        lost = [event for event in video.events or () if event.label in blank | negative]
        if lost:
            counts.update(event.label in negative for event in lost)
            kept: Any = tuple(event for event in video.events or () if event.label not in blank | negative)
            changed[video_id] = replace(video, events=kept, ignored=(*video.ignored, *lost))
    if not changed:
        return annotations
    said = {False: "events without a label", True: f"events of class {', '.join(sorted(negative))}, which is none"}
    notes = [
        Finding("E-ANN-018", "ignored regions", "noted", str(where), f"{count} {said[kind]}")
        for kind, count in counts.items()
    ]
    names = annotations.classes
    return replace(
        annotations,
        classes=names if annotations.closed else tuple(name for name in names if name.strip() and name not in negative),
        videos={**annotations.videos, **changed},
        findings=(*annotations.findings, *notes),
    )
