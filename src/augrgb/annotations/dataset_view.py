"""A view of a dataset: its videos without some of them or of their sensors, and with other splits.

`augrgb fit` works on one, so that a video that cannot be read any more, or folds for cross-validation, need no change
of the user's `dataset.json`. A view names no files, only the dataset folder that does.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import Field

from augrgb.annotations.dataset_schema import Sensor, StrictRow
from augrgb.annotations.roles import check_splits
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import write_json
from augrgb.core.opening import resolved, sha256_file
from augrgb.core.types import Dataset

SCHEMA = "augrgb.dataset-view/1"


class ViewFile(StrictRow):
    """The whole file.

    Args:
        of: The dataset's folder, relative to that of the view.
        sha256: Of the dataset's file, so that a view never shows another dataset than it was made of.
        without: Videos that are left out.
        without_sensors: Video id -> sensors of it that are left out.
        splits: As in a dataset.
    """

    schema_: str = Field(alias="schema")
    of: str
    sha256: str
    without: list[str] = Field(default_factory=list)
    without_sensors: dict[str, list[Sensor]] = Field(default_factory=dict)
    splits: dict[str, dict[str, list[str]]] = Field(default_factory=dict)


def save_view(
    folder: Path,
    base: Path,
    splits: Mapping[str, Mapping[str, Collection[str]]],
    *,
    without: Collection[str] = (),
    without_sensors: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Path:
    """Write `folder/dataset.json` as a view of the dataset in the folder `base`; returns its path."""
    values = {
        "schema": SCHEMA,
        "of": Path(os.path.relpath(resolved(base), resolved(folder))).as_posix(),
        "sha256": sha256_file(base / "dataset.json"),
        "without": sorted(without),
        "without_sensors": {name: sorted(kinds) for name, kinds in sorted(without_sensors.items())},
        "splits": {split: {role: list(ids) for role, ids in roles.items()} for split, roles in splits.items()},
    }
    path = folder / "dataset.json"
    write_json(path, values)
    return path


def is_view(raw: Any) -> bool:
    """Whether the values of a `dataset.json` are a view."""
    return isinstance(raw, dict) and raw.get("schema") == SCHEMA


def base_folder(file: ViewFile, path: Path) -> Path:
    """The folder of the dataset behind a view.

    Raises:
        InputRefused: E-FILE-001, it is gone; E-SPL-013, it changed since.
    """
    folder = resolved(path.parent / file.of)
    base = folder / "dataset.json"
    if not base.is_file():
        raise InputRefused("E-FILE-001", base, f"the dataset of the view {path} is gone", "Put it back, or fit again.")
    if sha256_file(base) != file.sha256:
        problem = f"the dataset changed since the view {path} was made"
        raise InputRefused("E-SPL-013", base, problem, "Run `augrgb fit` again: with --extend for new data.")
    return folder


def seen_through(base: Dataset, file: ViewFile, path: Path, faults: list[AugrgbError]) -> Dataset:
    """The dataset as the view shows it; what is wrong with the splits is added to `faults`."""
    left_out, lost = set(file.without), file.without_sensors
    records = {
        name: replace(record, **dict.fromkeys(lost[name])) if name in lost else record  # type: ignore[arg-type]
        for name, record in base.videos.items()
        if name not in left_out
    }
    splits = check_splits(file.splits, records, set(records), path, faults, whole=True, allow_leakage=False)
    return replace(base, videos=MappingProxyType(records), splits=MappingProxyType(splits))
