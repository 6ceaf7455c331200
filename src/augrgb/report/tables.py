"""The comparison as Markdown, for people, and as CSV, for programs."""

from __future__ import annotations

import csv
import html
import io

from augrgb.report.data import Comparison, Score, known
from augrgb.report.numbers import DASH, interval, percent, points

_CSV_COLUMNS = (
    "group method needs protocol version mean std seeds delta delta_low delta_high p videos_scored videos_total values"
)


def comparison_markdown(comparison: Comparison) -> str:
    """A Markdown table: percent, mean ± std, paired difference to the baseline with its 95 % interval, coverage."""
    header = [
        "Method",
        "Extra sensors at test time",
        *(f"{one.name} {one.version}".rstrip() for one in comparison.protocols),
    ]
    lines = [_line([_escaped(text) for text in header]), _line(["---"] * len(header))]
    for row in comparison.rows:
        name = f"**{_escaped(row.name)}**" if row.featured else _escaped(row.name)
        sensors = _escaped(" + ".join(row.extra_sensors)) or DASH
        lines.append(_line([name, sensors, *(_cell(score) for score in row.scores)]))
    return "\n".join(lines) + "\n"


def comparison_csv(comparison: Comparison) -> str:
    """One CSV line per method and protocol; scores and differences are fractions, absent numbers are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS.split())
    for row in comparison.rows:
        for protocol, score in zip(comparison.protocols, row.scores, strict=True):
            names = [row.group, row.name, "+".join(row.extra_sensors), protocol.name, protocol.version]
            writer.writerow([*map(_safe, names), *_numbers(score)])
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


def _safe(text: str) -> str:
    """A leading apostrophe keeps spreadsheets from running a name as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _cell(score: Score | None) -> str:
    if score is None or not known(score.mean):
        return DASH
    text = percent(score.mean) + (f" ± {percent(score.std)}" if known(score.std) else "")
    if known(score.delta):
        text += f" ({' '.join(filter(None, (points(score.delta), interval(score.delta_low, score.delta_high))))})"
    if score.videos_total is not None:
        text += f", {score.videos_scored} of {score.videos_total} videos"
    return text


def _escaped(text: str) -> str:
    safe = html.escape(" ".join(text.split()), quote=False)
    for letter in "\\|*_`[]":
        safe = safe.replace(letter, f"\\{letter}")
    return safe


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
