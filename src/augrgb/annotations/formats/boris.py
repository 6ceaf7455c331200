"""BORIS: a project (`.boris`), or its exports of aggregated events and of tabular events (START, STOP)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.formats.boris_observation import Observation
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.clock_times import seconds_of
from augrgb.annotations.reading.json_reader import iter_json
from augrgb.annotations.reading.json_values import as_list, as_number, as_object, as_text, member
from augrgb.annotations.reading.media_ids import media_ids
from augrgb.annotations.reading.text_files import files_below, first_below, head_of, read_text
from augrgb.core.errors import AugrgbError, FaultList, InputRefused, UsageFault, did_you_mean, raise_together
from augrgb.core.types import VideoRecord

_PLAYER = re.compile(r"^player\s*#\d+\s*:\s*", re.IGNORECASE)
_MEDIA = ("Media file", "Media file name", "Media file path")
_LENGTHS = ("Media duration (s)", "Total length")
_NO_MEDIA = ("", "LIVE", "NA")
_UNKNOWN = ("", "NA", "NAN", "NONE")
_SUFFIXES = (".boris", ".tsv", ".csv", ".txt")


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
    """BORIS observations of media files; the label is the behavior, times are seconds of the media file.

    Point events have no length and are no events here; they are counted. Modifiers and subjects are not kept. Of
    several players the first counts. Files that it plays one after another are videos of their own, by their lengths. A
    time offset is taken off again. A state that never stops, or stops without a start, is an ignored region as far as
    it may last. Live observations, and those of images, have no video and are left aside. Outside an observed interval
    a video is ignored.

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
        found: list[Observation] = []
        faults: list[AugrgbError] = []
        chosen = _Chosen(self.observations)
        for file in files_below(path, *_SUFFIXES):
            try:
                project = head_of(file).lstrip().startswith("{")
                found.extend(_project(file, chosen) if project else _table(file, chosen))
            except AugrgbError as fault:
                faults.extend(fault.faults if isinstance(fault, FaultList) else [fault])
        for name in self.observations or ():
            if name not in chosen.seen:
                hint = did_you_mean(name, chosen.seen)
                raise UsageFault("E-ANN-027", path, f"no observation {name!r}", hint)
        raise_together(faults)
        videos = _videos(found)
        used = {event.label for video in videos.values() for event in video.events or ()}
        return AnnotationSet(
            classes_or(self.classes, used),
            videos,
            findings=tuple(_notes(path, found, chosen)),
            closed=self.classes is not None,
        )


def _videos(observations: list[Observation]) -> dict[str, VideoRecord]:
    ids = _ids(dict.fromkeys(media for one in observations for media in one.media))
    videos: dict[str, VideoRecord] = {}
    first: dict[str, str] = {}
    faults: list[AugrgbError] = []
    for one in observations:
        try:
            for media, video in one.videos():
                video_id = ids[media]
                if video_id in videos:
                    problem = f"a second observation ({one.name!r}, {first[video_id]!r}) of the video {video_id!r}"
                    remedy = f"Choose: --set 'observations=[{one.name}]', or several."
                    raise InputRefused("E-ID-001", one.where, problem, remedy)
                videos[video_id], first[video_id] = replace(video, video_id=video_id), one.name
        except AugrgbError as fault:
            faults.append(fault)
    raise_together(faults)
    return videos


def _ids(places: Iterable[str]) -> dict[str, str]:
    """Ids of media files; a path that is the end of another names the same file."""
    paths = {place: place.replace("\\", "/") for place in places}
    whole = {
        place: max((other for other in paths if f"/{paths[other]}".endswith(f"/{path}")), key=len)
        for place, path in paths.items()
    }
    ids = media_ids(dict.fromkeys(whole.values()))
    return {place: ids[other] for place, other in whole.items()}


def _notes(path: Path, observations: list[Observation], chosen: _Chosen) -> list[Finding]:
    """One line each for point events, observations left out, states without a partner, and time offsets."""
    lines = []
    points = sum(one.points for one in observations)
    if points:
        lines.append(("E-ANN-022", "point events left out", f"{points} without a length"))
    if chosen.left:
        detail = f"{len(chosen.left)} without a video, or not asked for: {', '.join(sorted(chosen.left)[:5])}"
        lines.append(("E-ANN-022", "observations left out", detail))
    open_ones = {one.name: one.unpaired_count for one in observations if one.unpaired_count}
    if open_ones:
        places = ", ".join(f"{count} in {name!r}" for name, count in list(open_ones.items())[:5])
        detail = f"{sum(open_ones.values())} ({places}): ignored as far as they may last; close them in BORIS"
        lines.append(("E-ANN-018", "states without a start or a stop", detail))
    moved = [f"{one.name!r} {one.offset_s:g} s" for one in observations if one.offset_s]
    if moved:
        lines.append(("E-ANN-044", "time offsets taken off", ", ".join(moved[:5])))
    return [Finding(code, kind, "noted", str(path), detail) for code, kind, detail in lines]


def _is_header(line: str) -> bool:
    cells = {cell.strip().strip('"') for cell in re.split(r"[\t,;]", line)}
    timed = "Time" in cells or {"Start (s)", "Stop (s)"} <= cells
    kind = bool(cells & {"Status", "Behavior type", "Behavioral category"})
    return "Behavior" in cells and timed and kind and bool(cells & set(_MEDIA))


def _project(file: Path, chosen: _Chosen) -> list[Observation]:
    raw = {str(place[0]): value for place, value in iter_json(file) if place}
    listed = as_object(member(raw, "behaviors_conf", file), file, "behaviors_conf")
    behaviors = [as_object(value, file, "behaviors_conf", key) for key, value in listed.items()]
    types = {as_text(b.get("code"), file, "code"): str(b.get("type", "")).lower() for b in behaviors}
    found: list[Observation] = []
    faults: list[AugrgbError] = []
    for name, value in as_object(member(raw, "observations", file), file, "observations").items():
        try:
            one = _observation(file, name, as_object(value, file, "observations", name), types, chosen)
            found.extend([one] if one is not None else [])
        except AugrgbError as fault:
            faults.append(fault)
    raise_together(faults)
    return found


def _observation(
    file: Path, name: str, raw: dict[str, Any], types: dict[str, str], chosen: _Chosen
) -> Observation | None:
    """An observation of a project; None if it is left aside."""
    place = (file, "observations", name)
    where = " ".join(map(str, place))
    players = member(raw, "file", *place)
    players = players if isinstance(players, dict) else {}  # live observations have an empty list
    media = [as_text(one, *place, "file 1") for one in as_list(players.get("1") or [], *place, "file 1")]
    if not chosen.takes(name, has_video=bool(media)):
        return None
    info = as_object(raw.get("media_info") or {}, *place)
    lengths = as_object(info.get("length") or {}, *place)
    durations = [as_number(lengths[one], *place) if lengths.get(one) is not None else None for one in media]
    one = Observation(name, where, media, durations, as_number(raw.get("time offset") or 0, *place))
    if raw.get("media_creation_date_as_offset"):
        problem = "its times count from the date on which the media file was made"
        raise InputRefused("E-ANN-001", where, problem, "Switch that off in BORIS, or export aggregated events there.")
    for row in as_list(member(raw, "events", *place), *place, "events"):
        cells: list[Any] = as_list(row, *place, "event")
        if len(cells) < 3:
            raise InputRefused("E-ANN-005", where, f"{cells}: expected time, subject, behavior")
        label = as_text(cells[2], *place)
        if label not in types:
            problem = f"the behavior {label!r} is not among those of the project"
            raise InputRefused(
                "E-ANN-003", where, problem, "Add it to the ethogram in BORIS, as a state or a point event."
            )
        if "state" in types[label]:
            key = (str(cells[1]), str(cells[3] if len(cells) > 3 else ""), label)
            one.changes(key, as_number(cells[0], *place))
        else:
            one.points += 1
    interval = [as_number(time or 0, *place) for time in as_list(raw.get("observation time interval") or [], *place)]
    if len(interval) == 2 and any(interval):
        one.interval_s = interval[0], interval[1] or float("inf")
    return one


def _table(file: Path, chosen: _Chosen) -> list[Observation]:
    lines = read_text(file).splitlines()
    top = next((i for i, line in enumerate(lines) if _is_header(line)), None)
    if top is None:
        raise InputRefused("E-ANN-034", file, "no header of BORIS with Behavior, a media file and times")
    separator = max("\t,;", key=lines[top].count)
    above = [[cell.strip() for cell in row] for row in csv.reader(lines[:top], delimiter=separator)]
    facts = {cells[0]: cells[1] for cells in above if len(cells) > 1}
    played = [cells[1] for cells in above if len(cells) > 1 and cells[0].lower() == "player #1"]
    names = [name.strip() for name in next(csv.reader([lines[top]], delimiter=separator))]
    found: dict[str, Observation] = {}
    for number, row in enumerate(csv.reader(lines[top + 1 :], delimiter=separator), top + 2):
        if not any(cell.strip() for cell in row):
            continue
        values = {**facts, **dict(zip(names, (cell.strip() for cell in row), strict=False))}
        where = f"{file}:{number}"
        name = values.get("Observation id") or file.stem
        media = _media(values, played)
        if not chosen.takes(name, has_video=bool(media)):
            continue
        try:
            one = found.get(name)
            if one is None:
                lengths = _lengths(values, len(media))
                one = found[name] = Observation(
                    name, where, media, lengths, seconds_of(values.get("Time offset (s)") or "0")
                )
            elif media[0] not in one.media:  # an older table names only the file in which an event starts
                one.media, one.lengths_s = [*one.media, *media], [None] * (len(one.media) + len(media))
            _add_row(one, values)
        except (KeyError, ValueError) as error:
            raise InputRefused("E-ANN-005", where, f"not an event of BORIS: {error}") from error
    return list(found.values())


def _media(values: dict[str, str], played: list[str]) -> list[str]:
    """The files of the first player: of all it plays where the table says so, else the one of this row."""
    source = values.get("Source", "").split("|")[0]
    listed = [name.strip() for name in _PLAYER.sub("", source).split(";")] if _PLAYER.match(source) else played
    row = next((values[key] for key in _MEDIA if values.get(key)), "")
    media = [name for name in listed if name] or [
        _PLAYER.sub("", name.strip()) for name in row.split("|")[0].split(";")
    ]
    return [name for name in media if name.upper() not in _NO_MEDIA]


def _lengths(values: dict[str, str], count: int) -> list[float | None]:
    """The lengths of the files of the first player, where the table has one for each."""
    text = next((values[key] for key in _LENGTHS if values.get(key)), "").split("|")[0]
    lengths = [None if part.strip().upper() in _UNKNOWN else seconds_of(part) for part in text.split(";")]
    return lengths if len(lengths) == count else [None] * count


def _add_row(one: Observation, values: dict[str, str]) -> None:
    label = values["Behavior"]
    kind = (values.get("Status") or values.get("Behavior type") or "").upper()
    key = (values.get("Subject", ""), *(values[name] for name in values if name.startswith("Modifier")), label)
    if kind.startswith("POINT"):
        one.points += 1
    elif "Start (s)" in values:
        start, stop = values["Start (s)"], values["Stop (s)"]
        if start.upper() not in _UNKNOWN:
            one.starts(key, seconds_of(start))
        if stop.upper() not in _UNKNOWN:
            one.stops(key, seconds_of(stop))
    elif kind == "START":
        one.starts(key, seconds_of(values["Time"]))
    elif kind == "STOP":
        one.stops(key, seconds_of(values["Time"]))
    else:
        raise ValueError(f"{label!r} has the status {kind or 'nothing'!r}; expected START, STOP or POINT")
