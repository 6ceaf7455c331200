"""Every fault of a set of annotations at once, with the default repair of each.

Nothing is ever swapped or guessed: what cannot be right is left out and listed, what reaches a little past its video is
cut, what would silently change the classes or the videos is refused.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from augrgb.annotations.annotation_format import Action, AnnotatedVideo, AnnotationSet, Finding
from augrgb.core.errors import InputRefused, did_you_mean
from augrgb.core.names import alike
from augrgb.core.types import Event

TOLERANCE_S = 2.0
"""How far an event may reach past its video and still be cut to it (the longest in Charades is 1.54 s)."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """Annotations after the default repairs, and everything that was found."""

    annotations: AnnotationSet
    findings: tuple[Finding, ...]

    def refusals(self) -> list[InputRefused]:
        """The findings that stop an import, as errors."""
        return [finding.as_fault() for finding in self.findings if finding.action == "refused"]

    def repairs(self) -> list[Finding]:
        """The findings that changed an event."""
        return [finding for finding in self.findings if finding.action in ("dropped", "clipped")]


def rename_classes(annotations: AnnotationSet, names: Mapping[str, str | None]) -> AnnotationSet:
    """Labels renamed by a map (`None` = make it an ignored region), as `--map` gives it.

    Raises:
        InputRefused: E-ANN-031: the map names a label that is not there.
    """
    used = {event.label for video in annotations.videos.values() for event in video.events or ()}
    for old in names.keys() - used - set(annotations.classes):
        raise InputRefused("E-ANN-031", f"map: {old!r}", "no such label", did_you_mean(old, used))
    videos = {}
    for video_id, video in annotations.videos.items():
        kept = [
            replace(e, label=names.get(e.label, e.label) or "")
            for e in video.events or ()
            if names.get(e.label, "") is not None
        ]
        ignored = [event for event in video.events or () if names.get(event.label, "") is None]
        events = tuple(kept) if video.events is not None else None
        videos[video_id] = replace(video, events=events, ignored=(*video.ignored, *ignored))
    renamed = (names.get(name, name) for name in annotations.classes)
    return replace(annotations, videos=videos, classes=tuple(dict.fromkeys(n for n in renamed if n is not None)))


def repair(annotations: AnnotationSet, *, tolerance_s: float = TOLERANCE_S) -> Repaired:
    """Find every fault and make the default repairs; a refused set is returned too, for listing.

    Args:
        tolerance_s: An event that ends later than this past its video is left out rather than cut.
    """
    findings = list(annotations.findings)
    findings.extend(_ids(annotations.videos))
    findings.extend(_labels(annotations))
    videos: dict[str, AnnotatedVideo] = {}
    for video_id, video in annotations.videos.items():
        kept = None if video.events is None else tuple(_events(video_id, video, tolerance_s, findings))
        videos[video_id] = replace(video, events=kept)
    findings.extend(_emptiness(annotations.videos))
    findings.extend(_frame_numbers(annotations))
    repaired = replace(annotations, videos=videos)
    findings.extend(_splits(repaired))
    return Repaired(repaired, tuple(findings))


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
            yield Finding("E-ID-003", "id leaves its folder", "refused", repr(video_id), "no id may be a path outside")
        twin = twins.setdefault(alike(video_id), video_id)
        if twin != video_id:
            detail = f"differs from {twin!r} only in case or Unicode form"
            yield Finding("E-ID-002", "ids alike", "refused", repr(video_id), detail)


def _labels(annotations: AnnotationSet) -> Iterable[Finding]:
    counts = Counter(event.label for video in annotations.videos.values() for event in video.events or ())
    known = set(annotations.classes)
    for label in sorted(counts.keys() - known):
        detail = f"{counts[label]} events; {did_you_mean(label, known)}"
        yield Finding("E-ANN-003", "unknown class", "refused", repr(label), detail)
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in sorted(known):
        spellings[alike(label)].append(label)
    for written in spellings.values():
        if len(written) > 1:
            told = ", ".join(f"{label!r} ({counts[label]} events)" for label in written)
            yield Finding("E-ANN-032", "one class written in several ways", "refused", repr(written[0]), told)
    for label in annotations.classes:
        if label.strip() == "":
            yield Finding("E-ANN-033", "class without a name", "refused", repr(label), f"{counts[label]} events")
        elif counts[label] == 0:
            yield Finding("E-ANN-023", "class without an event", "noted", repr(label), "its AP will be undefined")


def _events(video_id: str, video: AnnotatedVideo, tolerance_s: float, findings: list[Finding]) -> Iterable[Event]:
    end_s = math.inf if video.duration_s is None else video.duration_s
    if video.duration_s is not None and not (math.isfinite(end_s) and end_s > 0):
        findings.append(Finding("E-ANN-002", "duration is no time", "refused", video_id, f"{video.duration_s} s"))
        end_s = math.inf
    seen: Counter[Event] = Counter()
    last: dict[str, list[Event]] = defaultdict(list)

    def tell(code: str, kind: str, action: Action, event: Event) -> None:
        span = f"{event.label!r} {event.start_s:g} to {event.end_s:g} s"
        detail = span if math.isinf(end_s) else f"{span}, video {end_s:g} s"
        findings.append(Finding(code, kind, action, video_id, detail))

    for event in video.events or ():
        start, end = event.start_s, event.end_s
        if not (math.isfinite(start) and math.isfinite(end)):
            tell("E-ANN-002", "times that are no numbers", "refused", event)
            continue
        if start >= end_s:
            tell("E-ANN-013", "starts after the video's end", "dropped", event)
        elif end < start:
            tell("E-ANN-014", "ends before it starts", "dropped", event)
        elif end == start:
            tell("E-ANN-015", "has no length", "dropped", event)
        elif start < 0:
            tell("E-ANN-012", "starts before 0", "dropped", event)
        elif end > end_s + tolerance_s:
            tell("E-ANN-010", f"ends more than {tolerance_s:g} s past the video", "dropped", event)
        else:
            if end > end_s:
                tell("E-ANN-011", "ends past the video", "clipped", event)
                event = Event(event.label, start, end_s)
            if seen[event]:
                tell("E-ANN-016", "exact duplicate", "kept", event)
            elif any(other.start_s < event.end_s and event.start_s < other.end_s for other in last[event.label]):
                tell("E-ANN-017", "overlaps an event of its class", "kept", event)
            seen[event] += 1
            last[event.label].append(event)
            yield event


def _emptiness(videos: Mapping[str, AnnotatedVideo]) -> Iterable[Finding]:
    if not any(video.events for video in videos.values()):
        yield Finding("E-ANN-041", "no events", "refused", "annotations", f"{len(videos)} videos and not one event")
    for video_id, video in videos.items():
        if video.events is None:
            yield Finding("E-ANN-019", "never annotated", "noted", video_id, "")
        elif not video.events:
            yield Finding("E-ANN-020", "annotated as empty", "noted", video_id, "kept: nothing happens in it")


def _frame_numbers(annotations: AnnotationSet) -> Iterable[Finding]:
    total = late = 0
    for video in annotations.videos.values():
        if video.duration_s is not None and video.events:
            total += len(video.events)
            late += sum(event.start_s >= video.duration_s for event in video.events)
    if total >= 4 and late > total / 2:
        detail = f"{late} of {total} events start after their video's end"
        yield Finding("E-ANN-021", "times look like frame numbers or milliseconds", "refused", "annotations", detail)


def _splits(annotations: AnnotationSet) -> Iterable[Finding]:
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
