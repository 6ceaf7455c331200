"""The comparison as Markdown, for people, and as CSV, for programs."""

from __future__ import annotations

import csv
import html
import io
import itertools
from collections.abc import Sequence

from augrgb.report.data import Comparison, Score, known
from augrgb.report.numbers import DASH, interval, percent, points

_CSV_COLUMNS = (
    "group method needs protocol version mean std seeds delta delta_low delta_high p videos_scored videos_total values"
)


def comparison_markdown(comparison: Comparison) -> str:
    """A Markdown table: percent, mean ± std, paired difference to the baseline with its 95 % interval, coverage.

    Groups stand in lines of their own; coverage stands in the head of a column where it is the same for all rows.
    """
    shared = [_same_coverage(scores) for scores in zip(*(row.scores for row in comparison.rows), strict=True)]
    header = ["Method", "Extra sensors at test time"]
    for one, covered in zip(comparison.protocols, shared, strict=True):
        header.append(f"{one.name} {one.version}".rstrip() + (f" ({covered})" if covered else ""))
    lines = [_line([_escaped(text) for text in header]), _line(["---"] * len(header))]
    for group, rows in itertools.groupby(comparison.rows, key=lambda row: row.group):
        if group:
            lines.append(_line([f"*{_escaped(group)}*", *[""] * (len(header) - 1)]))
        for row in rows:
            name = f"**{_escaped(row.name)}**" if row.featured else _escaped(row.name)
            sensors = _escaped(" + ".join(row.extra_sensors)) or DASH
            cells = [_cell(score, covered == "") for score, covered in zip(row.scores, shared, strict=True)]
            lines.append(_line([name, sensors, *cells]))
    return "\n".join(lines) + "\n"


def comparison_csv(comparison: Comparison) -> str:
    """One CSV line per method and protocol; scores and differences are fractions, absent numbers are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS.split())
    for row in comparison.rows:
        for protocol, score in zip(comparison.protocols, row.scores, strict=True):
            names = [row.group, row.name, "+".join(row.extra_sensors), protocol.name, protocol.version]
            writer.writerow([*map(safe_cell, names), *_numbers(score)])
    return text.getvalue()


def _numbers(score: Score | None) -> list[str]:
    if score is None:
        return [""] * 10
    spread = [_number(value) for value in (score.delta, score.delta_low, score.delta_high, score.p)]
    coverage = ["" if count is None else str(count) for count in (score.videos_scored, score.videos_total)]
    values = " ".join(_number(value) or "nan" for value in score.values)
    return [_number(score.mean), _number(score.std), str(score.seeds), *spread, *coverage, values]


def _number(value: float | None) -> str:
    return f"{value:.6g}" if value is not None and known(value) else ""


def safe_cell(text: str) -> str:
    """A leading apostrophe keeps spreadsheets from running a name as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _same_coverage(scores: Sequence[Score | None]) -> str:
    found = {_covered(score) for score in scores if score is not None and known(score.mean)}
    return found.pop() if len(found) == 1 else ""


def _covered(score: Score) -> str:
    return f"{score.videos_scored} of {score.videos_total} videos" if score.videos_total is not None else ""


def _cell(score: Score | None, with_coverage: bool) -> str:
    if score is None or not known(score.mean):
        return DASH
    text = percent(score.mean) + (f" ± {percent(score.std)}" if known(score.std) else "")
    if known(score.delta):
        text += f" ({' '.join(filter(None, (points(score.delta), interval(score.delta_low, score.delta_high))))})"
    covered = _covered(score) if with_coverage else ""
    return f"{text}, {covered}" if covered else text


def _escaped(text: str) -> str:
    safe = html.escape(" ".join(text.split()), quote=False)
    for letter in "\\|*_`[]":
        safe = safe.replace(letter, f"\\{letter}")
    return safe


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
