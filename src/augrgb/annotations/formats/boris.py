"""BORIS: a project (`.boris`), or its exports of aggregated events and of tabular events (START, STOP)."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.coverage import outside
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.clock_times import seconds_of
from augrgb.annotations.reading.json_reader import iter_json
from augrgb.annotations.reading.json_values import as_list, as_number, as_object, as_text, member
from augrgb.annotations.reading.text_files import files_below, first_below, head_of, read_text
from augrgb.core.errors import AugrgbError, FaultList, InputRefused, UsageFault, did_you_mean, raise_together
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
    observed_s: tuple[float, float] | None = None

    def change(self, key: tuple[str, ...], label: str, time_s: float) -> None:
        """A state event starts, or the running one of this key stops."""
        started_s = self.running.pop(key, None)
        if started_s is None:
            self.running[key] = time_s
        else:
            self.events.append(Event(label, started_s, time_s))


@dataclass
class _Chosen:
    """Which observations are read, and those that were met and left aside."""

    wanted: tuple[str, ...] | None
    seen: dict[str, None] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)

    def takes(self, observation: str, *, has_video: bool) -> bool:
        """Whether an observation is read."""
        self.seen[observation] = None
        taken = has_video and (self.wanted is None or observation in self.wanted)
        if not taken:
            self.left.add(observation)
        return taken


class Boris(AnnotationFormat):
    """BORIS observations of one media file each; the label is the behavior, times are seconds of the media file.

    Point events have no length and are no events here; they are counted. Modifiers and subjects are not kept. Files
    that an observation of a project plays one after another are videos of their own, by their lengths. In tables
    nothing says where a file begins, so such observations are refused, as are those with a time offset. Live
    observations, and those of images, have no video and are left aside. Outside an observed interval a video is
    ignored.

    Args:
        observations: Ids of the observations to read, where several are of one video. Default: all.
        classes: Class list; any other behavior is then a mistake.
    """

    name = "boris"
    suffixes = _SUFFIXES
    signs = ("Behavior", "Observation id", "Media file")
    zero = "player"
    folders = True

    def __init__(self, *, observations: tuple[str, ...] | None = None, classes: Path | None = None) -> None:
        self.observations, self.classes = observations, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        path = first_below(path, *_SUFFIXES)
        head = head_of(path)
        if head.lstrip().startswith("{"):
            return path.suffix.lower() == ".boris" or '"behaviors_conf"' in head or '"project_format_version"' in head
        return path.suffix.lower() in _SUFFIXES and any(_is_header(line) for line in head.splitlines()[:60])

    def read(self, path: Path) -> AnnotationSet:
        videos: dict[str, _Video] = {}
        faults: list[AugrgbError] = []
        chosen = _Chosen(self.observations)
        points = 0
        for file in files_below(path, *_SUFFIXES):
            try:
                project = head_of(file).lstrip().startswith("{")
                points += _project(file, videos, chosen) if project else _table(file, videos, chosen)
            except AugrgbError as fault:
                faults.extend(fault.faults if isinstance(fault, FaultList) else [fault])
        for name in self.observations or ():
            if name not in chosen.seen:
                hint = did_you_mean(name, chosen.seen)
                raise UsageFault("E-ANN-027", path, f"no observation {name!r}", hint)
        for video_id, video in videos.items():
            for key, time_s in video.running.items():
                problem = f"{key[-1]!r} starts at {time_s:g} s in {video.observation!r} and never stops"
                faults.append(InputRefused("E-ANN-005", f"{path} {video_id}", problem, "Close it in BORIS."))
        raise_together(faults)
        used = {event.label for video in videos.values() for event in video.events}
        notes = [Finding("E-ANN-022", "point events left out", "noted", str(path), f"{points} without a length")]
        notes = notes if points else []
        if chosen.left:
            detail = f"{len(chosen.left)} without a video, or not asked for: {', '.join(sorted(chosen.left)[:5])}"
            notes.append(Finding("E-ANN-022", "observations left out", "noted", str(path), detail))
        return AnnotationSet(
            classes_or(self.classes, used),
            {
                video_id: VideoRecord(
                    video_id,
                    video.duration_s,
                    events=tuple(sorted(video.events, key=_by_time)),
                    ignored=outside(*video.observed_s) if video.observed_s is not None else (),
                )
                for video_id, video in videos.items()
            },
            findings=tuple(notes),
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
        raise InputRefused("E-ID-001", where, problem, f"Choose: --set 'observations=[{observation}]', or several.")
    return video


def _project(file: Path, videos: dict[str, _Video], chosen: _Chosen) -> int:
    raw = {str(place[0]): value for place, value in iter_json(file) if place}
    listed = as_object(member(raw, "behaviors_conf", file), file, "behaviors_conf")
    behaviors = [as_object(value, file, "behaviors_conf", key) for key, value in listed.items()]
    states = {as_text(b.get("code"), file, "code") for b in behaviors if "state" in str(b.get("type", "")).lower()}
    points = 0
    faults: list[AugrgbError] = []
    for name, value in as_object(member(raw, "observations", file), file, "observations").items():
        try:
            points += _observation(file, name, value, states, videos, chosen)
        except AugrgbError as fault:
            faults.append(fault)
    raise_together(faults)
    return points


def _observation(
    file: Path, name: str, value: Any, states: set[str], videos: dict[str, _Video], chosen: _Chosen
) -> int:
    """Add an observation of a project; returns how many of its events are points."""
    place = (file, "observations", name)
    where = " ".join(map(str, place))
    observation = as_object(value, *place)
    players = member(observation, "file", *place)
    players = players if isinstance(players, dict) else {}  # live observations have an empty list
    media = [as_text(one, *place, "file 1") for one in as_list(players.get("1") or [], *place, "file 1")]
    if not chosen.takes(name, has_video=bool(media)):
        return 0
    if observation.get("time offset") not in (None, 0, 0.0):
        problem = f"has a time offset of {observation['time offset']} s"
        raise InputRefused("E-ANN-001", where, problem, "Set it to 0 in BORIS.")
    info = as_object(observation.get("media_info") or {}, *place)
    lengths = as_object(info.get("length") or {}, *place)
    durations = [as_number(lengths[one], *place) if lengths.get(one) is not None else None for one in media]
    if len(media) > 1 and None in durations:
        remedy = "Open the observation in BORIS once, which measures them, or give one media file per observation."
        raise InputRefused("E-ANN-001", where, f"plays {len(media)} files whose lengths are not known", remedy)
    whole = _Video(name)  # times count through all of its files
    points = 0
    for row in as_list(member(observation, "events", *place), *place, "events"):
        cells: list[Any] = as_list(row, *place, "event")
        if len(cells) < 3:
            raise InputRefused("E-ANN-005", where, f"{cells}: expected time, subject, behavior")
        label = as_text(cells[2], *place)
        if label in states:
            key = (str(cells[1]), str(cells[3] if len(cells) > 3 else ""), label)
            whole.change(key, label, as_number(cells[0], *place))
        else:
            points += 1
    interval = [as_number(time, *place) for time in as_list(observation.get("observation time interval") or [], *place)]
    observed = (interval[0], interval[1]) if len(interval) == 2 and interval[1] > interval[0] else None
    begins = 0.0
    for one, duration_s in zip(media, durations, strict=True):
        video = _entry(videos, one, name, where)
        video.duration_s = duration_s
        ends = begins + duration_s if duration_s is not None and len(media) > 1 else math.inf
        if len(media) == 1:
            video.events.extend(whole.events)
        for event in whole.events if len(media) > 1 else ():
            start_s, end_s = max(event.start_s, begins), min(event.end_s, ends)
            if start_s < end_s:
                video.events.append(Event(event.label, start_s - begins, end_s - begins))
        if one == media[-1]:
            video.running = {key: time_s - begins for key, time_s in whole.running.items()}
        if observed is not None:
            video.observed_s = max(observed[0] - begins, 0.0), min(observed[1], ends) - begins
        begins = ends
    return points


def _table(file: Path, videos: dict[str, _Video], chosen: _Chosen) -> int:
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
        if not chosen.takes(observation, has_video=media.strip().upper() not in ("", "LIVE")):
            continue
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
