"""Dataset folders: `dataset.json` to `Dataset` and back, with every mistake reported together.

An event that reaches outside its video is cut to the video and counted; one that lies wholly outside, or has no length,
is left out and listed; times that are not finite refuse the file. A never annotated video has `events: null`.
"""

from __future__ import annotations

import logging
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from augrgb.annotations.roles import ROLES, check_splits, role
from augrgb.core.errors import AugrgbError, FaultList, InputRefused, did_you_mean, raise_together
from augrgb.core.files import read_json, write_json
from augrgb.core.types import Dataset, Event, VideoRecord

__all__ = ["ROLES", "SCHEMA", "CheckedDataset", "Repair", "check_dataset", "load_dataset", "role", "save_dataset"]

SCHEMA = "augrgb.dataset/1"

_log = logging.getLogger(__name__)
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Repair:
    """One event that was cut to its video (`clipped`) or left out (`dropped`), and why."""

    video_id: str
    kind: Literal["clipped", "dropped"]
    event: Event
    reason: str


@dataclass(frozen=True, slots=True)
class CheckedDataset:
    """A dataset and what had to be repaired to read it."""

    dataset: Dataset
    repairs: tuple[Repair, ...]

    def counts(self) -> dict[str, int]:
        """How many events were repaired, by kind."""
        return dict(Counter(repair.kind for repair in self.repairs))


class _Row(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Event(_Row):
    label: str
    start_s: float
    end_s: float


class _Video(_Row):
    id: str = Field(min_length=1)
    duration_s: float = Field(gt=0)
    file: str | None = None
    poses: str | None = None
    fps: float | None = Field(default=None, gt=0)
    subject: str | None = None
    camera: str | None = None
    events: list[_Event] | None = None


class _File(_Row):
    schema_: str = Field(alias="schema")
    name: str = Field(min_length=1)
    classes: list[str] = Field(min_length=1)
    videos: list[Any]
    splits: dict[str, dict[str, list[str]]] = Field(default_factory=dict)


def load_dataset(folder: Path | str, *, allow_leakage: bool = False) -> Dataset:
    """Read `folder/dataset.json`; repaired events are counted in a warning of this module's logger.

    Raises:
        FaultList, InputRefused: Every mistake of the file: E-FILE-001/002/010, E-ANN-001/029 (structure),
            E-ANN-002 (times), E-ANN-003 (unknown class), E-ANN-004 (class listed twice), E-ID-001 (id twice),
            E-ID-002 (ids alike), E-ID-003 (path leaves the folder), E-SPL-012 (unknown role), E-SPL-004 (id twice in a
            role), E-SPL-002 (leakage), E-SPL-003 (unknown id).

    >>> dataset = load_dataset("toy")
    >>> dataset.classes, len(dataset.videos), dataset.splits["subject"]["test"]
    (('walk', 'sit', 'drink'), 12, ('v08', 'v09'))
    """
    checked = check_dataset(folder, allow_leakage=allow_leakage)
    if checked.repairs:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(checked.counts().items()))
        first = checked.repairs[0]
        _log.warning("%s: events %s; first: %s: %s", folder, told, first.video_id, first.reason)
    return checked.dataset


def check_dataset(folder: Path | str, *, allow_leakage: bool = False) -> CheckedDataset:
    """Like `load_dataset`, and gives the repaired events one by one."""
    path = Path(folder) / "dataset.json"
    return _parse(read_json(path, "dataset"), path, allow_leakage=allow_leakage)


def save_dataset(dataset: Dataset, folder: Path | str) -> Path:
    """Write `folder/dataset.json` atomically, after the checks that reading makes; returns its path.

    Raises:
        FaultList, InputRefused: As `load_dataset`; in particular E-ID-003 when a file lies outside `folder`.
    """
    folder = Path(folder).absolute()
    path = folder / "dataset.json"
    raw = {
        "schema": SCHEMA,
        "name": dataset.name,
        "classes": list(dataset.classes),
        "videos": [_video_to_json(video, folder) for video in dataset.videos.values()],
        "splits": {s: {r: list(ids) for r, ids in roles.items()} for s, roles in dataset.splits.items()},
    }
    repairs = _parse(raw, path, allow_leakage=False).repairs
    raise_together([InputRefused("E-ANN-002", f"{path} {r.video_id}", r.reason) for r in repairs])
    write_json(path, raw)
    return path


def _parse(raw: object, path: Path, *, allow_leakage: bool) -> CheckedDataset:
    faults: list[AugrgbError] = []
    file = _validated(_File, raw, str(path), faults)
    if file is None:
        raise faults[0] if len(faults) == 1 else FaultList(faults)
    if file.schema_ != SCHEMA:
        raise InputRefused("E-ANN-029", path, f"schema {file.schema_!r}, expected {SCHEMA!r}", "Convert the file.")
    for name, count in Counter(file.classes).items():
        if count > 1:
            faults.append(InputRefused("E-ANN-004", path, f"class {name!r} is listed {count} times"))
    repairs: list[Repair] = []
    records: dict[str, VideoRecord] = {}
    row_of: dict[str, int] = {}
    alike: dict[str, str] = {}
    root = path.parent.resolve()
    for row, value in enumerate(file.videos):
        video = _validated(_Video, value, f"{path} videos[{row}]", faults)
        if video is None:
            continue
        where = f"{path} {video.id!r}"
        if video.id in row_of:
            faults.append(InputRefused("E-ID-001", where, f"the id is used by videos[{row_of[video.id]}] and [{row}]"))
            continue
        row_of[video.id] = row
        twin = alike.setdefault(unicodedata.normalize("NFC", video.id).casefold(), video.id)
        if twin != video.id:
            faults.append(InputRefused("E-ID-002", where, f"differs from {twin!r} only in case or Unicode form"))
        records[video.id] = VideoRecord(
            video_id=video.id,
            duration_s=video.duration_s,
            file=_inside(root, video.file, where, faults),
            poses=_inside(root, video.poses, where, faults),
            events=_events(video, file.classes, where, repairs, faults),
            fps=video.fps,
            subject=video.subject,
            camera=video.camera,
        )
    whole = len(records) == len(file.videos)
    splits = check_splits(file.splits, records, set(row_of), path, faults, whole=whole, allow_leakage=allow_leakage)
    raise_together(faults)
    dataset = Dataset(file.name, tuple(file.classes), MappingProxyType(records), MappingProxyType(splits))
    return CheckedDataset(dataset, tuple(repairs))


def _validated(model: type[_Model], raw: object, where: str, faults: list[AugrgbError]) -> _Model | None:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        for item in error.errors():
            place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in item["loc"]).lstrip(".")
            known = {field.alias or name for name, field in model.model_fields.items()}
            hint = did_you_mean(str(item["loc"][-1]), known) if item["type"] == "extra_forbidden" else ""
            code = "E-ANN-002" if item["type"] == "finite_number" else "E-ANN-001"
            problem = f"{place}: {item['msg']}, got {str(item['input'])[:60]!r}"
            faults.append(InputRefused(code, where, problem.removeprefix(": "), hint))
        return None


def _inside(root: Path, name: str | None, where: str, faults: list[AugrgbError]) -> Path | None:
    if name is None:
        return None
    odd = not name or "\0" in name or "\\" in name or name[1:2] == ":" or Path(name).is_absolute()
    if not odd and ".." not in Path(name).parts and (root / name).resolve().is_relative_to(root):
        return root / name
    remedy = "Give a path below the dataset folder, with forward slashes."
    faults.append(InputRefused("E-ID-003", where, f"the path {name!r} leaves the dataset folder", remedy))
    return None


def _events(
    video: _Video, classes: list[str], where: str, repairs: list[Repair], faults: list[AugrgbError]
) -> tuple[Event, ...] | None:
    if video.events is None:
        return None
    events: list[Event] = []
    for row in video.events:
        event = Event(row.label, row.start_s, row.end_s)
        span = f"{row.label!r} {row.start_s:g}-{row.end_s:g} s"
        if row.label not in classes:
            hint = did_you_mean(row.label, classes)
            faults.append(InputRefused("E-ANN-003", where, f"unknown class {row.label!r}", hint))
        elif row.end_s <= row.start_s:
            repairs.append(Repair(video.id, "dropped", event, f"{span} has no length"))
        elif row.start_s >= video.duration_s or row.end_s <= 0:
            repairs.append(Repair(video.id, "dropped", event, f"{span} lies outside the {video.duration_s:g} s"))
        elif row.start_s < 0 or row.end_s > video.duration_s:
            repairs.append(Repair(video.id, "clipped", event, f"{span} reaches outside the {video.duration_s:g} s"))
            events.append(Event(row.label, max(row.start_s, 0.0), min(row.end_s, video.duration_s)))
        else:
            events.append(event)
    return tuple(events)


def _video_to_json(video: VideoRecord, folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"id": video.video_id, "duration_s": video.duration_s, "events": None}
    for key, place in (("file", video.file), ("poses", video.poses)):
        if place is not None:
            inside = place.absolute().is_relative_to(folder)
            row[key] = place.absolute().relative_to(folder).as_posix() if inside else str(place)
    for key, value in (("fps", video.fps), ("subject", video.subject), ("camera", video.camera)):
        if value is not None:
            row[key] = value
    if video.events is not None:
        row["events"] = [{"label": e.label, "start_s": e.start_s, "end_s": e.end_s} for e in video.events]
    return row
