"""Events from a CSV file: one row `video, label, start, end` (seconds) per action.

Separators `,` `;` and tab, a byte-order mark, CRLF and decimal commas (with `;` or tab) are understood. Column names may
be the usual ones (`video_id`, `class`, `start_s`, ...). Every bad row is reported with its line number, all together.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.types import Event

_COLUMNS = {
    "video": {"video", "video_id", "id", "file", "filename", "video_name"},
    "label": {"label", "class", "action", "class_name", "name"},
    "start": {"start", "start_s", "start_seconds", "begin", "t_start", "onset"},
    "end": {"end", "end_s", "end_seconds", "stop", "t_end", "offset"},
}


@dataclass(frozen=True, slots=True)
class CsvEvent:
    """One row: the video's name as written, the event, and the line it stands on."""

    video: str
    event: Event
    line: int


def read_csv_events(path: Path) -> list[CsvEvent]:
    """Read all rows.

    Raises:
        InputRefused: Not text, a column is missing, or rows are bad (all of them, by line).
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputRefused("E-FILE-001", path, "no such annotation file") from error
    except UnicodeDecodeError as error:
        raise InputRefused("E-FILE-002", path, f"not UTF-8 at byte {error.start}", "Save it as UTF-8.") from error
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    names = [name.strip().lower() for name in next(rows, [])]
    columns = {key: next((i for i, n in enumerate(names) if n in known), None) for key, known in _COLUMNS.items()}
    missing = [key for key, column in columns.items() if column is None]
    if missing:
        raise InputRefused(
            "E-ANN-005",
            f"{path}:1",
            f"no column {', '.join(missing)} in the header {names}",
            "The first line must be: video,label,start,end",
        )
    events: list[CsvEvent] = []
    faults: list[AugrgbError] = []
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        where = f"{path}:{rows.line_num}"
        try:
            cells = {key: row[column].strip() for key, column in columns.items() if column is not None}
        except IndexError:
            faults.append(InputRefused("E-ANN-005", where, f"{len(row)} cells, expected {len(names)}"))
            continue
        try:
            times = [
                float(cells[key].replace(",", ".") if separator != "," else cells[key]) for key in ("start", "end")
            ]
        except ValueError:
            faults.append(
                InputRefused("E-ANN-002", where, f"start {cells['start']!r}, end {cells['end']!r}: not seconds")
            )
            continue
        if not all(map(math.isfinite, times)) or times[1] <= times[0] or times[0] < 0:
            faults.append(
                InputRefused("E-ANN-002", where, f"start {times[0]} and end {times[1]} are not 0 <= start < end")
            )
        elif not cells["video"] or not cells["label"]:
            faults.append(InputRefused("E-ANN-005", where, "the video or the label is empty"))
        else:
            events.append(CsvEvent(cells["video"], Event(cells["label"], times[0], times[1]), rows.line_num))
    raise_together(faults)
    return events
