"""EPIC-KITCHENS (55 and 100): its CSV, where an event has a verb, a noun, both, or a sentence as its label."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.clock_times import seconds_of
from augrgb.annotations.reading.tables import header_of, read_table
from augrgb.annotations.reading.text_files import files_below, head_of, open_text
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.searching import files_in
from augrgb.core.types import Event, VideoRecord

_TIMED = {"participant_id", "video_id", "start_timestamp", "stop_timestamp"}
_LABELED = {"verb", "verb_class", "noun", "noun_class", "narration"}
_SUBSETS = {"train": "training", "validation": "validation", "test": "testing"}


@dataclass
class _Rows:
    """Events as verb class, noun class and narration, and how often each class has which name."""

    events: dict[str, list[tuple[str, str, str, float, float]]] = field(default_factory=dict)
    labeled: set[str] = field(default_factory=set)
    subject: dict[str, str] = field(default_factory=dict)
    subset: dict[str, str] = field(default_factory=dict)
    names: dict[str, dict[str, Counter[str]]] = field(
        default_factory=lambda: {"verb": defaultdict(Counter), "noun": defaultdict(Counter)}
    )


class EpicKitchens(AnnotationFormat):
    """`EPIC_100_train.csv`, `EPIC_100_validation.csv` and the like: one file, or the folder of them.

    An event's label must be chosen: `verb` or `noun` (its class; `put-down` and `put` are one), `action` (both), or
    `narration` (the words). Classes are called as in `EPIC_100_verb_classes.csv` and `EPIC_100_noun_classes.csv`, where
    these lie beside; without them by the commonest word of the class. `EPIC_100_video_info.csv` gives durations. The
    subset follows from the file's name. Files without verbs (`test_timestamps`) are videos that were never annotated.

    Args:
        label: Which label. Required.
    """

    name = "epic-kitchens"
    suffixes = (".csv",)
    signs = ("participant_id", "start_timestamp", "stop_timestamp", "verb_class")
    folders = True

    def __init__(self, *, label: Literal["verb", "noun", "action", "narration"] | None = None) -> None:
        self.label = label

    @classmethod
    def sniff(cls, path: Path) -> bool:
        return any(_is_events(file) for file in (files_in(path, ".csv", deep=True) if path.is_dir() else [path]))

    def read(self, path: Path) -> AnnotationSet:
        if self.label is None:
            problem = "an event has a verb, a noun and a narration"
            raise UsageFault("E-ANN-028", path, problem, "Choose: --set label=verb, noun, action (both) or narration.")
        rows = _Rows()
        faults: list[AugrgbError] = []
        files = files_below(path, ".csv")
        for file in [file for file in files if _is_events(file)] or files:
            try:
                _read_events(file, rows, faults)
            except AugrgbError as fault:
                faults.append(fault)
        raise_together(faults)
        folder = path if path.is_dir() else path.parent
        names = {key: _class_names(folder, key, counted) for key, counted in rows.names.items()}
        infos = _infos(folder)
        videos = {}
        for video_id, listed in rows.events.items():
            events = tuple(Event(self._name(row, names), row[3], row[4]) for row in listed)
            duration_s, fps = infos.get(video_id, (None, None))
            videos[video_id] = VideoRecord(
                video_id,
                duration_s,
                events=events if video_id in rows.labeled else None,
                fps=fps,
                subject=rows.subject.get(video_id),
                subset=rows.subset.get(video_id),
            )
        used = {event.label for video in videos.values() for event in video.events or ()}
        order = names[self.label][0] if self.label in names else {}
        classes = [*(name for name in order.values() if name in used), *sorted(used - set(order.values()))]
        guessed = [key for key, (_, found) in names.items() if not found and self.label in (key, "action")]
        detail = ", ".join(f"EPIC_100_{key}_classes.csv" for key in guessed)
        note = Finding(
            "E-ANN-044", "names of classes", "noted", str(path), f"no {detail}: the commonest word names each"
        )
        return AnnotationSet(tuple(classes), videos, findings=(note,) if guessed else ())

    def _name(self, row: tuple[str, str, str, float, float], names: dict[str, tuple[dict[str, str], bool]]) -> str:
        verb, noun = (names[key][0].get(value, value) for key, value in zip(("verb", "noun"), row[:2], strict=True))
        return {"verb": verb, "noun": noun, "action": f"{verb} {noun}".strip()}.get(self.label or "", row[2])


def _is_events(file: Path) -> bool:
    return file.suffix.lower() == ".csv" and set(header_of(head_of(file))) >= _TIMED


def _read_events(file: Path, rows: _Rows, faults: list[AugrgbError]) -> None:
    subset = next((word for part, word in _SUBSETS.items() if part in file.stem.lower()), None)
    with open_text(file) as text:
        table = read_table(file, text)
        missing = _TIMED - set(table.names)
        if missing:
            raise InputRefused("E-ANN-034", f"{file}:1", f"no column {', '.join(sorted(missing))}")
        labeled = set(table.names) >= _LABELED
        for line, cells in table.rows:
            if len(cells) != len(table.names):
                faults.append(
                    InputRefused("E-ANN-005", f"{file}:{line}", f"{len(cells)} cells, not {len(table.names)}")
                )
                continue
            row = dict(zip(table.names, cells, strict=True))
            try:
                times = [seconds_of(row[key]) for key in ("start_timestamp", "stop_timestamp")]
            except ValueError as error:
                faults.append(InputRefused("E-ANN-002", f"{file}:{line}", str(error)))
                continue
            video_id = row["video_id"]
            events = rows.events.setdefault(video_id, [])
            rows.subject[video_id] = row["participant_id"]
            if subset is not None:
                rows.subset[video_id] = subset
            if labeled:
                rows.labeled.add(video_id)
                for key in ("verb", "noun"):
                    rows.names[key][row[f"{key}_class"]][row[key]] += 1
                events.append((row["verb_class"], row["noun_class"], row["narration"], times[0], times[1]))


def _class_names(folder: Path, key: str, counted: dict[str, Counter[str]]) -> tuple[dict[str, str], bool]:
    """Class number -> name in order of the numbers, and whether the dataset's own list was found."""
    lists = files_in(folder, ".csv", wanted=lambda name: name.endswith(f"{key}_classes.csv"))
    if lists:
        with open_text(lists[0]) as text:
            table = read_table(lists[0], text)
            at = {name: position for position, name in enumerate(table.names)}
            columns = [next((at[word] for word in words if word in at), -1) for words in _LIST_COLUMNS]
            if min(columns) >= 0:
                rows = [row for _, row in table.rows if len(row) == len(table.names)]
                return {row[columns[0]]: row[columns[1]] for row in rows}, True
    numbers = sorted(counted, key=lambda text: (not text.isdecimal(), int(text) if text.isdecimal() else 0, text))
    names: dict[str, str] = {}
    for number in numbers:
        word = min(counted[number], key=lambda name: (-counted[number][name], name))
        names[number] = word if word not in names.values() else f"{word} ({number})"
    return names, False


_LIST_COLUMNS = (("id", "verb_id", "noun_id"), ("key", "class_key"))


def _infos(folder: Path) -> dict[str, tuple[float | None, float | None]]:
    """Duration and frame rate of each video, from the dataset's table of videos."""
    found: dict[str, tuple[float | None, float | None]] = {}
    for file in files_in(folder, ".csv", wanted=lambda name: name.endswith("video_info.csv"))[:1]:
        with open_text(file) as text:
            table = read_table(file, text)
            if {"video_id", "duration"} <= set(table.names):
                for line, cells in table.rows:
                    row = dict(zip(table.names, cells, strict=False))
                    try:
                        fps = seconds_of(row["fps"]) if row.get("fps") else None
                        found[row["video_id"]] = seconds_of(row["duration"]), fps
                    except (KeyError, ValueError) as error:
                        raise InputRefused("E-ANN-005", f"{file}:{line}", f"not a row of videos: {error}") from error
    return found
