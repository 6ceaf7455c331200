"""Events from a table: one row `video, label, start, end` per action."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any, Literal, TextIO

from augrgb.annotations.annotation_format import AnnotationFormat, Near
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.clock_times import seconds_of
from augrgb.annotations.reading.frame_rates import Rates, rate_of
from augrgb.annotations.reading.tables import column_name, find_columns, header_of, read_table
from augrgb.annotations.reading.text_files import head_of, open_text
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, did_you_mean, raise_together
from augrgb.core.files import write_text
from augrgb.core.opening import is_file
from augrgb.core.timeline import FrameCounting
from augrgb.core.types import Event, VideoRecord

COLUMNS = {
    "video": (
        *("video_id", "id", "video_name", "video_file", "file", "filename", "file_name", "media_file"),
        *("media_file_path", "media", "clip", "clip_id"),
    ),
    "label": (
        *("class", "action", "class_name", "label_name", "action_name", "name", "behavior", "behaviour", "activity"),
        *("event", "category", "type", "annotation", "trial_type", "label_idx", "label_id", "label_index", "class_idx"),
        *("class_id", "class_index", "action_id", "category_id", "activity_id", "cls"),
    ),
    "start": (
        *("start_s", "start_seconds", "start_sec", "start_time", "begin", "begin_time", "t_start", "t_init", "onset"),
        *("start_timestamp", "from"),
    ),
    "end": (
        *("end_s", "end_seconds", "end_sec", "end_time", "stop", "stop_s", "stop_time", "t_end", "t_stop", "offset"),
        *("end_timestamp", "stop_timestamp", "finish", "to"),
    ),
}
_EXTRA = {
    "duration": ("duration_s", "video_duration", "video_length", "total_length"),
    "subset": ("split",),
    "fps": ("frame_rate", "framerate"),
    "subject": (),
    "camera": (),
    "scene": ("room",),
}
_LENGTHS = ("video_duration", "video_length", "total_length")
_ROUNDING_S = 0.0501
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class PlainCsv(AnnotationFormat):
    """CSV with a header and one row per event: `video,label,start,end`.

    Times are seconds or clock times (`0:01:02.5`). Any encoding and line end; separated by `,` `;` tab, `|` or blanks,
    with a line `sep=;` or without; decimal commas, where the comma does not separate cells or the cell is quoted. The
    usual column names are understood (`video_id`, `class`, `Start Time (s)`, ...); the first-named ones win, and
    others that could be meant are noted. Optional columns: `duration, subset, fps, subject, camera, scene`. A column
    `duration` that is `end - start` in every row belongs to the events; without a column for the end it gives the
    end. A row whose label, start and end are empty means: annotated as empty. The file is streamed, however large.
    Cells that a spreadsheet would run as a formula are written with a leading `'`, which reading takes off again.

    Args:
        classes: Class list; any other label is then a mistake. Otherwise the classes are the sorted labels.
        video, label, start, end: Names of these columns, where they have others than the usual.
        duration: Name of the column with the video's length.
        unit: What times without colons are: seconds, milliseconds, or frames counted from 0, the end exclusive.
        rate: Frames per second of times in frames: one number, or per video; else the column `fps` has it.
    """

    name = "csv"
    suffixes = (".csv", ".tsv")
    generic = True

    def __init__(
        self,
        *,
        classes: Path | None = None,
        video: str | None = None,
        label: str | None = None,
        start: str | None = None,
        end: str | None = None,
        duration: str | None = None,
        unit: Literal["seconds", "milliseconds", "frames"] = "seconds",
        rate: Rates = None,
    ) -> None:
        self.classes, self.unit, self.rate = classes, unit, rate
        if rate is not None and unit != "frames":
            raise UsageFault("E-CFG-013", "--set rate", "is for times in frames", "Give --set unit=frames too.")
        given = {"video": video, "label": label, "start": start, "end": end, "duration": duration}
        self.columns = {key: name for key, name in given.items() if name is not None}

    @classmethod
    def sniff(cls, path: Path) -> bool:
        near = cls.near(path)
        return near is not None and not near.missing

    @classmethod
    def near(cls, path: Path) -> Near | None:
        if path.suffix.lower() not in (*cls.suffixes, ".txt") or not is_file(path):
            return None
        names = header_of(head_of(path))
        if {"classname", "youtube_id"} <= set(names):
            clips = "these are HACS clips, samples of 2 s with label 1 (the action) and -1 (not it), no segments"
            return Near(0.9, f"{clips}; take HACS_segments JSON")
        columns = find_columns(names, COLUMNS | _EXTRA)
        has = {key: bool(columns[key]) for key in COLUMNS}
        has["end"] = has["end"] or bool(columns["duration"])
        missing = [key for key, found in has.items() if not found]
        if not missing or len(names) < 2:
            return Near(1.0, "") if not missing else None
        said = f"no column {', '.join(missing)} among {', '.join(names)[:160]}"
        return Near(sum(has.values()) / len(has), f"{said} (--set {missing[0]}=COLUMN names it)")

    def read(self, path: Path) -> AnnotationSet:
        faults: list[AugrgbError] = []
        with open_text(path) as text:
            rows = _Rows(path, text, self.columns)
            videos = _Videos(path, ends_given=rows.columns.get("end") is not None, length_named=rows.length_named)
            try:
                for where, row in rows.cells(faults):
                    try:
                        videos.take(row, where, rows)
                    except AugrgbError as fault:
                        faults.append(fault)
            except InputRefused as fault:
                faults.append(fault)
        found, findings = videos.records(faults)
        found = self._in_seconds(found, path, faults)
        raise_together(faults)
        labels = {event.label for video in found.values() for event in video.events or () if event.label}
        classes = classes_or(self.classes, labels)
        return AnnotationSet(classes, found, findings=(*rows.findings(), *findings), closed=self.classes is not None)

    def _in_seconds(
        self, videos: dict[str, VideoRecord], path: Path, faults: list[AugrgbError]
    ) -> dict[str, VideoRecord]:
        """The videos with times that were written in the unit; a video without a frame rate is added to `faults`."""
        if self.unit == "seconds":
            return videos
        found = {}
        for video_id, video in videos.items():
            try:
                given = 1000.0 if self.unit == "milliseconds" else self._rate_of(video, path)
            except AugrgbError as fault:
                faults.append(fault)
                continue
            events = tuple(Event(e.label, e.start_s / given, e.end_s / given) for e in video.events or ())
            duration_s = None if video.duration_s is None else video.duration_s / given
            found[video_id] = replace(video, events=events, duration_s=duration_s)
        return found

    def _rate_of(self, video: VideoRecord, path: Path) -> float:
        if self.rate is None and video.fps is not None:
            return FrameCounting(video.fps).fps
        return FrameCounting(rate_of(self.rate, video.video_id, path, "Give it: --set rate=25, or a column fps.")).fps

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        extra = [key for key in _EXTRA if any(_extra(video, key) is not None for video in annotations.videos.values())]
        text = StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        named = ["video_duration" if key == "duration" else key for key in extra]  # `duration` could be the event's
        writer.writerow(["video", "label", "start", "end", *named])
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


class _Rows:
    """The rows of a table by what their columns mean."""

    def __init__(self, path: Path, text: TextIO, given: Mapping[str, str]) -> None:
        self._path, self._given = path, given
        self._table = read_table(path, text)
        self._names = self._table.names
        self._found = find_columns(self._names, COLUMNS | _EXTRA)
        for key, name in given.items():
            self._found[key] = [self._named(key, name)]
        taken = {self._found[key][0] for key in given}
        for key in self._found.keys() - given.keys():  # a column that was named has no second meaning
            self._found[key] = [column for column in self._found[key] if column not in taken]
        self.columns = {key: columns[0] for key, columns in self._found.items() if columns}
        missing = [key for key in COLUMNS if key not in self.columns]
        if "duration" in self.columns and missing == ["end"]:
            missing = []
        if missing:
            problem = f"no column {', '.join(missing)} in the header {list(self._names)}"
            remedy = f"Expected video,label,start,end; name other columns: --set {missing[0]}=COLUMN."
            raise InputRefused("E-ANN-034", f"{path}:1", problem, remedy)

    @property
    def length_named(self) -> bool:
        """Whether the column of durations can only be that of the videos: it was named by option, or says so."""
        column = self.columns.get("duration")
        return "duration" in self._given or (column is not None and column_name(self._names[column]) in _LENGTHS)

    def cells(self, faults: list[AugrgbError]) -> Iterator[tuple[str, dict[str, str]]]:
        """Place in the file and cells of each row; rows of another length are added to `faults`."""
        for line, row in self._table.rows:
            where = f"{self._path}:{line}"
            if len(row) != len(self._names):
                hint = "A decimal comma needs `;` between the cells." if len(row) > len(self._names) else ""
                faults.append(InputRefused("E-ANN-005", where, f"{len(row)} cells, expected {len(self._names)}", hint))
                continue
            yield where, {key: _plain(row[column].strip()) for key, column in self.columns.items()}

    def number(self, row: Mapping[str, str], key: str, where: str) -> float:
        """A time, duration or rate.

        Raises:
            InputRefused: E-ANN-002.
        """
        try:
            return seconds_of(row[key], decimal_comma=self._table.separator != ",")
        except ValueError as error:
            raise InputRefused("E-ANN-002", where, f"{key} {error}") from error

    def findings(self) -> list[Finding]:
        """A note for each column that could have been meant too."""
        found = []
        for key in COLUMNS:
            first, *others = self._found[key] or [0]
            if others and key not in self._given:
                names = ", ".join(repr(self._names[other]) for other in others)
                detail = (
                    f"{self._names[first]!r} is the {key}; {names} is left alone (--set {key}={self._names[others[0]]})"
                )
                found.append(Finding("E-ANN-043", "several columns could be meant", "noted", str(self._path), detail))
        return found

    def _named(self, key: str, name: str) -> int:
        if name not in self._names:
            problem = f"no column {name!r} in the header {list(self._names)}"
            raise UsageFault("E-CFG-003", f"--set {key}={name}", problem, did_you_mean(name, self._names))
        return self._names.index(name)


@dataclass
class _Videos:
    """Events by video, and the two readings of a column `duration` until the last row has decided.

    Args:
        ends_given: There is a column for the end.
        length_named: The column with the video's length was named by option, or can only be that.
    """

    path: Path
    ends_given: bool
    length_named: bool
    events: dict[str, list[Event]] = field(default_factory=dict)
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)
    conflicts: list[AugrgbError] = field(default_factory=list)
    of_events: int = 0
    beyond: int = 0
    others: int = 0

    def take(self, row: dict[str, str], where: str, rows: _Rows) -> None:
        """Add a row.

        Raises:
            InputRefused: E-ANN-002, E-ANN-005, E-ANN-035: what is wrong with it.
        """
        if not row["video"]:
            raise InputRefused("E-ANN-035", where, "the video is empty")
        more: dict[str, Any] = {key: row[key] for key in ("subset", "subject", "camera", "scene") if row.get(key)}
        if row.get("fps"):
            more["fps"] = rows.number(row, "fps", where)
        duration = rows.number(row, "duration", where) if row.get("duration") else None
        event = None
        if row["label"] or row["start"] or row.get("end"):
            start = rows.number(row, "start", where)
            if not self.ends_given and duration is None:
                raise InputRefused("E-ANN-002", where, "there is neither an end nor a duration")
            end = rows.number(row, "end", where) if self.ends_given else start + (duration or 0.0)
            event = Event(row["label"], start, end)
        if duration is not None and self.ends_given:
            more["duration_s"] = duration
        self._compare(row["video"], more, event, where)
        listed = self.events.setdefault(row["video"], [])
        if event is not None:
            listed.append(event)

    def records(self, faults: list[AugrgbError]) -> tuple[dict[str, VideoRecord], list[Finding]]:
        """The videos; rows that disagree about one are added to `faults`."""
        findings = []
        if self.of_events and self.beyond and not self.others and not self.length_named:
            for more in self.extra.values():
                more.pop("duration_s", None)
            detail = "'duration' is end - start in every row, so it is not the video's length (--set duration=COLUMN)"
            findings.append(Finding("E-ANN-043", "durations of events", "noted", str(self.path), detail))
        else:
            faults.extend(self.conflicts)
        videos = {i: VideoRecord(i, events=tuple(listed), **self.extra[i]) for i, listed in self.events.items()}
        return videos, findings

    def _compare(self, video: str, more: dict[str, Any], event: Event | None, where: str) -> None:
        """Note a row that says something else about its video than its first row, and whose duration it gives."""
        length = more.get("duration_s")
        if length is not None:
            of_event = event is not None and math.isclose(event.end_s - event.start_s, length, abs_tol=_ROUNDING_S)
            self.of_events += of_event
            self.others += not of_event
            self.beyond += event is not None and event.end_s > length + _ROUNDING_S
        first = self.extra.setdefault(video, more)
        if first == more:
            return
        fault = InputRefused("E-ANN-005", where, f"{more} differs from {first} in an earlier row of {video!r}")
        same = {k: v for k, v in first.items() if k != "duration_s"} == {
            k: v for k, v in more.items() if k != "duration_s"
        }
        if not same:
            raise fault
        self.conflicts.append(fault)


def _extra(video: VideoRecord, key: str) -> object:
    return getattr(video, "duration_s" if key == "duration" else key)


def _safe(cell: str) -> str:
    """A cell that no spreadsheet runs; `_plain` is its inverse."""
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
