"""Training curves of a comparison's report: loss and validation score of some of its encoders and streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from augrgb.pipelines.comparison.cells import Cells
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.report.data import CurveLine, CurvePanel
from augrgb.training.run.history import History

_CURVES = (("detection loss", "terms", "detection"), ("validation mAP", "validation", "frame_map"))


def curves_of(recipe: ComparisonRecipe, cells: Cells) -> tuple[CurvePanel, ...]:
    """Panels for the methods in the recipe's `curves` and for the encoders that they stand on, a line per seed."""
    streams = {recipe.label(key): [cells.places.stream(key, seed) for seed in recipe.seeds] for key in recipe.curves}
    encoders: dict[str, list[Path]] = {}
    for key in recipe.curves:
        encoder = recipe.methods[key].encoder
        if encoder is not None:
            runs = [cells.places.encoder(encoder, seed) for seed in recipe.seeds]
            encoders.setdefault(encoder, list(dict.fromkeys(runs)))
    panels = [*_panels("Encoders", encoders), *_panels("Streams", streams)]
    return tuple(panel for panel in panels if panel.lines)


def _panels(title: str, runs: Mapping[str, Sequence[Path]]) -> list[CurvePanel]:
    panels = []
    for what, part, key in _CURVES:
        lines = [_line(name, run, part, key) for name, folders in runs.items() for run in folders]
        shown = tuple(line for line in lines if line.steps)
        panels.append(CurvePanel(f"{title}: {what}", shown, percent=part == "validation"))
    return panels


def _line(name: str, run: Path, part: str, key: str) -> CurveLine:
    rows = History(run / "metrics.jsonl").read()
    points = [(float(row["step"]), float(row[part][key])) for row in rows if key in row.get(part, {})]
    return CurveLine(name, tuple(step for step, _ in points), tuple(value for _, value in points))
