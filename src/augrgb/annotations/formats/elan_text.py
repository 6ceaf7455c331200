"""ELAN's tab-delimited text export: a row per annotation, or a column per tier."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.clock_times import seconds_of
from augrgb.annotations.reading.text_files import files_below, first_below, head_of, read_text
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, did_you_mean, raise_together
from augrgb.core.types import Event, VideoRecord

_HEADER = re.compile(r"^(Begin Time|End Time|Duration) - (.+)$")
_CLOCK = re.compile(r"^\d+:\d\d:\d\d[.,]\d{3}$")
_SECONDS = re.compile(r"^\d+[.,]\d+$")
_WHOLE = re.compile(r"^\d+$")
_DOCUMENT = re.compile(r"^\"?#?(?:file:)?(.*\.eaf)\b.*$", re.IGNORECASE)
_UNITS = ("hh:mm:ss.ms", "ss.msec", "msec")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where times, tiers and values stand in a row.

    Args:
        begin, end: Columns of the times.
        seconds: How a time is read.
        ends_are_lengths: The second time is a duration.
        tiers: Column -> name of its tier, for a column per tier.
        tier: Column with the tier's name, for a row per annotation; its value stands in `value`.
        file: Column with the name of the file.
    """

    begin: int
    end: int
    seconds: Callable[[str], float]
    ends_are_lengths: bool
    tiers: Mapping[int, str]
    tier: int | None = None
    value: int | None = None
    file: int | None = None


class ElanText(AnnotationFormat):
    """Tab-delimited text of ELAN, with times as `hh:mm:ss.ms`, `ss.msec` or `msec`.

    Both layouts are read: rows of tier, participant, times and value without a header; and rows of times with a column
    per tier, whose header names the units. The video's id is the name of the `.eaf` file where the text has it, else
    the file's. Annotations without a text are ignored regions. Spreadsheets may have made it a CSV.

    Args:
        tiers: Names of the tiers to read; default: all.
        label: `tier` where the tier's name is the action, whatever the annotations say.
        classes: Class list; any other label is then a mistake.
    """

    name = "elan-text"
    suffixes = (".txt", ".tsv", ".csv")
    line = "tier\\t\\t00:00:01.000\\t00:00:02.000\\tcut"
    folders = True
    zero = "player"

    def __init__(
        self,
        *,
        tiers: tuple[str, ...] | None = None,
        label: Literal["text", "tier"] = "text",
        classes: Path | None = None,
    ) -> None:
        self.tiers, self.label, self.classes = tiers, label, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        path = first_below(path, *cls.suffixes)
        if path.suffix.lower() not in cls.suffixes:
            return False
        head = head_of(path)
        rows = _rows(head)[1] if "CSV_HEADER" not in head else []  # else one of VIA's
        return bool(rows) and _columns(rows) is not None

    def read(self, path: Path) -> AnnotationSet:
        faults: list[AugrgbError] = []
        events: dict[str, list[Event]] = {}
        seen: set[str] = set()
        for file in files_below(path, *self.suffixes):
            try:
                self._read_file(file, events, seen)
            except AugrgbError as fault:
                faults.append(fault)
        raise_together(faults)
        for tier in self.tiers or ():
            if tier not in seen:
                raise UsageFault("E-ANN-027", path, f"no tier {tier!r}", did_you_mean(tier, seen))
        used = {event.label for listed in events.values() for event in listed if event.label}
        return AnnotationSet(
            classes_or(self.classes, used),
            {
                video_id: VideoRecord(video_id, events=tuple(sorted(listed, key=_by_time)))
                for video_id, listed in events.items()
            },
            closed=self.classes is not None,
        )

    def _read_file(self, file: Path, events: dict[str, list[Event]], seen: set[str]) -> None:
        document, rows = _rows(read_text(file))
        own: dict[str, list[Event]] = {}
        video_id = document or file.stem
        columns = _columns(rows)
        if rows and columns is None:
            remedy = "Export it with columns for the begin and end times."
            raise InputRefused("E-ANN-034", file, "no columns of begin and end times, as ELAN exports them", remedy)
        faults: list[AugrgbError] = []
        for line, row in rows:
            assert columns is not None  # there is no row where there are no columns
            if _HEADER.match(row[columns.begin] if columns.begin < len(row) else ""):
                continue
            try:
                start_s, end_s = columns.seconds(row[columns.begin]), columns.seconds(row[columns.end])
            except (IndexError, ValueError) as error:
                faults.append(InputRefused("E-ANN-005", f"{file}:{line}", f"not a row of ELAN's export: {error}"))
                continue
            end_s = start_s + end_s if columns.ends_are_lengths else end_s
            one = _stem(row[columns.file]) if columns.file is not None and columns.file < len(row) else video_id
            listed = own.setdefault(one or video_id, [])
            for tier, value in _annotations(columns, row):
                seen.add(tier)
                if self.tiers is None or tier in self.tiers:
                    listed.append(Event(tier if self.label == "tier" else value.strip(), start_s, end_s))
        raise_together(faults)
        for one, listed in (own or {video_id: []}).items():
            if one in events:
                raise InputRefused("E-ID-001", file, f"a second file for the video {one!r}")
            events[one] = listed


def _rows(text: str) -> tuple[str, list[tuple[int, list[str]]]]:
    """The name of the document, where the lines above the table have it, and line number and cells of each row."""
    lines = text.splitlines()
    document, first = "", 0
    while first < len(lines) and (not lines[first].strip() or lines[first].lstrip('"').startswith("#")):
        match = _DOCUMENT.match(lines[first].strip())
        document = document or (_stem(match[1]) if match else "")
        first += 1
    separator = max("\t;,", key=(lines[first] if first < len(lines) else "").count)
    reader = csv.reader(lines[first:], delimiter=separator)
    try:
        return document, [(reader.line_num + first, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error:
        return document, []


def _columns(rows: Sequence[tuple[int, list[str]]]) -> _Columns | None:
    """What the columns are: by the header, or by the times of the first row."""
    if not rows:
        return None
    head = [cell.strip() for cell in rows[0][1]]
    named = {at: (match[1], match[2].strip()) for at, cell in enumerate(head) if (match := _HEADER.match(cell))}
    return _by_header(head, named) if named else _by_times(head)


def _by_header(head: list[str], named: Mapping[int, tuple[str, str]]) -> _Columns | None:
    at = {value: column for column, value in named.items()}
    for unit in _UNITS:
        begin, end, length = (at.get((kind, unit)) for kind in ("Begin Time", "End Time", "Duration"))
        second = end if end is not None else length
        if begin is None or second is None:
            continue
        others = {column: name for column, name in enumerate(head) if column not in named}
        lowered = {name.lower(): column for column, name in others.items()}
        file = lowered.get("file", lowered.get("file path"))
        about = {"file", "file path", "file name", "participant", "annotator", "tier", ""}
        tiers = {column: name for column, name in others.items() if name.lower() not in about}
        tier = lowered.get("tier")
        value = next(iter(tiers), None) if tier is not None else None
        return _Columns(begin, second, _reader(unit), end is None, {} if tier is not None else tiers, tier, value, file)
    return None


def _by_times(row: list[str]) -> _Columns | None:
    """Tier, participant, times in one or more units, value, and perhaps the file."""
    for unit, pattern in zip(_UNITS, (_CLOCK, _SECONDS, _WHOLE), strict=True):
        times = [column for column in range(1, len(row)) if pattern.match(row[column].strip())]
        if len(times) < 2:
            continue
        every = [c for c in range(1, len(row)) if any(p.match(row[c].strip()) for p in (_CLOCK, _SECONDS, _WHOLE))]
        run = [c for c in every if all(between in every for between in range(min(times), c + 1))]
        value = max(run) + 1
        if value >= len(row) or min(times) > 2 or (unit == "msec" and len(row) < 4):
            return None
        file = next((c for c in range(value + 1, len(row)) if row[c].lower().endswith(".eaf")), None)
        return _Columns(times[0], times[1], _reader(unit), False, {}, 0, value, file)
    return None


def _annotations(columns: _Columns, row: list[str]) -> list[tuple[str, str]]:
    """Tier and text of each annotation of a row; in columns of tiers an empty cell is no annotation."""
    if columns.tier is not None:
        value = row[columns.value] if columns.value is not None and columns.value < len(row) else ""
        return [(row[columns.tier].strip(), value)]
    return [(name, row[c]) for c, name in columns.tiers.items() if c < len(row) and row[c].strip()]


def _reader(unit: str) -> Callable[[str], float]:
    return (lambda text: float(text) / 1000.0) if unit == "msec" else seconds_of


def _stem(text: str) -> str:
    return unquote(PurePosixPath(text.strip().strip('"').replace("\\", "/")).stem)


def _by_time(event: Event) -> tuple[float, float]:
    return event.start_s, event.end_s
