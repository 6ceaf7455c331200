"""Events from a CSV file: one row `video, label, start, end` (seconds) per action."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.reading.class_list import read_class_list
from augrgb.annotations.reading.text_files import head_of, open_text
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.files import write_text
from augrgb.core.types import Event, VideoRecord

_COLUMNS = {
    "video": {"video", "video_id", "id", "file", "filename", "video_name"},
    "label": {"label", "class", "action", "class_name", "name"},
    "start": {"start", "start_s", "start_seconds", "begin", "t_start", "onset"},
    "end": {"end", "end_s", "end_seconds", "stop", "t_end", "offset"},
}
_EXTRA = {
    "duration": {"duration", "duration_s"},
    "subset": {"subset", "split"},
    "fps": {"fps"},
    "subject": {"subject"},
    "camera": {"camera"},
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class PlainCsv(AnnotationFormat):
    """CSV with a header and one row per event: `video,label,start,end` in seconds.

    Separators `,` `;` and tab, a byte-order mark, CRLF and decimal commas (with `;` or tab) are understood, and the
    usual column names (`video_id`, `class`, `start_s`, ...). Optional columns: `duration, subset, fps, subject,
    camera`. A row whose label, start and end are empty means: annotated as empty. The file is streamed, however large.
    Cells that a spreadsheet would run as a formula are written with a leading `'`, which reading takes off again.

    Args:
        classes: Class list; any other label is then a mistake. Otherwise the classes are the sorted labels.
    """

    name = "csv"
    suffixes = (".csv", ".tsv")

    def __init__(self, *, classes: Path | None = None) -> None:
        self.classes = classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        if path.suffix.lower() not in (*cls.suffixes, ".txt") or not path.is_file():
            return False
        header = head_of(path).split("\n", 1)[0]
        columns = _positions(next(csv.reader([header.strip()], delimiter=_separator(header)), []), _COLUMNS)
        return None not in columns.values()

    def read(self, path: Path) -> AnnotationSet:
        events: dict[str, list[Event]] = {}
        extra: dict[str, dict[str, Any]] = {}
        faults: list[AugrgbError] = []
        with open_text(path) as text:
            for where, row in _rows(path, text, faults):
                try:
                    _take(row, events, extra, where)
                except AugrgbError as fault:
                    faults.append(fault)
        raise_together(faults)
        labels = {event.label for found in events.values() for event in found}
        classes = read_class_list(self.classes).classes if self.classes is not None else tuple(sorted(labels))
        videos = {video: VideoRecord(video, events=tuple(found), **extra[video]) for video, found in events.items()}
        return AnnotationSet(classes, videos, closed=self.classes is not None)

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        extra = [key for key in _EXTRA if any(_extra(video, key) is not None for video in annotations.videos.values())]
        text = StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["video", "label", "start", "end", *extra])
        for video_id, video in annotations.videos.items():
            if video.events is None:
                continue
            more = [_safe(value) if isinstance(value := _extra(video, key), str) else value for key in extra]
            for event in video.events:
                writer.writerow([_safe(video_id), _safe(event.label), repr(event.start_s), repr(event.end_s), *more])
            if not video.events:
                writer.writerow([_safe(video_id), "", "", "", *more])
        write_text(path, text.getvalue())
        return [path]


def _separator(header: str) -> str:
    return max(",;\t", key=header.count)


def _positions(names: list[str], known: dict[str, set[str]]) -> dict[str, int | None]:
    lowered = [name.strip().lower() for name in names]
    return {key: next((i for i, name in enumerate(lowered) if name in words), None) for key, words in known.items()}


def _rows(path: Path, text: Any, faults: list[AugrgbError]) -> Iterator[tuple[str, dict[str, str]]]:
    header = text.readline()
    separator = _separator(header)
    names = next(csv.reader([header], delimiter=separator), [])
    columns = _positions(names, _COLUMNS | _EXTRA)
    missing = [key for key in _COLUMNS if columns[key] is None]
    if missing:
        problem = f"no column {', '.join(missing)} in the header {[name.strip() for name in names]}"
        raise InputRefused("E-ANN-034", f"{path}:1", problem, "The first line must be: video,label,start,end")
    rows = csv.reader(text, delimiter=separator)
    try:
        for row in rows:
            where = f"{path}:{rows.line_num + 1}"
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(names):
                hint = "A decimal comma needs `;` between the cells." if len(row) > len(names) else ""
                faults.append(InputRefused("E-ANN-005", where, f"{len(row)} cells, expected {len(names)}", hint))
                continue
            cells = {key: _plain(row[column].strip()) for key, column in columns.items() if column is not None}
            if separator != ",":
                cells.update({key: cells[key].replace(",", ".") for key in ("start", "end")})
                cells.update({key: cells[key].replace(",", ".") for key in ("duration", "fps") if key in cells})
            yield where, cells
    except csv.Error as error:
        faults.append(InputRefused("E-ANN-005", f"{path}:{rows.line_num + 1}", f"not CSV: {error}"))


def _take(row: dict[str, str], events: dict[str, list[Event]], extra: dict[str, dict[str, Any]], where: str) -> None:
    if not row["video"]:
        raise InputRefused("E-ANN-035", where, "the video or the label is empty")
    found = {f"{key}_s" if key == "duration" else key: row[key] for key in _EXTRA if row.get(key)}
    more: dict[str, Any] = {
        key: _number(text, where, key) if key in ("duration_s", "fps") else text for key, text in found.items()
    }
    event = None
    if row["label"] or row["start"] or row["end"]:
        if not row["label"]:
            raise InputRefused("E-ANN-035", where, "the video or the label is empty")
        event = Event(row["label"], *(_number(row[key], where, key) for key in ("start", "end")))
    if extra.setdefault(row["video"], more) != more:
        problem = f"{more} differs from {extra[row['video']]} in an earlier row of {row['video']!r}"
        raise InputRefused("E-ANN-005", where, problem)
    found_events = events.setdefault(row["video"], [])
    if event is not None:
        found_events.append(event)


def _number(text: str, where: str, key: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputRefused("E-ANN-002", where, f"{key} {text!r} is not a number of seconds") from error


def _extra(video: VideoRecord, key: str) -> object:
    return getattr(video, "duration_s" if key == "duration" else key)


def _safe(cell: str) -> str:
    """A cell that no spreadsheet runs; `_plain` is its inverse."""
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
