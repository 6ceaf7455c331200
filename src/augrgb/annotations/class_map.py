"""Maps of class names: rename a class, or turn its events into ignored regions (`--map`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.text_files import read_text
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.plain_data import parse_yaml


def read_class_map(path: Path) -> dict[str, str | None]:
    """A file of `old: new` lines (YAML or JSON).

    Raises:
        UsageFault: E-CFG-024: not YAML; E-CFG-025: not a mapping of names.
        InputRefused: E-FILE-001: no such file; E-FILE-002: no text.
    """
    values = parse_yaml(read_text(Path(path)), path)
    if not isinstance(values, dict) or not all(isinstance(new, str | int | None) for new in values.values()):
        raise UsageFault("E-CFG-025", path, "expected lines `old name: new name`")
    return {str(old): None if new is None else str(new) for old, new in values.items()}


def rename_classes(annotations: AnnotationSet, names: Mapping[str, str | None]) -> AnnotationSet:
    """Rename labels by a map; `None` makes the events of a class ignored regions, and a name those of a label events.

    Raises:
        InputRefused: E-ANN-031: the map names a label that does not occur.
    """
    used = {event.label for video in annotations.videos.values() for event in video.events or ()}
    set_aside = {region.label for video in annotations.videos.values() for region in video.ignored}
    for old in names.keys() - used - set_aside - set(annotations.classes):
        raise InputRefused("E-ANN-031", f"map: {old!r}", "no such label", did_you_mean(old, used))
    videos = {}
    for video_id, video in annotations.videos.items():
        kept = [
            replace(e, label=names.get(e.label, e.label) or "")
            for e in video.events or ()
            if names.get(e.label, "") is not None
        ]
        ignored = [event for event in video.events or () if names.get(event.label, "") is None]
        wanted = [region for region in video.ignored if names.get(region.label) is not None]
        kept += [replace(region, label=names[region.label] or "") for region in wanted]
        events = tuple(kept) if video.events is not None else None
        rest = tuple(region for region in video.ignored if region not in wanted)
        videos[video_id] = replace(video, events=events, ignored=(*rest, *ignored))
    renamed = (names.get(name, name) for name in (*annotations.classes, *sorted(set_aside & names.keys() - used)))
    return replace(annotations, videos=videos, classes=tuple(dict.fromkeys(n for n in renamed if n is not None)))
