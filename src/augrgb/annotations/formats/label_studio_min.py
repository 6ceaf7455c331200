"""Label Studio's short exports: JSON-MIN and CSV (TSV), a row per annotation with the regions of each control."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from augrgb.annotations.formats.label_studio import LabelStudio
from augrgb.annotations.reading.json_reader import iter_list
from augrgb.annotations.reading.json_values import as_object
from augrgb.annotations.reading.tables import header_of, read_table
from augrgb.annotations.reading.text_files import head_of, open_text
from augrgb.core.errors import InputRefused
from augrgb.core.plain_data import parse_json

_ALWAYS = {"annotation_id", "annotator", "lead_time"}
_ABOUT = _ALWAYS | {"created_at", "updated_at", "was_cancelled", "agreement", "id"}


class LabelStudioMin(LabelStudio):
    """JSON-MIN, CSV and TSV exports of Label Studio: the regions are those of its JSON, without their type.

    Regions with `ranges` are of a timeline, in frames of the labeling interface; regions with `start`, `end` and
    `labels` are of sound, in seconds. A row without an annotation is a video that was never annotated. Several rows of
    one task are its annotations, in the order of their creation. Options are those of `label-studio`.
    """

    name = "label-studio-min"
    suffixes = (".json", ".csv", ".tsv")
    signs = ('"annotation_id"', '"annotator"', '"lead_time"')

    @classmethod
    def sniff(cls, path: Path) -> bool:
        head = head_of(path)
        if path.suffix.lower() in (".csv", ".tsv"):
            return set(header_of(head)) >= _ALWAYS
        if not head.lstrip().startswith("[") or LabelStudio.sniff(path):
            return False
        return all(sign in head for sign in cls.signs) or ('"timelinelabels"' in head and '"ranges"' in head)

    def _tasks(self, path: Path) -> Iterator[tuple[str, Any]]:
        tasks: dict[str, dict[str, Any]] = {}
        places: dict[str, str] = {}
        for at, row in _rows(path):
            data = {key: value for key, value in row.items() if key not in _ABOUT and not _is_regions(value)}
            task_id = str(row["id"]) if row.get("id") not in (None, "") else f"at {at}"
            places.setdefault(task_id, at)
            task = tasks.setdefault(task_id, {"data": data, "annotations": []})
            if row.get("annotation_id") in (None, ""):
                continue
            results: list[dict[str, Any]] = []
            for key, value in row.items():
                if key not in _ABOUT and _is_regions(value):
                    results += [{"type": _kind(region), "value": region} for region in value]
            annotation = {"result": results, "created_at": str(row.get("created_at") or "")}
            skipped = str(row.get("was_cancelled")).lower() == "true"
            task["annotations"].append(annotation | {"was_cancelled": skipped})
        for task_id, task in tasks.items():
            task["annotations"].sort(key=lambda annotation: annotation["created_at"])
            yield places[task_id], task


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if path.suffix.lower() == ".json":
        for at, value in iter_list(path):
            yield at, as_object(value, path, at)
        return
    with open_text(path) as text:
        table = read_table(path, text)
        missing = _ALWAYS - set(table.names)
        if missing:
            raise InputRefused("E-ANN-034", f"{path}:1", f"no column {', '.join(sorted(missing))}")
        for line, cells in table.rows:
            if len(cells) != len(table.names):
                raise InputRefused("E-ANN-005", f"{path}:{line}", f"{len(cells)} cells, expected {len(table.names)}")
            values = {
                name: parse_json(cell, f"{path}:{line}") if cell.startswith(("[{", "[]")) else cell
                for name, cell in zip(table.names, cells, strict=True)
            }
            yield f"line {line}", values


def _is_regions(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(region, dict) for region in value)


def _kind(region: dict[str, Any]) -> str:
    """The type that the long export gives a region."""
    return next((key for key in region if key.endswith("labels")), "")
