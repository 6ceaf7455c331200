"""Charades as distributed: `Charades_v1_train.csv` and `Charades_v1_test.csv`, one row per video, seconds."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import event_of
from augrgb.annotations.reading.class_list import ClassList, read_class_list, unnamed
from augrgb.annotations.reading.tables import header_of, read_table
from augrgb.annotations.reading.text_files import files_below, head_of, open_text
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.searching import files_in
from augrgb.core.types import VideoRecord

_COLUMNS = ("id", "actions", "length")
_CLASSES = "Charades_v1_classes.txt"

_Action = tuple[int, float | None, float | None]


class CharadesCsv(AnnotationFormat):
    """Charades CSV: column `actions` holds `c092 11.90 21.20;c147 0.00 12.60` (class, start, end in seconds).

    Reads one file, or the folder with the train and the test file; the subset is taken from the file's name. The class
    list `Charades_v1_classes.txt` is used when it lies beside them.

    Args:
        classes: Class list; without one, classes are called by their codes (`c092`).
    """

    name = "charades-csv"
    suffixes = (".csv",)
    folders = True
    signs = ("id,", "actions", "length")

    def __init__(self, *, classes: Path | None = None) -> None:
        self.classes = classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return any(set(_COLUMNS) <= set(header_of(head_of(file))) for file in _files(path))

    def read(self, path: Path) -> AnnotationSet:
        files = _files(path) or files_below(path, ".csv")
        beside = files[0].with_name(_CLASSES)
        listed = self.classes or (beside if beside.is_file() else None)
        faults: list[AugrgbError] = []
        rows: dict[str, tuple[list[_Action], VideoRecord, str]] = {}
        for file in files:
            _read_file(file, rows, faults)
        used = {action[0] for actions, _, _ in rows.values() for action in actions}
        names = read_class_list(listed) if listed is not None else unnamed(used)
        for number in sorted(used - names.names.keys()):
            faults.append(InputRefused("E-ANN-030", path, f"class c{number:03d} is not in {listed}"))
        raise_together(faults)
        return AnnotationSet(names.classes, _named(rows, names), closed=listed is not None)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return files_in(path, ".csv", wanted=lambda name: Path(name).stem.lower().endswith(("_train", "_test")))


def _read_file(
    file: Path,
    rows: dict[str, tuple[list[_Action], VideoRecord, str]],
    faults: list[AugrgbError],
) -> None:
    name = file.stem.lower()
    subset = "training" if name.endswith("train") else "testing" if name.endswith("test") else None
    with open_text(file) as text:
        table = read_table(file, text)
        missing = [column for column in _COLUMNS if column not in table.names]
        if missing:
            raise InputRefused("E-ANN-034", f"{file}:1", f"no column {', '.join(missing)}: {list(table.names)}")
        for line, cells in table.rows:
            where = f"{file}:{line}"
            row = dict(zip_longest(table.names, cells[: len(table.names)]))
            video_id = row["id"] or ""
            if video_id in rows:
                faults.append(InputRefused("E-ID-001", where, f"{video_id!r} is also at {rows[video_id][2]}"))
                continue
            try:
                actions = [_action(part) for part in (row["actions"] or "").split(";") if part.strip()]
                duration = float(row["length"] or "")
            except ValueError as error:
                faults.append(InputRefused("E-ANN-005", where, f"{video_id!r}: {error}"))
                continue
            video = VideoRecord(video_id, duration_s=duration, subset=subset, subject=row.get("subject") or None)
            rows[video_id] = (actions, video, where)


def _action(text: str) -> _Action:
    """Class, start and end; None where no times are written."""
    code, *times = text.split()
    if len(times) not in (0, 2):
        raise ValueError(f"{text.strip()!r}: expected a class, a start and an end")
    if not (code.startswith("c") and code[1:].isdecimal()):
        raise ValueError(f"class {code!r}, expected one like 'c092'")
    return (int(code[1:]), float(times[0]), float(times[1])) if times else (int(code[1:]), None, None)


def _named(rows: dict[str, tuple[list[_Action], VideoRecord, str]], names: ClassList) -> dict[str, VideoRecord]:
    videos = {}
    for video_id, (actions, video, _) in rows.items():
        events = tuple(event_of(names.names[number], start, end) for number, start, end in actions)
        videos[video_id] = replace(video, events=events)
    return videos
