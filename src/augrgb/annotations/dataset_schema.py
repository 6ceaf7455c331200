"""The rows of `dataset.json`, checked, and the one conversion between a row and a `VideoRecord`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.opening import resolved
from augrgb.core.types import Event, VideoRecord

Sensor = Literal["poses", "signal", "grid"]
SENSORS: tuple[Sensor, ...] = get_args(Sensor)
"""Members of a row, and of a record, with the file of a sensor."""
FILES = ("file", *SENSORS)
_PLAIN = ("fps", "subject", "camera", "scene", "subset")  # the same in a row and in a record


class StrictRow(BaseModel):
    """Values as they are written, and no others."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class EventRow(StrictRow):
    """One event or ignored region."""

    label: str
    start_s: float
    end_s: float


class VideoRow(StrictRow):
    """One video; paths are relative to the dataset folder."""

    id: str = Field(min_length=1)
    duration_s: float = Field(gt=0)
    file: str | None = None
    poses: str | None = None
    signal: str | None = None
    grid: str | None = None
    fps: float | None = Field(default=None, gt=0)
    subject: str | None = None
    camera: str | None = None
    scene: str | None = None
    subset: str | None = None
    events: list[EventRow] | None = None
    ignored: list[EventRow] = Field(default_factory=list)


class DatasetFile(StrictRow):
    """The whole file; the videos are checked one by one, so that one bad row hides no other."""

    schema_: str = Field(alias="schema")
    name: str = Field(min_length=1)
    classes: list[str] = Field(min_length=1)
    videos: list[Any]
    splits: dict[str, dict[str, list[str]]] = Field(default_factory=dict)


def record_of(row: VideoRow, folder: Path, where: str, faults: list[AugrgbError]) -> VideoRecord:
    """The video of a row; a path that leaves the dataset folder is added to `faults` (E-ID-003).

    Args:
        folder: The dataset folder, resolved.
        where: The row's place, for messages.
    """
    places: dict[str, Any] = {key: _inside(folder, getattr(row, key), where, faults) for key in FILES}
    return VideoRecord(
        video_id=row.id,
        duration_s=row.duration_s,
        events=None if row.events is None else _events(row.events),
        ignored=_events(row.ignored),
        **places,
        **{key: getattr(row, key) for key in _PLAIN},
    )


def row_of(video: VideoRecord, folder: Path) -> dict[str, Any]:
    """The row of a video, the inverse of `record_of`. A file outside `folder` stays absolute, which reading refuses.

    Raises:
        InputRefused: E-ANN-024: the duration is not known.
    """
    row: dict[str, Any] = {"id": video.video_id, "duration_s": video.known_duration_s, "events": None}
    if video.events is not None:
        row["events"] = _event_rows(video.events)
    for key in FILES:
        place: Path | None = getattr(video, key)
        if place is not None:
            inside = place.absolute().is_relative_to(folder)
            row[key] = place.absolute().relative_to(folder).as_posix() if inside else str(place)
    row |= {key: value for key in _PLAIN if (value := getattr(video, key)) is not None}
    if video.ignored:
        row["ignored"] = _event_rows(video.ignored)
    return row


def _events(rows: Iterable[EventRow]) -> tuple[Event, ...]:
    return tuple(Event(row.label, row.start_s, row.end_s) for row in rows)


def _event_rows(events: Iterable[Event]) -> list[dict[str, Any]]:
    return [{"label": e.label, "start_s": e.start_s, "end_s": e.end_s} for e in events]


def _inside(root: Path, name: str | None, where: str, faults: list[AugrgbError]) -> Path | None:
    if name is None:
        return None
    odd = not name or "\0" in name or "\\" in name or name[1:2] == ":" or Path(name).is_absolute()
    if not odd and ".." not in Path(name).parts and resolved(root / name).is_relative_to(root):
        return root / name
    remedy = "Give a path below the dataset folder, with forward slashes."
    faults.append(InputRefused("E-ID-003", where, f"the path {name!r} leaves the dataset folder", remedy))
    return None
