"""A JSON list of events, one object each: `[{"video", "label", "start", "end"}, ...]`, as Create ML takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat, Near
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.formats.plain_csv import COLUMNS
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.clock_times import seconds_of
from augrgb.annotations.reading.json_reader import iter_list
from augrgb.annotations.reading.json_values import as_number, as_object, as_text
from augrgb.annotations.reading.tables import find_columns
from augrgb.annotations.reading.text_files import head_of
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, did_you_mean, raise_together
from augrgb.core.plain_data import json_decoder
from augrgb.core.types import Event, VideoRecord

_END = 4096


class EventListJson(AnnotationFormat):
    """A list of objects with the columns of the CSV format, for Create ML's action classifiers and the like.

    Times are seconds, or clock times (`00:01.50`). The usual names of keys are understood (`videoName`, `startTime`);
    any can be given. A row with only a video means: annotated as empty.

    Args:
        video, label, start, end: Names of these keys, where they have others than the usual.
        classes: Class list; any other label is then a mistake.
    """

    name = "event-list-json"
    suffixes = (".json",)
    generic = True

    def __init__(
        self,
        *,
        video: str | None = None,
        label: str | None = None,
        start: str | None = None,
        end: str | None = None,
        classes: Path | None = None,
    ) -> None:
        self.classes = classes
        given = {"video": video, "label": label, "start": start, "end": end}
        self.keys = {key: name for key, name in given.items() if name is not None}

    @classmethod
    def sniff(cls, path: Path) -> bool:
        near = cls.near(path)
        return near is not None and not near.missing

    @classmethod
    def near(cls, path: Path) -> Near | None:
        if path.suffix.lower() not in cls.suffixes:
            return None
        names = _first_keys(head_of(path))
        missing = [key for key, found in find_columns(_words(names), COLUMNS).items() if not found]
        if not names or len(missing) == len(COLUMNS):
            return None
        named = f"--set {(missing or ['label'])[0]}=KEY names it"
        detail = f"no key {', '.join(missing)} among {', '.join(names)[:160]} ({named})"
        return Near(1 - len(missing) / len(COLUMNS), detail if missing else "")

    def read(self, path: Path) -> AnnotationSet:
        faults: list[AugrgbError] = []
        events: dict[str, list[Event]] = {}
        for at, value in iter_list(path):
            place = f"{path} {at}"
            try:
                row = self._row(as_object(value, place), place)
                video_id = as_text(row["video"], place, "video").strip()
                if not video_id:
                    raise InputRefused("E-ANN-035", place, "the video is empty")
                listed = events.setdefault(video_id, [])
                if any(row[key] not in (None, "") for key in ("label", "start", "end")):
                    label = as_text(row["label"] if row["label"] is not None else "", place, "label")
                    listed.append(
                        Event(label, _seconds(row["start"], place, "start"), _seconds(row["end"], place, "end"))
                    )
            except AugrgbError as fault:
                faults.append(fault)
        raise_together(faults)
        used = {event.label for listed in events.values() for event in listed}
        return AnnotationSet(
            classes_or(self.classes, used),
            {video_id: VideoRecord(video_id, events=tuple(listed)) for video_id, listed in events.items()},
            closed=self.classes is not None,
        )

    def _row(self, value: dict[str, Any], place: str) -> dict[str, Any]:
        names = list(value)
        found = {key: columns[0] for key, columns in find_columns(_words(names), COLUMNS).items() if columns}
        for key, name in self.keys.items():
            if name not in value:
                raise UsageFault(
                    "E-CFG-003", f"--set {key}={name}", f"{place} has no such key", did_you_mean(name, names)
                )
            found[key] = names.index(name)
        missing = [key for key in COLUMNS if key not in found]
        if missing:
            remedy = f"Name other keys: --set {missing[0]}=KEY."
            raise InputRefused("E-ANN-034", place, f"no key {', '.join(missing)} among {names}", remedy)
        return {key: value[names[at]] for key, at in found.items()}


def _first_keys(head: str) -> list[str]:
    """The keys of the first object of a list, as far as its beginning shows it."""
    text = head.lstrip()
    if not text.startswith("["):
        return []
    try:
        value, _ = json_decoder().raw_decode(text[1:].lstrip()[:_END])
    except (ValueError, RecursionError):
        return []
    return list(value) if isinstance(value, dict) else []


def _words(names: Sequence[str]) -> list[str]:
    """`startTime` as `start_Time`, which is compared like `start time`."""
    return [re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name) for name in names]


def _seconds(value: Any, place: str, key: str) -> float:
    if isinstance(value, str):
        try:
            return seconds_of(value)
        except ValueError as error:
            raise InputRefused("E-ANN-002", place, f"{key} {error}") from error
    return as_number(value, place, key)
