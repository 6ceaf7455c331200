"""The one set of rules for events that cannot be right, whatever file they came in.

| event                                  | action  | code      |
| -------------------------------------- | ------- | --------- |
| a time that is not a number            | refused | E-ANN-002 |
| starts at or after the video's end     | dropped | E-ANN-013 |
| ends before it starts                  | dropped | E-ANN-014 |
| has no length                          | dropped | E-ANN-015 |
| ends at or before the video's start    | dropped | E-ANN-042 |
| starts before 0                        | clipped | E-ANN-012 |
| ends past the video                    | clipped | E-ANN-011 |
| ends more than `LARGE_OVERRUN_S` past  | clipped | E-ANN-010 |
| exact duplicate of another             | kept    | E-ANN-016 |
| overlaps another of its class          | kept    | E-ANN-017 |

The first line that fits counts, but an event can be clipped at both ends. Nothing is ever swapped or guessed. Where an
event overlaps its video at all, the part inside stays. Where the duration of the video is not known, no end can be
judged.

A lost label is not background. The times of a dropped event become an ignored region (those between its ends, whichever
comes first; around an event without length `AROUND_S` on either side), as far as they are in the video. A video that
loses every event counts as never annotated (in a dataset file: is ignored as a whole). A subset of test videos that are
all empty, beside others with events, has withheld labels and counts as never annotated too.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.consistency import consistency_findings, split_findings
from augrgb.annotations.findings import Action, Finding
from augrgb.core.errors import InputRefused
from augrgb.core.types import Event, VideoRecord

LARGE_OVERRUN_S = 2.0
"""An event that ends later than this past its video has a separate code: such an end is rarely a rounding error (the
largest overrun in Charades is 1.54 s) and may belong to another video."""

AROUND_S = 1.0
"""What is ignored on either side of an event without length: something happens there, but not known for how long."""


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
        return [finding for finding in self.findings if finding.is_repair]


def repair(annotations: AnnotationSet) -> Repaired:
    """Find every fault and make the default repairs; a set with refused findings is returned too, for listing."""
    annotations = without_withheld(annotations)
    findings = [*annotations.findings, *consistency_findings(annotations)]
    videos = {}
    for video_id, video in annotations.videos.items():
        repaired_one = repair_video(video, findings)
        if video.events and not repaired_one.events:
            detail = f"all its {len(video.events)} events were dropped"
            findings.append(Finding("E-ANN-019", "never annotated", "noted", video_id, detail))
            repaired_one = replace(repaired_one, events=None)
        videos[video_id] = repaired_one
    repaired = replace(annotations, videos=videos)
    if any(video.events for video in annotations.videos.values()) and not any(v.events for v in videos.values()):
        causes = Counter(f"{finding.kind} ({finding.code})" for finding in findings if finding.action == "dropped")
        detail = "; ".join(f"{count} dropped: {cause}" for cause, count in causes.items())
        findings.append(Finding("E-ANN-041", "no event is left", "refused", "annotations", detail))
    findings.extend(split_findings(repaired))
    return Repaired(repaired, tuple(findings))


def repair_video(video: VideoRecord, findings: list[Finding]) -> VideoRecord:
    """The video with its events repaired; what was found is added to `findings`.

    >>> found = []
    >>> repair_video(VideoRecord("a", 10.0, events=(Event("walk", -0.04, 8.0),)), found).events
    (Event(label='walk', start_s=0.0, end_s=8.0),)
    >>> found[0].code, found[0].action
    ('E-ANN-012', 'clipped')
    """
    duration_s = video.duration_s
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        detail = f"{duration_s} s"
        findings.append(Finding("E-ANN-002", "duration is not a positive number", "refused", video.video_id, detail))
        duration_s = None
    end_s = math.inf if duration_s is None else duration_s
    if video.events is None:
        return replace(video, ignored=_inside(video.ignored, end_s))
    lost: list[Event] = []
    events = tuple(_repaired(video.video_id, video.events, duration_s, findings, lost))
    if video.events and not events:
        times = [time for event in video.events for time in (event.start_s, event.end_s) if math.isfinite(time)]
        lost = [Event(video.events[0].label, 0.0, max([end_s] if math.isfinite(end_s) else times, default=0.0))]
    return replace(video, events=events, ignored=_inside((*video.ignored, *lost), end_s))


def without_withheld(annotations: AnnotationSet) -> AnnotationSet:
    """The annotations with test videos as never annotated where all of them are empty and others are not."""
    subsets: dict[str, list[VideoRecord]] = defaultdict(list)
    for video in annotations.videos.values():
        if video.subset is not None and video.events is not None:
            subsets[video.subset].append(video)
    full = any(video.events for video in annotations.videos.values())
    findings, withheld = [], set[str]()
    for subset, videos in subsets.items():
        empty = not any(video.events or video.ignored for video in videos)
        if full and len(videos) >= 2 and empty and subset.lower().startswith("test"):
            withheld.update(video.video_id for video in videos)
            detail = f"none of its {len(videos)} videos has an event, so they count as never annotated"
            findings.append(Finding("E-ANN-045", "labels are withheld", "noted", f"subset {subset!r}", detail))
    if not withheld:
        return annotations
    known = {i: replace(video, events=None) if i in withheld else video for i, video in annotations.videos.items()}
    return replace(annotations, videos=known, findings=(*annotations.findings, *findings))


def _inside(regions: Iterable[Event], end_s: float) -> tuple[Event, ...]:
    """The parts of regions that are in the video, each once."""
    cut = (Event(r.label, max(r.start_s, 0.0), min(r.end_s, end_s)) for r in regions)
    return tuple(dict.fromkeys(region for region in cut if region.start_s < region.end_s < math.inf))


def _lost(event: Event) -> Event:
    """The region in which a dropped event may have been."""
    if event.start_s == event.end_s:
        return Event(event.label, event.start_s - AROUND_S, event.end_s + AROUND_S)
    return Event(event.label, min(event.start_s, event.end_s), max(event.start_s, event.end_s))


def _repaired(
    video_id: str,
    events: Iterable[Event],
    duration_s: float | None,
    findings: list[Finding],
    lost: list[Event],
) -> Iterable[Event]:
    end_s = math.inf if duration_s is None else duration_s
    seen: Counter[Event] = Counter()
    last: dict[str, list[Event]] = defaultdict(list)

    def note(code: str, kind: str, action: Action, event: Event) -> None:
        span = f"{event.label!r} {event.start_s:g} to {event.end_s:g} s"
        detail = span if duration_s is None else f"{span}, video {duration_s:g} s"
        if action == "dropped":
            lost.append(_lost(event))
        findings.append(Finding(code, kind, action, video_id, detail))

    for event in events:
        start, end = event.start_s, event.end_s
        if not (math.isfinite(start) and math.isfinite(end)):
            note("E-ANN-002", "time is not a number", "refused", event)
        elif start >= end_s:
            note("E-ANN-013", "starts after the video's end", "dropped", event)
        elif end < start:
            note("E-ANN-014", "ends before it starts", "dropped", event)
        elif end == start:
            note("E-ANN-015", "has no length", "dropped", event)
        elif end <= 0:
            note("E-ANN-042", "ends before the video starts", "dropped", event)
        else:
            if start < 0:
                note("E-ANN-012", "starts before 0", "clipped", event)
            if end > end_s + LARGE_OVERRUN_S:
                note("E-ANN-010", f"ends more than {LARGE_OVERRUN_S:g} s past the video", "clipped", event)
            elif end > end_s:
                note("E-ANN-011", "ends past the video", "clipped", event)
            if start < 0 or end > end_s:
                event = Event(event.label, max(start, 0.0), min(end, end_s))
            if seen[event]:
                note("E-ANN-016", "exact duplicate", "kept", event)
            elif any(other.start_s < event.end_s and event.start_s < other.end_s for other in last[event.label]):
                note("E-ANN-017", "overlaps an event of its class", "kept", event)
            seen[event] += 1
            last[event.label].append(event)
            yield event
