"""VIA 3 (VGG Image Annotator, video): project JSON, or the CSV that it exports; seconds."""

from __future__ import annotations

import csv
import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from augrgb.annotations.annotation_format import AnnotationFormat
from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.findings import Finding
from augrgb.annotations.reading.class_list import classes_or
from augrgb.annotations.reading.json_reader import iter_json
from augrgb.annotations.reading.json_values import as_label, as_list, as_number, as_object, as_text, member
from augrgb.annotations.reading.media_ids import media_ids
from augrgb.annotations.reading.text_files import head_of, open_text
from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.plain_data import parse_json
from augrgb.core.types import Event, VideoRecord

_Segment = tuple[str, dict[str, tuple[str, ...]], tuple[float, ...], str]
"""Video file, attribute -> values (a checkbox may have several), times, place in the file."""


class Via(AnnotationFormat):
    """VIA 3 project JSON or exported CSV: temporal segments (`z` = start and end in seconds) and their attribute.

    The label is the attribute's text, or the name of its option; several chosen options of a checkbox are several
    events, and a segment without a label is an ignored region. Points in time and spatial regions are counted and
    left out. The video's id is its file name without the ending. In JSON, videos without segments are annotated as
    empty.

    Args:
        attribute: Which attribute names the action, when segments have several.
        classes: Class list; any other label is then a mistake.
    """

    name = "via"
    suffixes = (".json", ".csv")
    zero = "player"
    signs = ('"project"', '"vid_list"', '"metadata"')

    def __init__(self, *, attribute: str | None = None, classes: Path | None = None) -> None:
        self.attribute, self.classes = attribute, classes

    @classmethod
    def sniff(cls, path: Path) -> bool:
        head = head_of(path)
        if path.suffix.lower() == ".csv":
            return "CSV_HEADER" in head and "metadata" in head
        return head.lstrip().startswith("{") and '"project"' in head and '"vid_list"' in head

    def read(self, path: Path) -> AnnotationSet:
        """Read in two passes, so that only events are ever held."""
        project = _Project.of(path) if path.suffix.lower() != ".csv" else None
        again = project.segments if project is not None else functools.partial(_csv_segments, path)
        seen, left = (project.names, project.left) if project is not None else _seen(again())
        attributes = sorted(seen)
        if self.attribute is not None and self.attribute not in attributes:
            hint = did_you_mean(self.attribute, attributes)
            raise UsageFault("E-ANN-027", path, f"no segment has an attribute {self.attribute!r}", hint)
        if self.attribute is None and len(attributes) > 1:
            problem = f"segments have several attributes: {', '.join(attributes)}"
            raise UsageFault("E-ANN-028", path, problem, "Name the one with the action: --set attribute=...")
        wanted = self.attribute if self.attribute is not None else "".join(attributes)
        events: dict[str, list[Event]] = {name: [] for name in project.views.values()} if project is not None else {}
        unlabeled: dict[str, list[Event]] = {}
        unread: set[str] = set()  # labeled by points or regions, so not empty
        for video, values, times, _ in again():
            if len(times) != 2:
                unread.add(video)
                continue
            labels = values.get(wanted, ())
            listed = events.setdefault(video, [])
            if not labels:
                unlabeled.setdefault(video, []).append(Event("", times[0], times[1]))
            listed.extend(Event(sys.intern(label), times[0], times[1]) for label in labels)
        notes = []
        if left:
            detail = f"{left} points in time or spatial regions"
            notes.append(Finding("E-ANN-022", "regions left out", "noted", str(path), detail))
        if unlabeled:
            detail = f"{sum(map(len, unlabeled.values()))} segments without a label"
            notes.append(Finding("E-ANN-018", "ignored regions", "noted", str(path), detail))
        found = {event.label for listed in events.values() for event in listed}
        return AnnotationSet(
            classes=classes_or(self.classes, found),
            videos={
                video: VideoRecord(
                    video,
                    events=None if video in unread and not listed and video not in unlabeled else tuple(listed),
                    ignored=tuple(unlabeled.get(video, ())),
                )
                for video, listed in events.items()
            },
            findings=tuple(notes),
            closed=self.classes is not None,
        )


@dataclass(frozen=True, slots=True)
class _Project:
    """A project without its segments, which come after the attributes and before the views that they refer to.

    Args:
        views: View -> video.
        attributes: As in the file.
        names: Of the attributes that segments of time have.
        left: How many segments are points in time or spatial regions.
    """

    path: Path
    views: dict[str, str]
    attributes: dict[str, Any]
    names: frozenset[str]
    left: int

    @staticmethod
    def of(path: Path) -> _Project:
        raw: dict[str, Any] = {}
        used: set[str] = set()
        left = 0
        for keys, value in iter_json(path, inside=("metadata",)):
            if keys == ():
                raw = as_object(value, path)
            elif len(keys) == 1:
                raw[str(keys[0])] = value
            else:
                _, values, times = _row(value, path, "metadata", keys[1])
                left += len(times) != 2
                used.update(values if len(times) == 2 else ())
        files = as_object(member(raw, "file", path), path, "file")
        places = {
            key: as_text(member(as_object(f, path), "fname", path, "file", key), path) for key, f in files.items()
        }
        ids = media_ids(places.values())
        names = {key: ids[place] for key, place in places.items()}
        views = {}
        for key, view in as_object(member(raw, "view", path), path, "view").items():
            shown = [
                as_text(i, path, "view", key) for i in as_list(member(as_object(view, path), "fid_list", path), path)
            ]
            if len(shown) != 1 or shown[0] not in names:
                problem = f"shows the files {shown}, expected one that is listed"
                raise InputRefused("E-ANN-001", f"{path} view {key}", problem)
            views[key] = names[shown[0]]
        as_object(member(raw, "metadata", path), path, "metadata")
        attributes = as_object(raw.get("attribute", {}), path, "attribute")
        return _Project(path, views, attributes, frozenset(_name(attributes, a, path) for a in used), left)

    def segments(self) -> Iterator[_Segment]:
        for key, value in iter_json(self.path, inside=("metadata",)):
            if len(key) != 2:
                continue
            where = f"{self.path} metadata {key[1]}"
            view, values, times = _row(value, self.path, "metadata", key[1])
            if view not in self.views:
                raise InputRefused("E-ANN-001", where, f"no view {view!r} in this project")
            named = {
                _name(self.attributes, a, self.path): _chosen(self.attributes.get(a, {}), v) for a, v in values.items()
            }
            yield self.views[view], named, times, where


def _row(value: Any, *place: object) -> tuple[str, dict[str, str], tuple[float, ...]]:
    """View, attribute -> value, and times of a segment; a spatial region has none."""
    row = as_object(value, *place)
    times = tuple(as_number(time, *place, "z") for time in as_list(member(row, "z", *place), *place, "z"))
    view = as_text(member(row, "vid", *place), *place, "vid")
    values = {a: _value(v, *place) for a, v in as_object(row.get("av", {}), *place, "av").items()}
    return view, values, times if not row.get("xy") else ()


def _value(value: Any, *place: object) -> str:
    """The value of an attribute as text; a checkbox may be an object of `{option: true}`."""
    if isinstance(value, dict) and all(isinstance(chosen, bool) for chosen in value.values()):
        return ",".join(option for option, chosen in value.items() if chosen)
    return as_label(value, *place)


def _name(attributes: dict[str, Any], key: str, path: Path) -> str:
    return as_text(as_object(attributes.get(key, {}), path).get("aname", key), path)


def _seen(segments: Iterator[_Segment]) -> tuple[frozenset[str], int]:
    """Names of the attributes of segments of time, and how many segments are none."""
    names: set[str] = set()
    left = 0
    for _, values, times, _ in segments:
        left += len(times) != 2
        names.update(values if len(times) == 2 else ())
    return frozenset(names), left


def _chosen(attribute: Any, value: str) -> tuple[str, ...]:
    """The names of the chosen options (a checkbox writes `0,2`), or the text of a text attribute; () for none."""
    options = attribute.get("options") if isinstance(attribute, dict) else None
    options = options if isinstance(options, dict) else {}
    parts = [part.strip() for part in value.split(",")]
    several = all(part in options for part in parts) or (
        not options and len(parts) > 1 and all(map(str.isdigit, parts))
    )
    if several and value not in options:
        return tuple(str(options.get(part, part)) for part in parts)
    label = str(options.get(value, value)).strip()
    return (label,) if label else ()


def _csv_segments(path: Path) -> Iterator[_Segment]:
    with open_text(path) as text:
        header: list[str] = []
        for number, line in enumerate(text, 1):
            if line.startswith("#"):
                if "CSV_HEADER" in line and "=" in line:
                    header = [name.strip() for name in line.split("=", 1)[1].split(",")]
                continue
            if not line.strip():
                continue
            if not header:
                raise InputRefused("E-ANN-005", f"{path}:{number}", "a row before the line '# CSV_HEADER = ...'")
            where = f"{path}:{number}"
            cells = next(csv.reader([line]))
            if len(cells) != len(header):
                raise InputRefused("E-ANN-005", where, f"{len(cells)} cells, expected {len(header)}")
            yield _csv_segment(dict(zip(header, cells, strict=True)), where)


def _csv_segment(row: dict[str, str], where: str) -> _Segment:
    try:
        listed = _cell(row["file_list"]) if row["file_list"].startswith("[") else [row["file_list"]]
        values = {str(key): _chosen({}, str(value)) for key, value in _cell(row["metadata"]).items()}
        if "temporal_coordinates" in row:
            times = tuple(float(time) for time in _cell(row["temporal_coordinates"]))
        else:
            times = tuple(
                float(row[key]) for key in ("temporal_segment_start", "temporal_segment_end") if row[key].strip()
            )
        spatial = _cell(row.get("spatial_coordinates") or "[]")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputRefused("E-ANN-005", where, f"not a row of a VIA export: {error!r}") from error
    if len(listed) != 1:
        raise InputRefused("E-ANN-005", where, f"names {len(listed)} files, expected one")
    return _stem(str(listed[0])), values, () if spatial else times, where


def _stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _cell(text: str) -> Any:
    """JSON in a cell of the table."""
    try:
        return parse_json(text, "cell")
    except InputRefused as fault:
        raise ValueError(fault.problem) from fault
