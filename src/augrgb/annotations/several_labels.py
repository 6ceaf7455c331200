"""Labels that are several: `cut;stir` as two events, where an option says what separates them; else a note."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.core.errors import UsageFault
from augrgb.core.types import Event

_USUAL = (";", "|", " / ", " & ", " + ", ",")


def several_of(options: Mapping[str, Any]) -> str | None:
    """The option `several`.

    Raises:
        UsageFault: E-CFG-003, no text.
    """
    given = options.get("several")
    if given is None or (isinstance(given, str) and given):
        return given
    raise UsageFault("E-CFG-003", "--set several", f"is {given!r}", "Expected what stands between labels, such as ';'.")


def several_labels(annotations: AnnotationSet, separator: str | None, where: object) -> AnnotationSet:
    """The annotations with an event for each label of a text such as `cut;stir`.

    Without a separator nothing changes, and a label of which a part is the label of other events is noted.
    """
    if separator is None:
        return replace(annotations, findings=(*annotations.findings, *_notes(annotations, where)))

    def split(events: Iterable[Event]) -> tuple[Event, ...]:
        return tuple(
            Event(part, event.start_s, event.end_s)
            for event in events
            for part in dict.fromkeys(name.strip() for name in event.label.split(separator))
        )

    videos = {
        i: replace(video, events=None if video.events is None else split(video.events))
        for i, video in annotations.videos.items()
    }
    names = annotations.classes
    if not annotations.closed:
        names = tuple(dict.fromkeys(part.strip() for name in names for part in name.split(separator)))
        names = tuple(sorted(names)) if annotations.classes == tuple(sorted(annotations.classes)) else names
    return replace(annotations, classes=names, videos=videos)


def _notes(annotations: AnnotationSet, where: object) -> list[Finding]:
    used = {event.label for video in annotations.videos.values() for event in video.events or ()}
    for separator in _USUAL:
        for label in sorted(used):
            parts = [part.strip() for part in label.split(separator)]
            alone = any(part in used for part in parts) or separator in (";", "|")
            if len(parts) > 1 and all(parts) and alone:
                detail = f"{label!r} is one label; --set 'several={separator}' makes events of its parts"
                return [Finding("E-ANN-044", "labels that could be several", "noted", str(where), detail)]
    return []
