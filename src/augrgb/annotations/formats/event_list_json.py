"""JSON with an object per event: a list `[{"video", "label", "start", "end"}, ...]`, lists by video, or JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import LEAST, AnnotationFormat, Near
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.event_columns import COLUMNS, EventColumns, Unit, refuse_other_video
from augrgb.annotations.reading.event_rows import EventRows, RowOptions, file_named_finding
from augrgb.annotations.reading.frame_rates import Rates
from augrgb.annotations.reading.json_reader import iter_list, iter_object
from augrgb.annotations.reading.json_values import as_list, as_object, as_text
from augrgb.annotations.reading.text_files import head_of, open_text
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import identifier_of
from augrgb.core.plain_data import json_decoder, parse_json

_END = 4096
_LINES = (".jsonl", ".ndjson")
_BY_VIDEO = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[')


class EventListJson(AnnotationFormat):
    """A list of objects with the columns of the CSV format, for Create ML's action classifiers and the like.

    Times are seconds, or clock times (`00:01.50`). The usual names of keys are understood (`videoName`, `startTime`,
    `start_ms`, `endFrame`), as in the CSV format; any can be given. Without a key of the video, the file is named after
    it. A list of labels has several events. A row with only a video means: annotated as empty. An object of such lists
    has one per video (`{"a.mp4": [{"label", "start", "end"}, ...]}`); a file of JSON lines has an object in each.

    Args:
        video, label, start, end: Names of these keys, where they have others than the usual.
        duration: Name of the key with the video's length.
        unit: What times without colons are. Default: as the names of their keys say, else seconds.
        rate: Frames per second of times in frames and of time codes: one number, or per video; else the key `fps`.
        ignore: Labels of regions to be ignored.
        classes: Class list; any other label is then a mistake.
    """

    name = "event-list-json"
    suffixes = (".json", *_LINES)
    generic = True

    def __init__(
        self,
        *,
        video: str | None = None,
        label: str | None = None,
        start: str | None = None,
        end: str | None = None,
        duration: str | None = None,
        unit: Unit | None = None,
        rate: Rates = None,
        ignore: tuple[str, ...] = ("Ambiguous",),
        classes: Path | None = None,
    ) -> None:
        self.options = RowOptions(unit, rate, ignore, classes)
        given = {"video": video, "label": label, "start": start, "end": end, "duration": duration}
        self.given = {key: name for key, name in given.items() if name is not None}

    @classmethod
    def sniff(cls, path: Path) -> bool:
        near = cls.near(path)
        return near is not None and not near.missing

    @classmethod
    def near(cls, path: Path) -> Near | None:
        if path.suffix.lower() not in cls.suffixes:
            return None
        names = _first_keys(head_of(path))
        missing = EventColumns.of(names).missing
        if not names or len(missing) == len(COLUMNS):
            return Near(LEAST, "no list of objects with video, label, start and end")
        detail = (
            f"no key {', '.join(missing)} among {', '.join(names)[:160]} (--set {(missing or ('',))[-1]}=KEY names it)"
        )
        return Near(1 - len(missing) / len(COLUMNS), detail if set(missing) - {"video"} else "")

    def read(self, path: Path) -> AnnotationSet:
        faults: list[AugrgbError] = []
        rows = EventRows(path, self.options, identifier_of(path.stem), length_named="duration" in self.given)
        known: dict[tuple[str, ...], EventColumns] = {}
        by_video = _BY_VIDEO.match(head_of(path)) is not None
        for place, value, video in _objects(path):
            try:
                row = as_object(value, place)
                names = tuple(row)
                if names not in known:
                    known[names] = self._keys(names, place)
                columns = known[names]
                if video is None and not rows.events and "video" not in columns.at:
                    refuse_other_video(names, list(row.values()), columns, place)
                cells = {key: _cell(row[names[column]], place, key) for key, column in columns.at.items()}
                rows.take(cells if video is None else {**cells, "video": video}, columns, place)
            except AugrgbError as fault:
                faults.append(fault)
                if fault.code == "E-ANN-007":  # the same of every row
                    break
        named = {"video" in columns.at for columns in known.values()} if not by_video else {True}
        if len(named) > 1:
            faults.append(InputRefused("E-ANN-035", path, "some of its objects name a video and some do not"))
        note = file_named_finding(path)
        return rows.annotations(faults, [note] if named == {False} else [])

    def _keys(self, names: tuple[str, ...], place: str) -> EventColumns:
        given = {key: name for key, name in self.given.items() if key != "duration" or name in names}
        columns = EventColumns.of(names, given, self.options.unit)
        missing = [key for key in columns.missing if key != "video" or len(columns.missing) > 1]
        if (
            names and missing and not {"label", "start", "end"} <= set(missing)
        ):  # else a video that is annotated as empty
            remedy = f"Name other keys: --set {missing[-1]}=KEY."
            raise InputRefused("E-ANN-034", place, f"no key {', '.join(missing)} among {list(names)}", remedy)
        return columns


def _objects(path: Path) -> Iterator[tuple[str, Any, str | None]]:
    """Place, object, and the video whose list it is in; a video with an empty list has an object without keys."""
    if path.suffix.lower() in _LINES:
        with open_text(path) as text:
            for number, line in enumerate(text, 1):
                if line.strip():
                    yield f"{path}:{number}", parse_json(line, f"{path}:{number}"), None
    elif _BY_VIDEO.match(head_of(path)):
        for video, listed in iter_object(path):
            for at, value in enumerate(as_list(listed, path, video) or [{}]):
                yield f"{path} {video} [{at}]", value, video
    else:
        for at_list, value in iter_list(path):
            yield f"{path} {at_list}", value, None


def _first_keys(head: str) -> list[str]:
    """The keys of the first object, as far as the beginning of a file shows it; of a list by video also `video`."""
    by_video = _BY_VIDEO.match(head)
    start = head.find("{", by_video.end() if by_video else 0)
    if start < 0 or not (by_video or head.lstrip().startswith(("[", "{"))):
        return []
    try:
        value, _ = json_decoder().raw_decode(head[start : start + _END])
    except (ValueError, RecursionError):
        return []
    return ["video"] * bool(by_video) + list(value) if isinstance(value, dict) else []


def _cell(value: Any, place: str, key: str) -> str:
    """A value as a cell of a table."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list) and key == "label":
        return json.dumps(value)
    return as_text(value, place, key).strip()
