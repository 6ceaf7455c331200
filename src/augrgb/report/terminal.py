"""Tables for the terminal. Every string is handed over as plain text: no markup and no control characters of a file
name or class reach the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from augrgb.core.types import Detection
from augrgb.report.data import Comparison, MethodRow, Score, known
from augrgb.report.numbers import DASH, clock_time, counted, interval, percent, points
from augrgb.report.wording import coverage, coverage_gap


def comparison_table(comparison: Comparison) -> Table:
    """Methods by protocols: mean ± std in percent, under it the paired difference to the baseline and its interval."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("Method")
    for place, protocol in enumerate(comparison.protocols):
        heading = plain(f"{protocol.name} {protocol.version}".rstrip(), "bold")
        table.add_column(heading.append(f"\n{coverage(comparison, place)}", "not bold dim"))
    group = None
    for row in comparison.rows:
        if row.group != group:
            group = row.group
            table.add_row(plain(group, "dim"))
        table.add_row(_name(row), *(_cell(row, score) for score in row.scores))
    table.caption = Text("Percent, mean ± std over seeds; difference to the baseline in points [95 % interval].", "dim")
    return table


def summary_table(comparison: Comparison, headings: Sequence[str], columns: Sequence[int]) -> Table:
    """One line per method that fits 80 columns: mean in percent, and the paired difference to the baseline in points.

    A star marks a difference whose 95 % interval leaves out zero. Methods that need extra sensors are dim.

    Args:
        headings: What stands above each column.
        columns: Which protocols of the comparison, by their place.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Method", no_wrap=True)
    for heading in headings:
        table.add_column(plain(heading), justify="right", no_wrap=True)
        table.add_column("change", justify="right", no_wrap=True)
    for row in comparison.rows:
        style = "bold" if row.featured else "dim" if row.extra_sensors else ""
        cells = [cell for place in columns for cell in _short(row.scores[place])]
        table.add_row(plain(row.name, style), *(Text(cell, style) for cell in cells))
    return table


def _short(score: Score | None) -> tuple[str, str]:
    """Mean and difference, such as `42.7` and `+11.0*`."""
    if score is None or not known(score.mean):
        return DASH, ""
    low, high = score.delta_low, score.delta_high
    clear = low is not None and high is not None and (low > 0 or high < 0)
    return percent(score.mean), f"{points(score.delta)}{'*' if clear else ''}" if known(score.delta) else ""


def detections_table(detections: Sequence[Detection], limit: int | None = None) -> Table:
    """Detections by video and time; with a `limit`, the ones with the highest scores, and a line that says so."""
    chosen = sorted(detections, key=lambda found: -found.score)[:limit]
    several = len({found.video_id for found in detections}) > 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    if several:
        table.add_column("Video")
    table.add_column("Class")
    for name in ("Start", "End", "Score"):
        table.add_column(name, justify="right")
    for found in sorted(chosen, key=lambda found: (found.video_id, found.start_s, found.label)):
        times = Text(clock_time(found.start_s)), Text(clock_time(found.end_s)), Text(f"{found.score:.2f}")
        table.add_row(*([plain(found.video_id)] if several else []), plain(found.label), *times)
    if len(chosen) < len(detections):
        table.caption = Text(
            f"The {len(chosen)} of {counted(len(detections), 'detection')} with the highest scores.", "dim"
        )
    return table


def plain(text: str, style: str = "") -> Text:
    """Text as it is, except that what cannot be printed (control characters, escapes) is shown as `�`.

    >>> plain("a[b]\\x1b").plain
    'a[b]�'
    """
    return Text("".join(letter if letter.isprintable() else "�" for letter in text), style)


def _name(row: MethodRow) -> Text:
    name = plain(row.name, "bold" if row.featured else "")
    return name.append_text(plain(f"  needs {' + '.join(row.extra_sensors)}", "yellow")) if row.extra_sensors else name


def _cell(row: MethodRow, score: Score | None) -> Text:
    if score is None or not known(score.mean):
        return Text(DASH, "dim")
    spread = f" ± {percent(score.std)}" if known(score.std) else ""
    cell = Text(f"{percent(score.mean)}{spread}", "bold" if row.featured else "")
    if known(score.delta):
        bounds = interval(score.delta_low, score.delta_high) or counted(score.seeds, "seed")
        cell.append(f"\n{points(score.delta)} {bounds}", "dim")
    if coverage_gap(score):
        cell.append(f"\n{coverage_gap(score)}", "red")
    return cell
