"""Labels with two times each, as ActivityNet, BMN and the Perception Test list them for a video."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from augrgb.annotations.coverage import Untimed, event_of
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.json_values import as_label, as_list, as_number, as_object, member
from augrgb.core.errors import InputRefused
from augrgb.core.types import Event, VideoRecord


def timed_labels(
    video: dict[str, Any], key: str, times: str, path: Path, video_id: str, *, per_second: float = 1.0
) -> tuple[Event, ...] | None:
    """The events of a video; None where it has no such list, or null: it was never annotated.

    An item with nothing but its times has no label, and one with nothing but its label has no times.

    Args:
        video: The object of the video.
        key: Its member with the list of `{label, times: [start, end]}`.
        times: The key of both times.
        path, video_id: For messages.
        per_second: How many units of the times are a second.

    Raises:
        InputRefused: E-ANN-001, the list or one of its items is something else.

    >>> timed_labels({"found": [{"label": "cut", "at": [500, 1500]}]}, "found", "at", Path("a"), "v", per_second=1000)
    (Event(label='cut', start_s=0.5, end_s=1.5),)
    """
    if video.get(key) is None:
        return None
    events: list[Event] = []
    for position, item in enumerate(as_list(video[key], path, video_id, key)):
        place = (path, video_id, f"{key}[{position}]")
        row = as_object(item, *place)
        label = as_label(None if row.keys() == {times} else member(row, "label", *place), *place, "label")
        written = None if row.keys() == {"label"} else member(row, times, *place)
        ends = as_list(written or [None, None], *place, times)
        if len(ends) != 2:
            raise InputRefused("E-ANN-001", " ".join(map(str, place)), f"{times} {ends}, expected two times")
        start_s, end_s = (as_number(end, *place, times) / per_second if end is not None else None for end in ends)
        events.append(event_of(label, start_s, end_s))
    return tuple(events)


def region_findings(videos: Iterable[VideoRecord], where: object) -> list[Finding]:
    """A note about the ignored regions of videos, if they have any."""
    regions = Counter(region.label for video in videos for region in video.ignored)
    detail = f"{regions.total()} regions of {', '.join(sorted(regions))}"
    return [Finding("E-ANN-018", "ignored regions", "noted", str(where), detail)] if regions else []


def without_ignored(
    listed: tuple[Event, ...] | None, ignore: Collection[str]
) -> tuple[tuple[Event, ...] | None, tuple[Event, ...]]:
    """Events (None: never annotated), and the regions to be ignored, by their labels."""
    if listed is None:
        return None, ()
    parts: tuple[list[Event], list[Event]] = [], []
    for event in listed:
        parts[event.label in ignore and not isinstance(event, Untimed)].append(event)
    return tuple(parts[False]), tuple(parts[True])
