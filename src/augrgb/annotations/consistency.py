"""Checks of a whole set of annotations that change nothing: ids, class names, units of time, splits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.core.errors import Hints
from augrgb.core.names import alike
from augrgb.core.types import VideoRecord

_SHORTEST_S = 0.005
"""No frame is this short, so neither is the longest event of a dataset."""


def consistency_findings(annotations: AnnotationSet) -> list[Finding]:
    """What is wrong with ids, class names and the unit of time; call it before events are repaired."""
    return [
        *_ids(annotations.videos),
        *class_findings(annotations),
        *_emptiness(annotations.videos),
        *unit_findings(annotations),
    ]


def is_unsafe_id(video_id: str) -> bool:
    """Whether an id could lead out of a folder if it were taken for a path."""
    slashed = video_id.replace("\\", "/")
    return (
        not video_id.strip()
        or "\0" in video_id
        or slashed.startswith(("/", "~"))
        or slashed[1:2] == ":"
        or ".." in PurePosixPath(slashed).parts
    )


def _ids(videos: Iterable[str]) -> Iterable[Finding]:
    twins: dict[str, str] = {}
    for video_id in videos:
        if is_unsafe_id(video_id):
            yield Finding(
                "E-ID-003",
                "id leaves its folder",
                "refused",
                repr(video_id),
                "an id must not leave a folder",
            )
        twin = twins.setdefault(alike(video_id), video_id)
        if twin != video_id:
            detail = f"differs from {twin!r} only in case or Unicode form"
            yield Finding("E-ID-002", "ids alike", "refused", repr(video_id), detail)


def class_findings(annotations: AnnotationSet) -> Iterable[Finding]:
    """Labels outside the class list, names that mean the same, and classes without an event."""
    counts = Counter(event.label for video in annotations.videos.values() for event in video.events or ())
    known = set(annotations.classes)
    hint = Hints(known)
    for label in sorted(counts.keys() - known):
        detail = f"{counts[label]} events; {hint(label)}".removesuffix("; ")
        yield Finding("E-ANN-003", "unknown class", "refused", repr(label), detail)
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in sorted(known):
        spellings[alike(label)].append(label)
    for written in spellings.values():
        if len(written) > 1:
            detail = ", ".join(f"{label!r} ({counts[label]} events)" for label in written)
            yield Finding("E-ANN-032", "one class written in several ways", "refused", repr(written[0]), detail)
    for label in annotations.classes:
        if label.strip() == "":
            yield Finding("E-ANN-033", "class without a name", "refused", repr(label), f"{counts[label]} events")
        elif counts[label] == 0:
            yield Finding("E-ANN-023", "class without an event", "noted", repr(label), "its AP will be undefined")


def _emptiness(videos: Mapping[str, VideoRecord]) -> Iterable[Finding]:
    if not any(video.events for video in videos.values()):
        yield Finding("E-ANN-041", "no events", "refused", "annotations", f"{len(videos)} videos, none with an event")
    for video_id, video in videos.items():
        if video.events is None:
            yield Finding("E-ANN-019", "never annotated", "noted", video_id, "")
        elif not video.events and not video.ignored:
            yield Finding("E-ANN-020", "annotated as empty", "noted", video_id, "kept: nothing happens in it")


def unit_findings(annotations: AnnotationSet) -> Iterable[Finding]:
    """Whether times look like another unit: most events start after their video's end, or all are very short."""
    lengths = [e.end_s - e.start_s for video in annotations.videos.values() for e in video.events or ()]
    if lengths and 0 < max(lengths) < _SHORTEST_S:
        detail = f"the longest of {len(lengths)} events lasts {1000 * max(lengths):.3g} ms"
        what = "times look like fractions of a day or an hour"
        yield Finding("E-ANN-021", what, "refused", "annotations", f"{detail}; write them in seconds")
    total = late = 0
    for video in annotations.videos.values():
        if video.duration_s is not None and video.events:
            total += len(video.events)
            late += sum(event.start_s >= video.duration_s for event in video.events)
    if total >= 4 and late > total / 2:
        detail = f"{late} of {total} events start after their video's end"
        yield Finding("E-ANN-021", "times look like frame numbers or milliseconds", "refused", "annotations", detail)


def split_findings(annotations: AnnotationSet) -> Iterable[Finding]:
    """Leakage between train and test, and classes or videos that a role of a split lacks."""
    for split, roles in annotations.splits.items():
        train, test = set(roles.get("train", ())), set(roles.get("test", ()))
        both = sorted(train & test)
        if both:
            detail = f"{len(both)} videos in train and test: {', '.join(both[:5])}"
            yield Finding("E-SPL-002", "leakage", "refused", f"split {split}", detail)
        what = {"cross_subject": "subject", "cross_view": "camera"}.get(split)
        if what is not None:
            one, other = (
                {getattr(annotations.videos[i], what) for i in ids if i in annotations.videos} - {None}
                for ids in (train, test)
            )
            if one & other:
                detail = f"{what} {', '.join(sorted(one & other)[:5])} in train and test"
                yield Finding("E-SPL-002", "leakage", "refused", f"split {split}", detail)
        for label in _without_positives(annotations, train):
            yield Finding("E-ANN-023", "class without an event", "noted", repr(label), f"in train of {split}")
        for label in _without_positives(annotations, test):
            yield Finding("E-ANN-023", "class without an event", "noted", repr(label), f"in test of {split}")
        for role, ids in roles.items():
            missing = [video_id for video_id in ids if video_id not in annotations.videos]
            if missing:
                detail = f"{len(missing)} of {len(ids)} in {role}: {', '.join(missing[:5])}"
                yield Finding("E-SPL-011", "videos of a split without annotation", "noted", f"split {split}", detail)


def _without_positives(annotations: AnnotationSet, ids: set[str]) -> list[str]:
    chosen = [annotations.videos[i] for i in ids if i in annotations.videos]
    used = {event.label for video in chosen for event in video.events or ()}
    anywhere = {event.label for video in annotations.videos.values() for event in video.events or ()}
    return [label for label in annotations.classes if chosen and label in anywhere and label not in used]
