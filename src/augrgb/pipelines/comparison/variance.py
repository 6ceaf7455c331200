"""A comparison over several worlds and draws of labels: where its tables would have turned out otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from augrgb.annotations.dataset_file import load_dataset
from augrgb.annotations.dataset_view import save_view
from augrgb.annotations.label_draw import draw_labels
from augrgb.core.plain_data import read_json
from augrgb.metrics.variance import Components, nested_components
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.pipelines.comparison.row_result import Column, RowResult
from augrgb.report.numbers import DASH


@dataclass(frozen=True)
class Variant:
    """One world with one draw of labels, and the ordinary comparison that it comes to.

    Args:
        folder: Of that comparison.
        recipe: Without worlds and draws, and after the first without a search: it has the settings found there.
    """

    world: int
    labels: int
    folder: Path
    recipe: ComparisonRecipe


@dataclass(frozen=True)
class VariedRow:
    """A row in one column: its own components, and those of its differences to the row that it is paired with."""

    row: str
    column: Column
    value: Components
    difference: Components | None


def is_varied(recipe: ComparisonRecipe) -> bool:
    """Whether there is more than one world or draw of labels."""
    return bool(recipe.worlds) or recipe.label_seeds != [0]


def variants(recipe: ComparisonRecipe, folder: Path) -> Iterator[Variant]:
    """The ordinary comparisons, one after the other: each is to be finished before the next is asked for."""
    settings: Mapping[str, Mapping[str, Any]] | None = None
    worlds = recipe.worlds or [str(recipe.stream["data"]["dataset"])]
    for world, dataset in enumerate(worlds):
        for labels in recipe.label_seeds:
            place = folder / f"world-{world}" / f"labels-{labels}"
            changes: dict[str, Any] = {"worlds": [], "label_seeds": [0]}
            drawn = str(_drawn(Path(dataset), place / "dataset", labels)) if labels else dataset
            changes["stream"] = {**recipe.stream, "data": {**recipe.stream["data"], "dataset": drawn}}
            own = recipe.model_copy(update=changes)
            if settings is not None:
                own = own.model_copy(update={"search": None}).settled(settings)
            yield Variant(world, labels, place, own)
            if settings is None and recipe.search is not None:
                settings = _chosen(place)


def varied_rows(recipe: ComparisonRecipe, folder: Path) -> tuple[VariedRow, ...]:
    """Components of every row in every column, of finished comparisons; rows without all results are left out."""
    worlds = range(len(recipe.worlds) or 1)
    found = [[_values(folder / f"world-{w}" / f"labels-{one}") for one in recipe.label_seeds] for w in worlds]
    rows: list[VariedRow] = []
    for protocol in recipe.protocols:
        for split in recipe.splits():
            column = Column(split, protocol)
            for row in recipe.rows:
                own = _nested(found, recipe.seeds, row, column)
                against = recipe.against(row)
                other = _nested(found, recipe.seeds, against, column) if against is not None else None
                if own is None:
                    continue
                difference = None
                if other is not None:
                    difference = nested_components(
                        [
                            [[a - b for a, b in zip(*pair, strict=True)] for pair in zip(*draws, strict=True)]
                            for draws in zip(own, other, strict=True)
                        ]
                    )
                rows.append(VariedRow(row, column, nested_components(own), difference))
    return tuple(rows)


def varied_json(recipe: ComparisonRecipe, rows: Sequence[VariedRow]) -> dict[str, Any]:
    """All components, fractions; NaN is null."""
    return {
        "worlds": recipe.worlds or [str(recipe.stream["data"]["dataset"])],
        "label_seeds": recipe.label_seeds,
        "seeds": recipe.seeds,
        "rows": [
            {
                "row": one.row,
                "split": one.column.split,
                "protocol": one.column.protocol,
                "value": _plain(one.value),
                "difference": _plain(one.difference) if one.difference is not None else None,
            }
            for one in rows
        ],
    }


def varied_markdown(recipe: ComparisonRecipe, rows: Sequence[VariedRow]) -> str:
    """A table for each column: percent, and points of the differences."""
    worlds, draws = len(recipe.worlds) or 1, len(recipe.label_seeds)
    text = [
        f"# {recipe.title}: worlds, labels, seeds",
        f"{worlds} worlds x {draws} draws of labels x {len(recipe.seeds)} seeds. Intervals (95 %) go over the highest "
        "of these levels that has several units; std is what each level adds.",
    ]
    for protocol in recipe.protocols:
        for split in recipe.splits():
            text += [f"## {recipe.heading(split, protocol)}", _table(recipe, rows, Column(split, protocol))]
    return "\n\n".join(text) + "\n"


def _table(recipe: ComparisonRecipe, rows: Sequence[VariedRow], column: Column) -> str:
    lines = ["| row | mean | difference | std: world, labels, seed |", "| --- | --- | --- | --- |"]
    for one in rows:
        if one.column == column:
            gain = one.difference
            said = f"{100 * gain.mean:+.1f} [{_points(gain.low)}, {_points(gain.high)}]" if gain is not None else DASH
            spread = ", ".join(_points(value, sign=False) for value in _stds(gain if gain is not None else one.value))
            lines.append(f"| {recipe.label(one.row)} | {100 * one.value.mean:.1f} | {said} | {spread} |")
    return "\n".join(lines)


def _stds(found: Components) -> tuple[float, float, float]:
    return found.world, found.labels, found.seed


def _points(value: float, *, sign: bool = True) -> str:
    return DASH if math.isnan(value) else f"{100 * value:{'+' if sign else ''}.1f}"


def _plain(found: Components) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in asdict(found).items()}


def _drawn(dataset: Path, folder: Path, seed: int) -> Path:
    """A view of the dataset with another draw of labels."""
    save_view(folder, dataset, draw_labels(load_dataset(dataset), seed))
    return folder


def _chosen(folder: Path) -> dict[str, dict[str, Any]]:
    methods = _values(folder)["search"]["methods"]
    return {key: dict(one["settings"]) for key, one in methods.items()}


def _values(folder: Path) -> dict[str, Any]:
    path = folder / "results.json"
    return dict(read_json(path, "results of a comparison")) if path.is_file() else {}


def _nested(
    found: Sequence[Sequence[dict[str, Any]]], seeds: Sequence[int], row: str, column: Column
) -> list[list[list[float]]] | None:
    """Values (worlds, draws, seeds) of a row; None if one is missing."""
    nested = [[[_value(each, row, seed, column) for seed in seeds] for each in world] for world in found]
    known = all(value is not None for world in nested for draw in world for value in draw)
    return [[[float(v) for v in draw if v is not None] for draw in world] for world in nested] if known else None


def _value(results: dict[str, Any], row: str, seed: int, column: Column) -> float | None:
    found = results.get("rows", {}).get(row, {}).get("seeds", {}).get(str(seed))
    if found is None:
        return None
    value = RowResult.from_json(found)[column].value
    return None if math.isnan(value) else value
