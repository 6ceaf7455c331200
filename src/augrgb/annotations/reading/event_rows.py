"""Events from rows of cells, whatever they come from: `video, label, start, end`, and what is known of the video."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import Untimed, event_of
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.clock_times import is_time_code, seconds_of
from augrgb.annotations.reading.event_columns import EventColumns, Unit
from augrgb.annotations.reading.frame_rates import Rates, rate_of
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, raise_together
from augrgb.core.files import identifier_of
from augrgb.core.plain_data import parse_json
from augrgb.core.types import Event, VideoRecord

_ROUNDING_S = 0.0501
_SHARED = ("subject", "camera", "scene")
_ASK_RATE = "Give it: --set rate=25, or a column fps; or --videos, so that it is measured."


@dataclass(frozen=True, slots=True)
class RowOptions:
    """What options say about the events of a table.

    Args:
        unit: Of times without colons; None = what the names of the columns say, else seconds.
        rate: Frames per second of times in frames and of time codes.
        ignore: Labels of regions to be ignored.
        classes: Class list; any other label is then a mistake.
    """

    unit: Unit | None = None
    rate: Rates = None
    ignore: Sequence[str] = ()
    classes: Path | None = None


@dataclass
class EventRows:
    """Events by video, and the two readings of a column `duration` until the last row has decided.

    Args:
        path: The file, for messages.
        options: As given.
        file_id: The video where no column names one.
        length_named: The column with the video's length was named by option, or can only be that.
        decimal_comma: `1,250` is 1.25.
    """

    path: Path
    options: RowOptions
    file_id: str
    length_named: bool = False
    decimal_comma: bool = True
    events: dict[str, list[Event]] = field(default_factory=dict)
    ignored: dict[str, list[Event]] = field(default_factory=dict)
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)
    shared: dict[str, dict[str, dict[str, None]]] = field(default_factory=dict)
    conflicts: list[AugrgbError] = field(default_factory=list)
    of_events: int = 0
    beyond: int = 0
    others: int = 0
    rated: bool = False

    def take(self, row: Mapping[str, str], columns: EventColumns, where: str) -> None:
        """Add a row: cells by what they mean, "" for empty ones.

        Raises:
            InputRefused: E-ANN-002, E-ANN-005, E-ANN-007, E-ANN-035: what is wrong with it.
        """
        video = row.get("video", self.file_id)
        if not video:
            raise InputRefused("E-ANN-035", where, "the video is empty")
        more: dict[str, Any] = {"subset": row["subset"]} if row.get("subset") else {}
        for key in _SHARED:
            if row.get(key):  # an empty cell says nothing
                self.shared.setdefault(video, {}).setdefault(key, {})[row[key]] = None
        if row.get("fps"):
            more["fps"] = self._number(row, "fps", where, None, 1.0)
        rate, per_second = self._rates(row, columns.unit, video, more.get("fps"))
        duration = self._number(row, "duration", where, rate, per_second) if row.get("duration") else None
        ends_given = "end" in columns.at
        events: list[Event] = []
        if row.get("label") or row.get("start") or row.get("end"):
            start, end = (
                self._number(row, key, where, rate, per_second) if _is_there(row.get(key, "")) else None
                for key in ("start", "end")
            )
            if not ends_given and start is not None and duration is not None:
                end = start + duration
            events = [event_of(label, start, end) for label in _labels(row.get("label", ""), where)]
        if duration is not None and ends_given:
            more["duration_s"] = duration
        self._compare(video, more, next((e for e in events if not isinstance(e, Untimed)), None), where)
        listed, ignored = self.events.setdefault(video, []), self.ignored.setdefault(video, [])
        for event in events:
            (ignored if event.label in self.options.ignore and not isinstance(event, Untimed) else listed).append(event)

    def annotations(self, faults: list[AugrgbError], notes: Iterable[Finding] = ()) -> AnnotationSet:
        """All rows as annotations.

        Raises:
            AugrgbError: What is in `faults`, and rows that disagree about a video.
        """
        findings = list(notes)
        if self.of_events and self.beyond and not self.others and not self.length_named:
            for more in self.extra.values():
                more.pop("duration_s", None)
            detail = "'duration' is end - start in every row, so it is not the video's length (--set duration=COLUMN)"
            findings.append(Finding("E-ANN-043", "durations of events", "noted", str(self.path), detail))
        else:
            faults.extend(self.conflicts)
        raise_together(faults)
        if self.options.rate is not None and not self.rated:
            problem = "is for times in frames, and there are none"
            raise UsageFault("E-CFG-013", "--set rate", problem, "Leave it out, or give --set unit=frames too.")
        regions = sum(map(len, self.ignored.values()))
        if regions:
            detail = f"{regions} regions of {', '.join(self.options.ignore)} (--set 'ignore=[]' keeps them)"
            findings.append(Finding("E-ANN-018", "ignored regions", "noted", str(self.path), detail))
        findings += self._keep_shared()
        videos = {
            i: VideoRecord(i, events=tuple(listed), ignored=tuple(self.ignored[i]), **self.extra[i])
            for i, listed in self.events.items()
        }
        used = {event.label for listed in self.events.values() for event in listed if event.label}
        classes = classes_or(self.options.classes, used)
        return AnnotationSet(classes, videos, findings=tuple(findings), closed=self.options.classes is not None)

    def _keep_shared(self) -> list[Finding]:
        """Give each video its person, camera and scene; several in one video are none to hold out, which is noted."""
        findings = []
        for video, columns in self.shared.items():
            for key, values in columns.items():
                if len(values) == 1:
                    self.extra[video] = {**self.extra[video], key: next(iter(values))}
                    continue
                detail = f"several values of {key} ({', '.join(list(values)[:3])}): none is kept"
                findings.append(Finding("E-ANN-044", "rows that differ about their video", "noted", video, detail))
        return findings

    def _rates(self, row: Mapping[str, str], unit: Unit, video: str, fps: float | None) -> tuple[float | None, float]:
        """Frames per second of time codes (None: not needed), and how many of the unit are a second."""
        codes = any(is_time_code(row.get(key, "")) for key in ("start", "end"))
        if unit != "frames" and not codes:
            return None, 1000.0 if unit == "milliseconds" else 1.0
        if self.options.rate is not None:
            rate: float | None = rate_of(self.options.rate, video, self.path, _ASK_RATE)
            self.rated = True
        else:
            rate = fps
        if rate is None and unit == "frames":
            raise InputRefused(
                "E-ANN-007", self.path, "times are frame numbers, and the frame rate is not known", _ASK_RATE
            )
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise InputRefused("E-FEA-019", self.path, f"the frame rate of {video!r} is {rate:g}")
        return rate, rate if unit == "frames" and rate is not None else 1000.0 if unit == "milliseconds" else 1.0

    def _number(self, row: Mapping[str, str], key: str, where: str, rate: float | None, per_second: float) -> float:
        try:
            return seconds_of(row[key], decimal_comma=self.decimal_comma, rate=rate, per_second=per_second)
        except ValueError as error:
            raise InputRefused("E-ANN-002", where, f"{key} {error}") from error

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


def _is_there(cell: str) -> bool:
    """Whether a cell says a time; tables write `NA` and the like where nothing is known."""
    return cell.strip().upper() not in ("", "NA", "N/A", "-", "NULL", "NONE")


def file_named_finding(path: Path) -> Finding:
    """A note that the file stands for the video."""
    detail = f"nothing names the video, so it is {identifier_of(path.stem)!r}, as the file (--set video=NAME names it)"
    return Finding("E-ANN-043", "files named after videos", "noted", str(path), detail)


def _labels(cell: str, where: str) -> list[str]:
    """The labels of a cell: a list in JSON has several.

    >>> _labels('["cut", "stir"]', "row 1"), _labels("[cut]", "row 1")
    (['cut', 'stir'], ['[cut]'])
    """
    if not (cell.startswith("[") and cell.endswith("]")):
        return [cell]
    try:
        listed = parse_json(cell, where)
    except AugrgbError:  # a name in brackets
        return [cell]
    if not isinstance(listed, list) or not all(isinstance(name, str | int) for name in listed):
        return [cell]
    return list(map(str, listed)) or [""]
