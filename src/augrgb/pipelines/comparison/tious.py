"""Tables of the protocols that average over tIoU thresholds: a column for each threshold."""

from __future__ import annotations

from augrgb.pipelines.comparison.results import Results
from augrgb.pipelines.comparison.row_result import Column
from augrgb.report.data import Comparison, MethodRow, Protocol
from augrgb.report.scores import score_over_seeds


def tiou_tables(results: Results) -> tuple[tuple[str, Comparison], ...]:
    """Title and table for each protocol of the comparison that has thresholds."""
    tables = []
    for protocol in results.recipe.protocols:
        columns = [
            (column, tiou)
            for column in results.columns()
            if column.protocol == protocol
            for tiou in results.at_tious(results.recipe.baseline, column)
        ]
        if columns:
            tables.append((f"{protocol} at each tIoU", _table(results, columns)))
    return tuple(tables)


def _table(results: Results, columns: list[tuple[Column, str]]) -> Comparison:
    recipe = results.recipe
    protocols = tuple(Protocol(f"{recipe.heading(*column)}, tIoU {float(tiou):g}") for column, tiou in columns)
    rows = []
    for key, entry in recipe.rows.items():
        against = recipe.against(key)
        scores = []
        for column, tiou in columns:
            values = results.at_tious(key, column).get(tiou)
            other = results.at_tious(against, column).get(tiou) if against is not None else None
            scores.append(score_over_seeds(values, other) if values is not None else None)
        rows.append(
            MethodRow(
                entry.name or key,
                entry.group,
                tuple(scores),
                extra_sensors=tuple(entry.sensors),
                baseline=key == recipe.baseline,
                featured=key == recipe.featured,
                against=recipe.label(against) if against not in (None, recipe.baseline) else "",
            )
        )
    return Comparison(protocols, tuple(rows))
