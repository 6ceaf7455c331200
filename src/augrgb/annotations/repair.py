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
event overlaps its video at all, the part inside stays: what is dropped would train as background. Where the duration of
the video is not known, no end can be judged.
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
    findings = [*annotations.findings, *consistency_findings(annotations)]
    videos = {video_id: repair_video(video, findings) for video_id, video in annotations.videos.items()}
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
    if video.events is None:
        return video
    return replace(video, events=tuple(_repaired(video.video_id, video.events, duration_s, findings)))


def _repaired(
    video_id: str, events: Iterable[Event], duration_s: float | None, findings: list[Finding]
) -> Iterable[Event]:
    end_s = math.inf if duration_s is None else duration_s
    seen: Counter[Event] = Counter()
    last: dict[str, list[Event]] = defaultdict(list)

    def note(code: str, kind: str, action: Action, event: Event) -> None:
        span = f"{event.label!r} {event.start_s:g} to {event.end_s:g} s"
        detail = span if duration_s is None else f"{span}, video {duration_s:g} s"
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
