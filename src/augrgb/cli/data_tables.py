"""Terminal tables of `augrgb data`: findings and statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from augrgb.annotations.statistics import DataStats, commonest_pairs
from augrgb.workflows.check import CheckReport

_STYLES = {"refused": "bold red", "dropped": "yellow", "clipped": "yellow", "kept": "", "noted": "dim"}


def findings_table(report: CheckReport) -> Table:
    """Every kind of finding: what is done about it, how many, and the first examples."""
    table = Table(title="findings", title_justify="left")
    for column in ("code", "what", "done"):
        table.add_column(column)
    table.add_column("count", justify="right")
    table.add_column("first", overflow="fold")
    for group in report.groups():
        first = "\n".join(f"{e.where}: {e.detail}".removesuffix(": ") for e in group.examples)
        style = _STYLES[group.action]
        table.add_row(group.code, group.kind, Text(group.action, style=style), str(group.count), Text(first))
    return table


def findings_json(report: CheckReport) -> list[dict[str, Any]]:
    """Every kind of finding for `--json`: code, what, what is done about it, how many, first examples."""
    return [
        {
            "code": group.code,
            "what": group.kind,
            "done": group.action,
            "count": group.count,
            "first": [{"where": example.where, "detail": example.detail} for example in group.examples],
        }
        for group in report.groups()
    ]


def stats_tables(stats: DataStats) -> Iterator[Table]:
    """Overview, splits, classes, and the pairs that happen together most."""
    yield _overview(stats)
    if stats.split_sizes:
        table = Table(title="splits", title_justify="left")
        for column in ("split", "role"):
            table.add_column(column)
        for column in ("videos", "events"):
            table.add_column(column, justify="right")
        for split, roles in stats.split_sizes.items():
            for role, (videos, events) in roles.items():
                table.add_row(Text(split), role, str(videos), str(events))
        yield table
    table = Table(title="classes", title_justify="left")
    table.add_column("class")
    for column in ("videos", "events", "seconds", "median s", "longest s"):
        table.add_column(column, justify="right")
    for entry in sorted(stats.classes, key=lambda c: -c.events):
        numbers = (f"{entry.total_s:.0f}", f"{entry.median_s:.2f}", f"{entry.longest_s:.1f}")
        table.add_row(Text(entry.name), str(entry.videos), str(entry.events), *numbers)
    yield table
    pairs = commonest_pairs(stats)
    if pairs:
        table = Table("class", "class", "seconds together", title="most at the same time", title_justify="left")
        for one, other, seconds in pairs:
            table.add_row(Text(one), Text(other), f"{seconds:.0f}")
        yield table


def _overview(stats: DataStats) -> Table:
    table = Table(show_header=False, box=None)
    lengths = np.array(stats.event_s) if stats.event_s else np.zeros(1)
    quantiles = " / ".join(f"{value:.2f}" for value in np.percentile(lengths, (10, 50, 90)))
    table.add_row("videos", f"{stats.videos} ({stats.annotated} annotated, {stats.empty} of them empty)")
    if stats.video_s:
        table.add_row("length", f"{sum(stats.video_s) / 3600:.2f} h, median {np.median(stats.video_s):.1f} s")
    table.add_row("events", f"{stats.events} of {len(stats.classes)} classes, {stats.ignored} ignored regions")
    table.add_row("event length", f"{quantiles} s (10th, 50th, 90th percentile)")
    if stats.labelled_share is not None:
        table.add_row("time with an action", f"{100 * stats.labelled_share:.1f} %")
    table.add_row("of it with several", f"{100 * stats.overlap_share:.1f} %")
    return table
