"""Dataset folders: `dataset.json` to `Dataset` and back, with every mistake reported together.

Events are repaired by the rules of `repair`, as those of any other annotation file. A never annotated video has
`events: null`.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.consistency import class_findings, unit_findings
from augrgb.annotations.dataset_schema import DatasetFile, VideoRow, record_of, row_of
from augrgb.annotations.dataset_view import ViewFile, base_folder, is_view, seen_through
from augrgb.annotations.findings import Finding
from augrgb.annotations.repair import repair_video
from augrgb.annotations.roles import ROLES, check_splits, role
from augrgb.core.errors import AugrgbError, FaultList, InputRefused, did_you_mean, raise_together
from augrgb.core.files import write_json
from augrgb.core.names import alike
from augrgb.core.opening import resolved
from augrgb.core.plain_data import read_json
from augrgb.core.types import Dataset, VideoRecord

__all__ = ["ROLES", "SCHEMA", "CheckedDataset", "check_dataset", "load_dataset", "read_dataset", "role", "save_dataset"]

SCHEMA = "augrgb.dataset/1"

_log = logging.getLogger(__name__)
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class CheckedDataset:
    """A dataset with repaired events, and every repair."""

    dataset: Dataset
    repairs: tuple[Finding, ...]

    def counts(self) -> dict[str, int]:
        """How many repairs there were, by kind and code."""
        return dict(Counter(f"{repair.action}: {repair.kind} ({repair.code})" for repair in self.repairs))


def load_dataset(folder: Path | str, *, allow_leakage: bool = False) -> Dataset:
    """Read `folder/dataset.json`; repaired events are counted in a warning of this module's logger.

    Raises:
        FaultList, InputRefused: Every mistake of the file: E-FILE-001/002/010, E-ANN-001/029 (structure),
            E-ANN-002 (times), E-ANN-003 (unknown class), E-ANN-004 (class listed twice), E-ANN-021 (times in another
            unit), E-ID-001 (id twice), E-ID-002 (ids alike), E-ID-003 (path leaves the folder), E-SPL-012 (unknown
            role), E-SPL-004 (id twice in a role), E-SPL-002 (leakage), E-SPL-003 (unknown id).

    Examples:
        >>> dataset = load_dataset("toy")
        >>> dataset.classes, len(dataset.videos), dataset.splits["subject"]["test"]
        (('walk', 'sit', 'drink'), 12, ('v08', 'v09'))
    """
    checked = check_dataset(folder, allow_leakage=allow_leakage)
    if checked.repairs:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(checked.counts().items()))
        first = checked.repairs[0]
        _log.warning("%s: events %s; first: %s: %s", folder, counts, first.where, first.detail)
    return checked.dataset


def check_dataset(folder: Path | str, *, allow_leakage: bool = False) -> CheckedDataset:
    """Like `load_dataset`, and lists the repairs one by one."""
    path = Path(folder) / "dataset.json"
    raw = read_json(path, "dataset")
    return _view(raw, path) if is_view(raw) else _check(raw, path, allow_leakage=allow_leakage)


def read_dataset(folder: Path | str) -> Dataset:
    """Read `folder/dataset.json` with the events as they are written: nothing is repaired, and labels may be unknown.

    Raises:
        FaultList, InputRefused: As `load_dataset`, but for what concerns single events.
    """
    path = Path(folder) / "dataset.json"
    raw = read_json(path, "dataset")
    if is_view(raw):
        return _view(raw, path).dataset
    faults: list[AugrgbError] = []
    dataset = _parse(raw, path, faults, allow_leakage=False)
    raise_together(faults)
    return dataset


def save_dataset(dataset: Dataset, folder: Path | str) -> Path:
    """Write `folder/dataset.json` atomically, after the checks that reading makes; returns its path.

    Raises:
        FaultList, InputRefused: As `load_dataset`; in particular E-ID-003 when a file lies outside `folder`, E-ANN-024
            when a duration is not known, and the code of the repair when an event would need one.
    """
    folder = Path(folder).absolute()
    path = folder / "dataset.json"
    raw = {
        "schema": SCHEMA,
        "name": dataset.name,
        "classes": list(dataset.classes),
        "videos": _rows(dataset, folder),
        "splits": {s: {r: list(ids) for r, ids in roles.items()} for s, roles in dataset.splits.items()},
    }
    raise_together([repair.as_fault(path) for repair in _check(raw, path, allow_leakage=False).repairs])
    write_json(path, raw)
    return path


def _view(raw: object, path: Path) -> CheckedDataset:
    """A view (`dataset_view`) of a dataset, which is checked as always."""
    faults: list[AugrgbError] = []
    file = _validated(ViewFile, raw, str(path), faults)
    if file is None:
        raise faults[0] if len(faults) == 1 else FaultList(faults)
    base = base_folder(file, path)
    if is_view(read_json(base / "dataset.json", "dataset")):
        raise InputRefused("E-ANN-029", path, "is a view of a view", "Name the dataset itself.")
    checked = check_dataset(base)
    dataset = seen_through(checked.dataset, file, path, faults)
    raise_together(faults)
    return CheckedDataset(dataset, checked.repairs)


def _rows(dataset: Dataset, folder: Path) -> list[object]:
    rows: list[object] = []
    faults: list[AugrgbError] = []
    for video in dataset.videos.values():
        try:
            rows.append(row_of(video, folder))
        except AugrgbError as fault:
            faults.append(fault)
    raise_together(faults)
    return rows


def _check(raw: object, path: Path, *, allow_leakage: bool) -> CheckedDataset:
    faults: list[AugrgbError] = []
    dataset = _parse(raw, path, faults, allow_leakage=allow_leakage)
    written = AnnotationSet(dataset.classes, dataset.videos, closed=True)
    findings = [*class_findings(written), *unit_findings(written)]
    videos = {video_id: repair_video(video, findings) for video_id, video in dataset.videos.items()}
    raise_together([*faults, *(finding.as_fault(path) for finding in findings if finding.action == "refused")])
    repaired = replace(dataset, videos=MappingProxyType(videos))
    return CheckedDataset(repaired, tuple(finding for finding in findings if finding.is_repair))


def _parse(raw: object, path: Path, faults: list[AugrgbError], *, allow_leakage: bool) -> Dataset:
    """The dataset as it is written, without the rows that are faulty; faults are added to `faults`."""
    file = _validated(DatasetFile, raw, str(path), faults)
    if file is None:
        raise faults[0] if len(faults) == 1 else FaultList(faults)
    if file.schema_ != SCHEMA:
        raise InputRefused("E-ANN-029", path, f"schema {file.schema_!r}, expected {SCHEMA!r}", "Convert the file.")
    for name, count in Counter(file.classes).items():
        if count > 1:
            faults.append(InputRefused("E-ANN-004", path, f"class {name!r} is listed {count} times"))
    records: dict[str, VideoRecord] = {}
    row_number: dict[str, int] = {}
    twins: dict[str, str] = {}
    root = resolved(path.parent)
    for number, value in enumerate(file.videos):
        row = _validated(VideoRow, value, f"{path} videos[{number}]", faults)
        if row is None:
            continue
        where = f"{path} {row.id!r}"
        if row.id in row_number:
            problem = f"the id is used by videos[{row_number[row.id]}] and [{number}]"
            faults.append(InputRefused("E-ID-001", where, problem))
            continue
        row_number[row.id] = number
        twin = twins.setdefault(alike(row.id), row.id)
        if twin != row.id:
            faults.append(
                InputRefused("E-ID-002", where, f"differs from {twin!r} only in case, blanks or Unicode form")
            )
        records[row.id] = record_of(row, root, where, faults)
    whole = len(records) == len(file.videos)
    splits = check_splits(file.splits, records, set(row_number), path, faults, whole=whole, allow_leakage=allow_leakage)
    return Dataset(file.name, tuple(file.classes), MappingProxyType(records), MappingProxyType(splits))


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
