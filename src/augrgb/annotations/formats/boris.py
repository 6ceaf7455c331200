"""BORIS: a project (`.boris`), or its exports of aggregated events and of tabular events (START, STOP)."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.clock_times import seconds_of
from augrgb.annotations.reading.json_reader import iter_json
from augrgb.annotations.reading.json_values import as_list, as_number, as_object, as_text, member
from augrgb.annotations.reading.text_files import files_below, first_below, head_of, read_text
from augrgb.core.errors import AugrgbError, InputRefused, raise_together
from augrgb.core.types import Event, VideoRecord

_PLAYER = re.compile(r"^PLAYER\s*#\d+\s*:\s*", re.IGNORECASE)
_MEDIA = ("Media file", "Media file name", "Media file path")
_SUFFIXES = (".boris", ".tsv", ".csv", ".txt")


@dataclass
class _Video:
    """What is known of a video while files are read: state changes wait for their second half."""

    observation: str
    duration_s: float | None = None
    fps: float | None = None
    events: list[Event] = field(default_factory=list)
    running: dict[tuple[str, ...], float] = field(default_factory=dict)

    def change(self, key: tuple[str, ...], label: str, time_s: float) -> None:
        """A state event starts, or the running one of this key stops."""
        started_s = self.running.pop(key, None)
        if started_s is None:
            self.running[key] = time_s
        else:
            self.events.append(Event(label, started_s, time_s))


class Boris(AnnotationFormat):
    """BORIS observations of one media file each; the label is the behavior, times are seconds of the media file.

    Point events have no length and are no events here; they are counted. Modifiers and subjects are not kept.
    Observations that play several files one after another, or that have a time offset, are refused: nothing in the
    tables says where a file begins.

    Args:
        classes: Class list; any other behavior is then a mistake.
    """

    name = "boris"
    suffixes = _SUFFIXES
    signs = ("Behavior", "Observation id", "Media file")
    zero = "player"
    folders = True

    def __init__(self, *, classes: Path | None = None) -> None:
        self.classes = classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        path = first_below(path, *_SUFFIXES)
        head = head_of(path)
        if head.lstrip().startswith("{"):
            return '"behaviors_conf"' in head or '"project_format_version"' in head
        return path.suffix.lower() in _SUFFIXES and any(_is_header(line) for line in head.splitlines()[:60])

    def read(self, path: Path) -> AnnotationSet:
        videos: dict[str, _Video] = {}
        faults: list[AugrgbError] = []
        points = 0
        for file in files_below(path, *_SUFFIXES):
            try:
                project = head_of(file).lstrip().startswith("{")
                points += _project(file, videos) if project else _table(file, videos)
            except AugrgbError as fault:
                faults.append(fault)
        for video_id, video in videos.items():
            for key, time_s in video.running.items():
                problem = f"{key[-1]!r} starts at {time_s:g} s in {video.observation!r} and never stops"
                faults.append(InputRefused("E-ANN-005", f"{path} {video_id}", problem, "Close it in BORIS."))
        raise_together(faults)
        used = {event.label for video in videos.values() for event in video.events}
        note = Finding("E-ANN-022", "point events left out", "noted", str(path), f"{points} without a length")
        return AnnotationSet(
            classes_or(self.classes, used),
            {
                video_id: VideoRecord(video_id, video.duration_s, events=tuple(sorted(video.events, key=_by_time)))
                for video_id, video in videos.items()
            },
            findings=(note,) if points else (),
            closed=self.classes is not None,
        )


def _by_time(event: Event) -> tuple[float, float, str]:
    return event.start_s, event.end_s, event.label


def _is_header(line: str) -> bool:
    cells = {cell.strip().strip('"') for cell in re.split(r"[\t,;]", line)}
    timed = "Time" in cells or {"Start (s)", "Stop (s)"} <= cells
    kind = bool(cells & {"Status", "Behavior type", "Behavioral category"})
    return "Behavior" in cells and timed and kind and bool(cells & set(_MEDIA))


def _video_of(media: str) -> str:
    return PurePosixPath(_PLAYER.sub("", media.strip()).replace("\\", "/")).stem


def _entry(videos: dict[str, _Video], media: str, observation: str, where: str) -> _Video:
    if ";" in media or not media.strip():
        remedy = "Give one media file per observation; split the observation in BORIS."
        raise InputRefused("E-ANN-001", where, f"{observation!r} has no media file, or several: {media!r}", remedy)
    video = videos.setdefault(_video_of(media), _Video(observation))
    if video.observation != observation:
        problem = f"a second observation ({observation!r}, {video.observation!r}) of the video {_video_of(media)!r}"
        raise InputRefused("E-ID-001", where, problem, "Export one of them.")
    return video


def _project(file: Path, videos: dict[str, _Video]) -> int:
    raw = {str(place[0]): value for place, value in iter_json(file) if place}
    listed = as_object(member(raw, "behaviors_conf", file), file, "behaviors_conf")
    behaviors = [as_object(value, file, "behaviors_conf", key) for key, value in listed.items()]
    states = {as_text(b.get("code"), file, "code") for b in behaviors if "state" in str(b.get("type", "")).lower()}
    points = 0
    for name, value in as_object(member(raw, "observations", file), file, "observations").items():
        place = (file, "observations", name)
        observation = as_object(value, *place)
        if observation.get("time offset") not in (None, 0, 0.0):
            problem = f"has a time offset of {observation['time offset']} s"
            raise InputRefused("E-ANN-001", " ".join(map(str, place)), problem, "Set it to 0 in BORIS.")
        media = as_list(as_object(member(observation, "file", *place), *place).get("1") or [], *place, "file 1")
        video = _entry(videos, ";".join(map(str, media)), name, " ".join(map(str, place)))
        info = as_object(observation.get("media_info") or {}, *place)
        length = as_object(info.get("length") or {}, *place).get(str(media[0]))
        video.duration_s = as_number(length, *place) if length is not None else None
        for row in as_list(member(observation, "events", *place), *place, "events"):
            cells: list[Any] = as_list(row, *place, "event")
            if len(cells) < 3:
                raise InputRefused("E-ANN-005", " ".join(map(str, place)), f"{cells}: expected time, subject, behavior")
            label = as_text(cells[2], *place)
            if label in states:
                key = (str(cells[1]), str(cells[3] if len(cells) > 3 else ""), label)
                video.change(key, label, as_number(cells[0], *place))
            else:
                points += 1
    return points


def _table(file: Path, videos: dict[str, _Video]) -> int:
    lines = read_text(file).splitlines()
    top = next((i for i, line in enumerate(lines) if _is_header(line)), None)
    if top is None:
        raise InputRefused("E-ANN-034", file, "no header of BORIS with Behavior, a media file and times")
    above = {cells[0].strip(): cells[1] for line in lines[:top] if len(cells := line.split("\t")) > 1}
    if above.get("Time offset (s)", "0").strip() not in ("", "0", "0.0", "0.000"):
        raise InputRefused("E-ANN-001", file, f"has a time offset of {above['Time offset (s)']} s", "Set it to 0.")
    separator = max("\t,;", key=lines[top].count)
    names = [name.strip() for name in next(csv.reader([lines[top]], delimiter=separator))]
    points, media_of = 0, dict[str, str]()
    for number, row in enumerate(csv.reader(lines[top + 1 :], delimiter=separator), top + 2):
        if not any(cell.strip() for cell in row):
            continue
        values: dict[str, str] = dict(zip(names, [cell.strip() for cell in row], strict=False))
        where = f"{file}:{number}"
        media = next((values[key] for key in _MEDIA if values.get(key)), "")
        observation = values.get("Observation id") or above.get("Observation id", file.stem).strip()
        if media_of.setdefault(observation, media) != media:
            media = f"{media_of[observation]};{media}"
        video = _entry(videos, media, observation, where)
        try:
            length = values.get("Total length") or values.get("Media duration (s)")
            video.duration_s = seconds_of(length) if length else None
            label = values["Behavior"]
            kind = (values.get("Status") or values.get("Behavior type") or "").upper()
            if kind.startswith("POINT"):
                points += 1
            elif "Start (s)" in values:
                video.events.append(Event(label, seconds_of(values["Start (s)"]), seconds_of(values["Stop (s)"])))
            else:
                key = (values.get("Subject", ""), values.get("Modifiers", ""), label)
                if kind not in ("START", "STOP") or (kind == "STOP") != (key in video.running):
                    raise ValueError(f"{kind or 'no status'} of {label!r} is out of place")
                video.change(key, label, seconds_of(values["Time"]))
        except (KeyError, ValueError) as error:
            raise InputRefused("E-ANN-005", where, f"not an event of BORIS: {error}") from error
    return points
