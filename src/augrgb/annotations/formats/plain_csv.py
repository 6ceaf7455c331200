"""Events from a table: one row `video, label, start, end` per action."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat, Near
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.event_columns import COLUMNS, EXTRA, LENGTHS, EventColumns, Unit, refuse_other_video
from augrgb.annotations.reading.event_rows import EventRows, RowOptions, file_named_finding
from augrgb.annotations.reading.frame_rates import Rates
from augrgb.annotations.reading.tables import Table, column_name, header_of, read_table
from augrgb.annotations.reading.text_files import head_of, open_text
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import identifier_of, write_text
from augrgb.core.opening import is_file
from augrgb.core.types import VideoRecord

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class PlainCsv(AnnotationFormat):
    """CSV with a header and one row per event: `video,label,start,end`.

    Times are seconds or clock times (`0:01:02.5`). Any encoding and line end; separated by `,` `;` tab, `|` or blanks,
    with a line `sep=;` or without; decimal commas, where the comma does not separate cells or the cell is quoted. The
    usual column names are understood (`video_id`, `class`, `Start Time (s)`, `start_ms`, `endFrame`, ...); times in
    seconds come before others, the first-named ones win, and others that could be meant are noted. Without a column of
    the video, the file is named after it. Optional columns: `duration, subset, fps, subject, camera, scene`. A column
    `duration` that is `end - start` in every row belongs to the events; without a column for the end it gives the
    end. A cell with a JSON list of labels has several events. A row whose label, start and end are empty means:
    annotated as empty. The file is streamed, however large. Cells that a spreadsheet would run as a formula are written
    with a leading `'`, which reading takes off again.

    Args:
        classes: Class list; any other label is then a mistake. Otherwise the classes are the sorted labels.
        video, label, start, end: Names of these columns, where they have others than the usual.
        duration: Name of the column with the video's length.
        columns: Names of all columns, where the first line is a row and no header.
        unit: What times without colons are: seconds, milliseconds, or frames counted from 0, the end exclusive.
            Default: as the names of their columns say, else seconds.
        rate: Frames per second of times in frames and of time codes (`00:00:01:12`): one number, or per video; else the
            column `fps` has it.
        ignore: Labels of regions to be ignored.
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
        columns: tuple[str, ...] | None = None,
        unit: Unit | None = None,
        rate: Rates = None,
        ignore: tuple[str, ...] = ("Ambiguous",),
    ) -> None:
        self.options = RowOptions(unit, rate, ignore, classes)
        self.columns = columns
        given = {"video": video, "label": label, "start": start, "end": end, "duration": duration}
        self.given = {key: name for key, name in given.items() if name is not None}

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
        columns = EventColumns.of(names)
        if not set(columns.missing) - {"video"}:
            return Near(1.0, "")
        if len(names) < 2:
            return None
        shown = ", ".join(names)[:160]
        if any(name.replace(".", "").replace(":", "").isdecimal() for name in names):
            return Near(
                0.5, f"the first line is no header: {shown} (--set 'columns=[start, end, label]' names columns)"
            )
        said = f"no column {', '.join(columns.missing)} among {shown}"
        share = 1 - len(columns.missing) / len(COLUMNS)
        return Near(share, f"{said} (--set {columns.missing[-1]}=COLUMN names it)")

    def read(self, path: Path) -> AnnotationSet:
        faults: list[AugrgbError] = []
        with open_text(path) as text:
            table = read_table(path, text, names=self.columns)
            columns = self._columns(path, table)
            rows = EventRows(
                path,
                self.options,
                identifier_of(path.stem),
                length_named="duration" in self.given or _says_length(table, columns),
                decimal_comma=table.separator != ",",
            )
            try:
                for line, cells in table.rows:
                    where = f"{path}:{line}"
                    if "video" not in columns.at and not rows.events:
                        refuse_other_video(table.names, cells, columns, where)
                    try:
                        rows.take(_cells(table, cells, columns, where), columns, where)
                    except AugrgbError as fault:
                        faults.append(fault)
                        if fault.code == "E-ANN-007":  # the same of every row
                            break
            except InputRefused as fault:
                faults.append(fault)
        return rows.annotations(faults, _notes(path, table, columns))

    def _columns(self, path: Path, table: Table) -> EventColumns:
        """What the columns mean.

        Raises:
            InputRefused: E-ANN-034, one is missing, or there twice.
        """
        columns = EventColumns.of(table.names, self.given, self.options.unit)
        missing = [key for key in columns.missing if key != "video" or len(columns.missing) > 1]
        if missing:
            problem = f"no column {', '.join(missing)} in the header {list(table.names)}"
            remedy = f"Expected video,label,start,end; name other columns: --set {missing[-1]}=COLUMN."
            raise InputRefused("E-ANN-034", f"{path}:1", problem, remedy)
        for at in columns.at.values():
            if table.names.count(table.names[at]) > 1:
                problem = f"two columns are called {table.names[at]!r}"
                raise InputRefused("E-ANN-034", f"{path}:1", problem, "Rename or remove one of them.")
        return columns

    def write(self, annotations: AnnotationSet, path: Path) -> list[Path]:
        extra = [key for key in EXTRA if any(_extra(video, key) is not None for video in annotations.videos.values())]
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


def _cells(table: Table, cells: list[str], columns: EventColumns, where: str) -> dict[str, str]:
    """The cells of a row by what they mean."""
    while len(cells) > len(table.names) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != len(table.names):
        hint = "A decimal comma needs `;` between the cells." if len(cells) > len(table.names) else ""
        raise InputRefused("E-ANN-005", where, f"{len(cells)} cells, expected {len(table.names)}", hint)
    return {key: _plain(cells[column].strip()) for key, column in columns.at.items()}


def _says_length(table: Table, columns: EventColumns) -> bool:
    """Whether the column of durations can only be that of the videos."""
    return "duration" in columns.at and column_name(table.names[columns.at["duration"]]) in LENGTHS


def _notes(path: Path, table: Table, columns: EventColumns) -> Iterable[Finding]:
    """A note for each column that could have been meant too, and for a video that no column names."""
    for key, others in columns.others.items():
        if others:
            named = ", ".join(repr(table.names[other]) for other in others)
            first = table.names[columns.at[key]]
            detail = f"{first!r} is the {key}; {named} is left alone (--set {key}={table.names[others[0]]})"
            yield Finding("E-ANN-043", "several columns could be meant", "noted", str(path), detail)
    if "video" not in columns.at:
        yield file_named_finding(path)


def _extra(video: VideoRecord, key: str) -> object:
    return getattr(video, "duration_s" if key == "duration" else key)


def _safe(cell: str) -> str:
    """A cell that no spreadsheet runs; `_plain` is its inverse."""
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
