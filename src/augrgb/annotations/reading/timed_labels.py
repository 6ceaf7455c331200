"""Labels with two times each, as ActivityNet, BMN and the Perception Test list them for a video."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from augrgb.annotations.coverage import may_be, untimed_finding
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.json_values import as_label, as_list, as_number, as_object, member
from augrgb.core.errors import InputRefused
from augrgb.core.types import Event, VideoRecord


def timed_labels(
    video: dict[str, Any], key: str, times: str, path: Path, video_id: str, *, per_second: float = 1.0
) -> tuple[tuple[Event, ...] | None, tuple[Event, ...]]:
    """The events of a video (None where it has no such list, or null: it was never annotated), and ignored regions.

    These are where an event may be whose times are missing, null or an empty list.

    Args:
        video: The object of the video.
        key: Its member with the list of `{label, times: [start, end]}`.
        times: The key of both times.
        path, video_id: For messages.
        per_second: How many units of the times are a second.

    Raises:
        InputRefused: E-ANN-001, the list or one of its items is something else.

    >>> timed_labels({"found": [{"label": "cut", "at": [500, 1500]}]}, "found", "at", Path("a"), "v", per_second=1000)
    ((Event(label='cut', start_s=0.5, end_s=1.5),), ())
    """
    if video.get(key) is None:
        return None, ()
    events: list[Event] = []
    lost: list[tuple[str, float | None, float | None]] = []
    for position, item in enumerate(as_list(video[key], path, video_id, key)):
        place = (path, video_id, f"{key}[{position}]")
        row = as_object(item, *place)
        label = as_label(member(row, "label", *place), *place, "label")
        ends = as_list(member(row, times, *place) or [None, None], *place, times)
        if len(ends) != 2:
            raise InputRefused("E-ANN-001", " ".join(map(str, place)), f"{times} {ends}, expected two times")
        start_s, end_s = (as_number(end, *place, times) / per_second if end is not None else None for end in ends)
        if start_s is None or end_s is None:
            lost.append((label, start_s, end_s))
        else:
            events.append(Event(label, start_s, end_s))
    regions = tuple(region for one in lost for region in may_be(*one, events))
    return tuple(events) if events or not lost else None, regions


def region_findings(videos: Iterable[VideoRecord], ignore: Collection[str], where: object) -> list[Finding]:
    """Notes about ignored regions: those of certain labels, and those where events without times may be."""
    regions = Counter(region.label for video in videos for region in video.ignored)
    named = {label: count for label, count in regions.items() if label in ignore}
    detail = f"{sum(named.values())} regions of {', '.join(sorted(named))}"
    note = Finding("E-ANN-018", "ignored regions", "noted", str(where), detail)
    return [*([note] if named else []), *untimed_finding(regions.total() - sum(named.values()), where)]


def without_ignored(
    listed: tuple[Event, ...] | None, ignore: Collection[str]
) -> tuple[tuple[Event, ...] | None, tuple[Event, ...]]:
    """Events (None: never annotated), and the regions to be ignored, by their labels."""
    if listed is None:
        return None, ()
    events = tuple(event for event in listed if event.label not in ignore)
    return events, tuple(event for event in listed if event.label in ignore)
