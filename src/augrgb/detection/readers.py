"""Detections from files: the inverse of `writers`, and third-party files of the same formats.

Every reader refuses a time or score that is not a finite number and a segment that ends before it starts, naming the
entry; `check_durations` finds frame numbers given as seconds.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augrgb.annotations.reading.clock_times import seconds_of
from augrgb.annotations.reading.event_columns import COLUMNS, EventColumns
from augrgb.annotations.reading.tables import find_columns, read_table
from augrgb.annotations.reading.text_files import read_text
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.files import identifier_of
from augrgb.core.opening import open_regular, read_bytes
from augrgb.core.plain_data import parse_json, read_json
from augrgb.core.searching import files_in
from augrgb.core.types import Detection
from augrgb.detection.writers import CSV_COLUMNS, FORMULA_STARTS, PKU_FPS

_LABELS = ("prediction", "predicted_label", "predicted_class")
_SCORES = ("score", "confidence", "conf", "probability", "prob")
_HEADER = ",".join(CSV_COLUMNS).encode()
_CUE = re.compile(r"(?:(\d+):)?(\d\d?):(\d\d)[.,](\d{3})\s+-->\s+(?:(\d+):)?(\d\d?):(\d\d)[.,](\d{3})")


@dataclass(frozen=True, slots=True)
class DetectionFile:
    """What a file holds: detections, and the videos it covers (where the format can, also those without detections)."""

    detections: tuple[Detection, ...]
    video_ids: tuple[str, ...]


def read_activitynet(path: Path) -> DetectionFile:
    """ActivityNet JSON: `{"results": {video: [{"label", "score", "segment": [start, end]}]}}`, seconds.

    The object of videos may stand alone; a list of objects with the columns of `read_csv` is read too.

    Raises:
        InputRefused: Not such a file, or a bad entry; all bad entries together.
    """
    value = read_json(path, "detection file")
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return _listed(path, value)
    results = value.get("results", value) if isinstance(value, dict) else None
    bare = results is value and isinstance(value, dict) and not all(isinstance(rows, list) for rows in value.values())
    if not isinstance(results, dict) or bare:
        raise InputRefused("E-DET-010", path, 'no "results" object', "Expected ActivityNet detection JSON.")
    listed = [entry for entries in results.values() if isinstance(entries, list) for entry in entries]
    if listed and all(isinstance(entry, dict) and "segment" in entry and "label" not in entry for entry in listed):
        problem = "holds proposals: segments and scores without a class, as BSN and BMN write them"
        remedy = "Classify them first: each needs a label (such as the classes of the video, times their scores)."
        raise InputRefused("E-DET-010", path, problem, remedy)
    rows = [
        (f"results[{video!r}][{i}]", (video, *_entry(entry)))
        for video, entries in results.items()
        for i, entry in enumerate(entries if isinstance(entries, list) else [None])
    ]
    return DetectionFile(_detections(path, rows), tuple(results))


def read_csv(path: Path) -> DetectionFile:
    """CSV with columns `video_id,label,start_s,end_s,score`; and the usual other names; any separator.

    Times may be clock times, or milliseconds where the names of their columns say so. Without a column of the video,
    the file is named after it.

    Raises:
        InputRefused: A column is missing, or bad rows; all bad rows together.
    """
    table = read_table(path, io.StringIO(_text(path), newline=""), exact=True)
    at, per_second = _columns(path, table.names)
    rows: list[tuple[str, tuple[Any, ...]]] = []
    for line, cells in table.rows:
        row = {key: cells[i] if i < len(cells) else None for key, i in at.items()}
        times = (_written_seconds(row[key], per_second) for key in ("start", "end"))
        video = _bare(row["video"]) if "video" in at else identifier_of(path.stem)
        rows.append((f"line {line}", (video, _bare(row["label"]), *times, row["score"])))
    detections = _detections(path, rows)
    videos = dict.fromkeys(d.video_id for d in detections)
    return DetectionFile(detections, tuple(videos) if "video" in at else (identifier_of(path.stem),))


def read_lines(path: Path) -> DetectionFile:
    """JSON lines: an object per detection, with keys as the columns of a CSV.

    Raises:
        InputRefused: A line is no object, or bad entries; all together.
    """
    lines = [(number, line) for number, line in enumerate(_text(path).splitlines(), 1) if line.strip()]
    values = [(number, parse_json(line, f"{path}:{number}")) for number, line in lines]
    for number, value in values:
        if not isinstance(value, dict):
            raise InputRefused("E-DET-010", f"{path}:{number}", "is no object", "Expected one detection in each line.")
    return _listed(path, [value for _, value in values])


def _listed(path: Path, value: list[dict[str, Any]]) -> DetectionFile:
    """A list of objects, one per detection."""
    rows: list[tuple[str, tuple[Any, ...]]] = []
    for number, entry in enumerate(value):
        names = tuple(entry)
        at, per_second = _columns(path, names)
        row = {key: entry[names[i]] for key, i in at.items()}
        times = (
            _written_seconds(row[key], per_second) if isinstance(row[key], str) else _number(row[key]) / per_second
            for key in ("start", "end")
        )
        rows.append((f"[{number}]", (row.get("video", identifier_of(path.stem)), row["label"], *times, row["score"])))
    detections = _detections(path, rows)
    return DetectionFile(detections, tuple(dict.fromkeys(d.video_id for d in detections)))


def _columns(path: Path, names: Sequence[str]) -> tuple[dict[str, int], float]:
    """What -> its column, and how many units of the times are a second.

    Raises:
        InputRefused: E-DET-010, one is missing, is there twice, or holds frame numbers.
    """
    columns = EventColumns.of(names)
    at = {key: column for key, column in columns.at.items() if key in COLUMNS}
    more = find_columns(names, {"label": _LABELS, "score": _SCORES})
    at |= {key: found[0] for key, found in more.items() if found and key not in at}
    missing = [key for key in ("label", "start", "end", "score") if key not in at]
    if missing:
        problem = f"columns {', '.join(missing)} are missing, found {', '.join(names) or 'none'}"
        raise InputRefused("E-DET-010", path, problem, "Expected video,label,start,end,score.")
    for column in at.values():
        if list(names).count(names[column]) > 1:
            raise InputRefused("E-DET-010", path, f"two columns are called {names[column]!r}", "Rename one of them.")
    if columns.unit == "frames":
        problem = f"times are frame numbers ({names[at['start']]}), and no frame rate says when that is"
        raise InputRefused("E-DET-010", path, problem, "Write seconds, as columns start and end.")
    return at, 1000.0 if columns.unit == "milliseconds" else 1.0


def read_pku(folder: Path, class_names: Mapping[int, str], *, fps: float = PKU_FPS) -> DetectionFile:
    """A folder of PKU-MMD result files, `class number,start frame,end frame,confidence`; one per video.

    Args:
        class_names: Class number -> name.
        fps: Frames per second of the numbering.

    Raises:
        InputRefused: No such folder, an unknown class number, bad lines; all together.
    """
    paths = files_in(folder, ".txt")
    if not paths:
        raise InputRefused("E-DET-010", folder, "no .txt file here", "Expected one PKU-MMD result file per video.")
    names = {str(number): name for number, name in class_names.items()}
    found: list[Detection] = []
    for path in paths:
        rows: list[tuple[str, tuple[Any, ...]]] = []
        for number, line in enumerate(_text(path).splitlines(), 1):
            if line.strip():
                cells = [cell.strip() for cell in line.split(",")]
                label, start, end, score = cells if len(cells) == 4 else (None, None, None, None)
                label = names.get(label.removesuffix(".0")) if label is not None else None
                rows.append((f"line {number}", (identifier_of(path.stem), label, start, end, score)))
        for d in _detections(path, rows):
            found.append(Detection(d.video_id, d.label, d.start_s / fps, d.end_s / fps, d.score))
    return DetectionFile(tuple(found), tuple(identifier_of(path.stem) for path in paths))


_THUMOS14 = (7, 9, 12, 21, 22, 23, 24, 26, 31, 33, 36, 40, 45, 51, 68, 79, 85, 92, 93, 97)
"""Numbers of THUMOS14's 20 classes among the 101 of UCF101, in the order of their names."""


def read_thumos(path: Path, classes: Sequence[str], *, first_class: int = 1) -> tuple[DetectionFile, str]:
    """Lines `video start end class score` in seconds, as the THUMOS development kit reads them; a file, or a folder.

    Classes are names or numbers. Numbers are those of `classes` from `first_class` on; with 20 classes, numbers that
    are all among the ones that THUMOS14 gives its 20 classes are those.

    Returns:
        The detections, and a sentence on what the class numbers were taken for ("" for names).

    Raises:
        InputRefused: Bad lines, an unknown class; all together.
    """
    files = files_in(path, ".txt") if path.is_dir() else [path]
    rows: list[tuple[Path, str, list[str]]] = []
    for file in files:
        for number, line in enumerate(_text(file).splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                rows.append((file, f"line {number}", re.split(r"[,\s]+", line.strip())))
    used = {
        int(cells[3]) for _, _, cells in rows if len(cells) == 5 and cells[3].isdecimal() and cells[3] not in classes
    }
    names = _class_numbers(used, classes, first_class)
    found: list[Detection] = []
    faults: list[AugrgbError] = []
    for file, place, cells in rows:
        video, start, end, label, score = cells if len(cells) == 5 else ("", "", "", "", "")
        name = label if label in classes else names.get(int(label)) if label.isdecimal() else None
        if len(cells) == 5 and name is None:
            remedy = f"Numbers go from {min(names)} to {max(names)} here; --first-class N says where they start."
            faults.append(InputRefused("E-DET-007", file, f"{place}: unknown class {label!r}", remedy))
            continue
        try:
            found += _detections(file, [(place, (video.removesuffix(".mp4"), name, start, end, score))])
        except AugrgbError as fault:
            faults.append(fault)
    raise_together(faults[:20])
    return DetectionFile(tuple(found), tuple(dict.fromkeys(d.video_id for d in found))), _numbered(used, names)


def with_class_names(found: DetectionFile, classes: Sequence[str], first_class: int = 1) -> tuple[DetectionFile, str]:
    """Detections whose labels are all class numbers, with the names; and what the numbers were taken for."""
    labels = {d.label for d in found.detections}
    if not labels or labels & set(classes) or not all(label.isdecimal() for label in labels):
        return found, ""
    used = set(map(int, labels))
    names = _class_numbers(used, classes, first_class)
    if not used <= names.keys():
        return found, ""
    return (
        replace(found, detections=tuple(replace(d, label=names[int(d.label)]) for d in found.detections)),
        _numbered(used, names),
    )


def _class_numbers(used: Collection[int], classes: Sequence[str], first_class: int) -> dict[int, str]:
    """The classes by number: those of THUMOS14 where all that are used are among them; from 0 where a 0 is used."""
    if len(classes) == len(_THUMOS14) and set(used) <= set(_THUMOS14):
        return dict(zip(_THUMOS14, classes, strict=True))
    return dict(enumerate(classes, 0 if 0 in used else first_class))


def _numbered(used: Collection[int], names: Mapping[int, str]) -> str:
    """A sentence on what class numbers were taken for; "" where there are none."""
    numbered = ", ".join(f"{number} = {names[number]}" for number in sorted(used)[:3])
    return f"class numbers are taken as {numbered}{', ...' if len(used) > 3 else ''}" if used else ""


def is_thumos(path: Path) -> bool:
    """Whether the first line of a file, or of a folder's first file that has one, is `video start end class score`."""
    for file in files_in(path, ".txt") if path.is_dir() else [path]:
        line = next((line for line in _text(file).splitlines() if line.strip() and not line.startswith("#")), None)
        if line is not None:
            cells = re.split(r"[,\s]+", line.strip())
            return len(cells) == 5 and all(math.isfinite(_number(cells[i])) for i in (1, 2, 4))
    return False


def read_subtitles(path: Path, video_id: str) -> DetectionFile:
    """SubRip or WebVTT cues of the form `label score` of one video.

    Raises:
        InputRefused: A cue without score.
    """
    rows: list[tuple[str, tuple[Any, ...]]] = []
    lines = _text(path).splitlines()
    vtt = bool(lines) and lines[0].startswith("WEBVTT")
    for number, line in enumerate(lines, 1):
        cue = _CUE.match(line.strip())
        if cue:
            label, _, score = (lines[number] if number < len(lines) else "").rpartition(" ")
            label = _unescaped(label) if vtt else label
            parts = [float(part or 0) for part in cue.groups()]
            start, end = (((h * 60 + m) * 60_000 + s * 1000 + ms) / 1000 for h, m, s, ms in (parts[:4], parts[4:]))
            rows.append((f"line {number}", (video_id, label, start, end, score)))
    return DetectionFile(_detections(path, rows), (video_id,))


def check_durations(
    detections: Iterable[Detection], durations_s: Mapping[str, float], where: object, *, tolerance_s: float = 1.0
) -> None:
    """Refuse detections that begin before 0 or end more than `tolerance_s` after their video.

    Raises:
        InputRefused: Naming the worst detection; of videos without a known duration nothing is said.
    """
    worst = max(
        (d for d in detections if d.video_id in durations_s),
        key=lambda d: max(d.end_s - durations_s[d.video_id], -d.start_s),
        default=None,
    )
    if worst is None:
        return
    duration = durations_s[worst.video_id]
    if worst.end_s - duration > tolerance_s:
        problem = f"a detection in {worst.video_id!r} ends at {worst.end_s} s but the video lasts {duration} s"
        hint = "Are these frame numbers?" if worst.end_s > 1.5 * duration else "Is this the same video?"
        hint += " If it is right, pass --allow-outside N."
        raise InputRefused("E-DET-009", where, problem, hint)
    if worst.start_s < -tolerance_s:
        problem = f"a detection in {worst.video_id!r} starts at {worst.start_s} s"
        raise InputRefused("E-DET-009", where, problem, "Times count from the first frame.")


def _entry(entry: Any) -> tuple[Any, ...]:
    segment = entry.get("segment") if isinstance(entry, dict) else None
    if not isinstance(segment, list) or len(segment) != 2:
        return (None, None, None, None)
    return (entry.get("label"), *segment, entry.get("score"))


def _detections(path: Path, rows: list[tuple[str, tuple[Any, ...]]]) -> tuple[Detection, ...]:
    found, faults = [], list[AugrgbError]()
    for place, (video, label, start, end, score) in rows:
        numbers = [_number(value) for value in (start, end, score)]
        if isinstance(label, int) and not isinstance(label, bool):
            label = str(label)
        if not isinstance(label, str) or not label or not video or not all(map(math.isfinite, numbers)):
            problem = f"{place}: not a detection: {(video, label, start, end, score)!r}"
            remedy = "Expected a known class, finite start, end and score."
            faults.append(InputRefused("E-DET-007", path, problem, remedy))
        elif numbers[1] < numbers[0]:
            faults.append(InputRefused("E-DET-008", path, f"{place}: ends at {end} before it starts at {start}"))
        else:
            found.append(Detection(video, label, *numbers))
    raise_together(faults[:20])
    return tuple(found)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _text(path: Path) -> str:
    with open_regular(path, "detection file") as handle:
        written_here = handle.read(len(_HEADER)) == _HEADER
    if written_here:  # UTF-8 for sure, so a class name may even hold a zero byte, which elsewhere speaks for UTF-16
        try:
            return read_bytes(path, "detection file").decode()
        except UnicodeDecodeError:
            pass
    return read_text(Path(path))


def _written_seconds(cell: str | None, per_second: float = 1.0) -> float | str | None:
    try:
        return seconds_of(cell, decimal_comma=False, per_second=per_second) if cell is not None else None
    except ValueError:
        return cell


def _bare(cell: str | None) -> str | None:
    return cell[1:] if cell is not None and cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
