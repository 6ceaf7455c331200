"""The page of a demo or comparison."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.report import plots
from augrgb.report.data import Comparison, MethodRow, Protocol, ReportData, Score, known
from augrgb.report.numbers import DASH, counted, percent
from augrgb.report.render import write_page
from augrgb.report.timeline_svg import example_timeline
from augrgb.report.wording import coverage, coverage_gap, gap_sentence, headline


@dataclass(frozen=True, slots=True)
class _Column:
    protocol: Protocol
    coverage: str


@dataclass(frozen=True, slots=True)
class _Cell:
    mean: str
    std: str
    mark: plots.Mark | None
    seeds_note: str
    coverage_note: str


@dataclass(frozen=True, slots=True)
class _Line:
    row: MethodRow
    cells: tuple[_Cell, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    all_sensors: bool
    lines: tuple[_Line, ...]


def write_report(path: Path, report: ReportData) -> None:
    """Write the report of a demo or comparison as one self-contained HTML file.

    Raises:
        InputRefused: A timeline that cannot be drawn.
        EnvironmentFault: The file cannot be written.
    """
    data = report
    values: dict[str, Any] = {"title": data.title, "data": data}
    if data.comparison is not None and data.comparison.rows and data.comparison.protocols:
        values |= _comparison_values(data.comparison)
        values["more_tables"] = [(title, _table_values(more)) for title, more in data.more_tables if more.rows]
        values["headline"] = headline(data.comparison)
    timelines = [example_timeline(example, data.classes) for example in data.timelines]
    values |= {
        "timelines": timelines,
        "any_judged": any(timeline.judged for timeline in timelines),
        "any_unknown": any(timeline.unknown for timeline in timelines),
        "gaps": [(gap, gap_sentence(gap), _share_percent(gap.share)) for gap in data.gaps],
        "panels": [plots.line_chart(panel) for panel in data.curves],
    }
    if data.class_gains is not None and data.class_gains.classes:
        values["class_chart"] = plots.class_chart(data.class_gains.classes)
    if data.ablation is not None and data.ablation.bars:
        chart = plots.ablation_chart(data.ablation.bars, data.ablation.reference, data.ablation.reference_name)
        values["ablation_chart"] = chart
    if data.costs:
        times, memories = plots.cost_charts(data.costs)
        measured = any(known(cost.peak_mib) for cost in data.costs)
        values |= {"time_chart": times, "memory_chart": memories if measured else None}
    values["sections"] = _sections(values, data)
    write_page(path, "report.html.jinja", values)


def _comparison_values(comparison: Comparison) -> dict[str, Any]:
    return {
        "main_table": _table_values(comparison),
        "protocol": comparison.protocols[comparison.headline_protocol],
        "main_chart": plots.method_chart(comparison, comparison.headline_protocol),
        "any_interval": any(score.has_interval for row in comparison.rows for score in row.scores if score),
        "one_seed": max((len(s.values) for row in comparison.rows for s in row.scores if s), default=0) <= 1,
        "any_sensors": any(row.extra_sensors for row in comparison.rows),
    }


def _table_values(comparison: Comparison) -> dict[str, Any]:
    axis = plots.delta_axis(comparison)
    seeds = max((score.seeds for row in comparison.rows for score in row.scores if score), default=0)
    groups = []
    for name, rows in itertools.groupby(comparison.rows, key=lambda row: row.group):
        lines = tuple(_Line(row, tuple(_cell(row, score, axis, seeds) for score in row.scores)) for row in rows)
        groups.append(_Group(name, all(line.row.extra_sensors for line in lines), lines))
    columns = [_Column(protocol, coverage(comparison, place)) for place, protocol in enumerate(comparison.protocols)]
    return {"groups": groups, "columns": columns, "zero": axis.at(0.0)}


def _cell(row: MethodRow, score: Score | None, axis: plots.Axis, seeds: int) -> _Cell:
    if score is None or not known(score.mean):
        return _Cell(DASH, "", None, "", "")
    std = percent(score.std) if known(score.std) else ""
    seeds_note = f"({counted(score.seeds, 'seed')})" if score.seeds != seeds else ""
    return _Cell(percent(score.mean), std, plots.delta_mark(row, score, axis), seeds_note, coverage_gap(score))


def _share_percent(share: float | None) -> float | None:
    return round(100 * min(1.0, max(0.0, share)), 2) if share is not None and known(share) else None


def _sections(values: dict[str, Any], data: ReportData) -> list[tuple[str, str]]:
    present = (
        ("comparison", "Comparison", values.get("main_table")),
        ("gap", "Gap closed", data.gaps),
        ("timelines", "Timelines", data.timelines),
        ("classes", "Classes", values.get("class_chart")),
        ("ablation", "Ablation", values.get("ablation_chart")),
        ("figures", "Figures", data.figures),
        ("curves", "Training", data.curves),
        ("tables", "Tables", data.plain_tables),
        ("costs", "Time and memory", data.costs),
        ("notes", "Notes", data.notes),
    )
    return [(key, name) for key, name, shown in present if shown]
