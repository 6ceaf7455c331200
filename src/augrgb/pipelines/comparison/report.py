"""A comparison's results as tables and JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from augrgb.metrics.protocols import find_protocol
from augrgb.metrics.statistics import paired_difference
from augrgb.pipelines.comparison.gaps import shares_of, shares_table
from augrgb.pipelines.comparison.results import Results
from augrgb.pipelines.comparison.search_report import search_json, search_tables
from augrgb.pipelines.comparison.statistics import Statistic, paired_values
from augrgb.pipelines.comparison.tious import tiou_tables
from augrgb.report.data import (
    Comparison,
    MethodRow,
    PlainTable,
    Protocol,
    Score,
)
from augrgb.report.numbers import DASH, interval, percent, points
from augrgb.report.tables import comparison_markdown

SCHEMA = "augrgb.comparison/1"
_CLASS_COLUMNS = "row against split protocol class seeds ap ap_against gain gain_std low high"
HOW = (
    "Seeds are paired: each difference is of runs with one seed. Intervals: 95 %, Student's t. p: paired t-test, and "
    "Holm's correction of it for all rows of the column; the sign-flip test makes no assumption on the distribution, "
    "but cannot go below 2 / 2^n with n seeds."
)


def comparison_of(results: Results, statistics: Sequence[Statistic]) -> Comparison:
    """The table for people."""
    recipe = results.recipe
    columns = results.columns()
    found = {(one.row, one.column): one for one in statistics}
    rows = []
    for key, entry in recipe.rows.items():
        scores = tuple(_score(results, found[key, column]) for column in columns)
        against = recipe.against(key)
        notes = [entry.note] if entry.note else []
        other = row_name(results, against) if against is not None and against != recipe.baseline else ""
        if other:
            notes.append(f"difference to {other}")
        row = MethodRow(
            entry.name or key,
            entry.group,
            scores,
            extra_sensors=tuple(entry.sensors),
            baseline=key == recipe.baseline,
            featured=key == recipe.featured,
            note="; ".join(notes),
            against=other,
        )
        rows.append(row)
    protocols = tuple(Protocol(recipe.heading(*c), "", find_protocol(c[1]).summary) for c in columns)
    return Comparison(protocols, tuple(rows))


def _score(results: Results, one: Statistic) -> Score | None:
    coverage = results.coverage(one.row, one.column)
    if coverage is None:
        return None
    paired = one.pairs > 0
    return Score(
        values=tuple(results.of(one.row, one.column)),
        mean=one.mean,
        std=one.std,
        delta=one.delta if paired else None,
        delta_low=one.low if paired else None,
        delta_high=one.high if paired else None,
        p=one.p_t if paired else None,
        videos_scored=coverage[0],
        videos_total=coverage[1],
    )


def results_json(results: Results, statistics: Sequence[Statistic]) -> dict[str, Any]:
    """Every seed's numbers with coverage, and the statistics; the same whatever interrupted the work."""
    recipe = results.recipe
    return {
        "schema": SCHEMA,
        "recipe": recipe.model_dump(mode="json"),
        "rows": {
            key: {
                "name": entry.name or key,
                "group": entry.group,
                "sensors": entry.sensors,
                "against": recipe.against(key),
                "seeds": {
                    str(seed): one.to_json() if (one := results.values[key][seed]) else None for seed in recipe.seeds
                },
            }
            for key, entry in recipe.rows.items()
        },
        "statistics": [_plain(one) for one in statistics],
        "gaps": [
            {
                "row": one.row,
                "to": one.to,
                "split": one.column[0],
                "protocol": one.column[1],
                "pairs": one.pairs,
                **{name: _number(getattr(one, name)) for name in ("share", "low", "high")},
            }
            for one in shares_of(results)
        ],
        "failures": [{"cell": one.cell, "reason": one.reason} for one in results.failures],
        **({"search": search_json(recipe.search, results.searches)} if recipe.search is not None else {}),
    }


def _plain(one: Statistic) -> dict[str, Any]:
    return {name: _number(getattr(one, name)) for name in one.__dataclass_fields__}


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def summary_markdown(results: Results, table: Comparison, statistics: Sequence[Statistic]) -> str:
    """Title, table, statistics, shares of gaps, failures."""
    parts = [f"# {results.recipe.title}", results.recipe.about, comparison_markdown(table).rstrip()]
    parts += ["## Paired statistics", HOW]
    for column in results.columns():
        lines = [
            "| Row | against | seeds | difference | std | 95 % interval | p (t) | p (sign flip) | p (Holm) |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for one in statistics:
            if one.column == column and one.against:
                cells = [_cell(row_name(results, one.row)), _cell(row_name(results, one.against)), str(one.pairs)]
                cells += [points(one.delta), percent(one.delta_std), interval(one.low, one.high) or DASH]
                corrected = f"**{_p(one.p_holm)}**" if one.significant else _p(one.p_holm)
                cells += [_p(one.p_t), _p(one.p_sign_flip), corrected]
                lines.append(f"| {' | '.join(cells)} |")
        parts += [f"### {results.recipe.heading(*column)}", "\n".join(lines)]
    for title, more_rows in tiou_tables(results):
        parts += [f"## {title}", comparison_markdown(more_rows).rstrip()]
    for more in plain_tables(results):
        parts += [f"## {more.title}", more.note, _markdown(more)]
    if results.failures:
        parts += ["## Not finished", "\n".join(f"- {_cell(one.cell)}: {_cell(one.reason)}" for one in results.failures)]
    return "\n\n".join(part for part in parts if part) + "\n"


def class_gains_csv(results: Results, classes: Sequence[str]) -> str:
    """One line per row, column and class: mean AP, and the paired gain with its interval, fractions."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CLASS_COLUMNS.split())
    for key in results.recipe.rows:
        against = results.recipe.against(key)
        for column in results.columns() if against is not None else ():
            for label in classes:
                pairs = paired_values(
                    results.classes(key, column, label), results.classes(against or "", column, label)
                )
                if pairs:
                    gain = paired_difference([a for a, _ in pairs], [b for _, b in pairs])
                    means = [sum(side) / len(pairs) for side in zip(*pairs, strict=True)]
                    numbers = [*means, gain.mean, gain.std, gain.low, gain.high]
                    shown = ["" if math.isnan(number) else f"{number:.6g}" for number in numbers]
                    writer.writerow([key, against, *column, label, len(pairs), *shown])
    return text.getvalue()


def plain_tables(results: Results) -> tuple[PlainTable, ...]:
    """Shares of gaps, and the search."""
    shares = shares_table(results, shares_of(results))
    return (*((shares,) if shares is not None else ()), *search_tables(results.recipe, results.searches))


def _markdown(table: PlainTable) -> str:
    lines = [table.headers, tuple("---" for _ in table.headers), *table.rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def row_name(results: Results, key: str | None) -> str:
    """What people see of a row; nothing for none."""
    return results.recipe.label(key) if key is not None else ""


def _p(value: float) -> str:
    return DASH if math.isnan(value) else f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
