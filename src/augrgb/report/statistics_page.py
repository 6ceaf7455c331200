"""Statistics of annotations as a self-contained HTML page or a figure."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path

import numpy as np

from augrgb.annotations.statistics import DataStats
from augrgb.core.files import write_bytes, write_text

_MOST_CLASSES = 60  # names in one figure that can still be read


def write_stats_page(stats: DataStats, title: str, path: Path) -> list[Path]:
    """Write a self-contained HTML page, or only the figure when `path` ends in `.png`; returns what was written."""
    png = _figure(stats)
    if path.suffix.lower() == ".png":
        write_bytes(path, png)
        return [path]
    rows = "".join(
        f"<tr><td>{escape(c.name)}</td><td>{c.videos}</td><td>{c.events}</td><td>{c.total_s:.0f}</td>"
        f"<td>{c.median_s:.2f}</td><td>{c.longest_s:.1f}</td></tr>"
        for c in sorted(stats.classes, key=lambda c: -c.events)
    )
    splits = "".join(
        f"<tr><td>{escape(split)}</td><td>{escape(role)}</td><td>{videos}</td><td>{events}</td></tr>"
        for split, roles in stats.split_sizes.items()
        for role, (videos, events) in roles.items()
    )
    share = "" if stats.labelled_share is None else f" {100 * stats.labelled_share:.0f} % of the time has an action."
    write_text(
        path,
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>"
        "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.15rem .8rem;text-align:right;"
        "border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}img{max-width:100%}</style>"
        f"<h1>{escape(title)}</h1><p>{stats.videos} videos ({stats.annotated} annotated, {stats.empty} of them empty), "
        f"{stats.events} events, {len(stats.classes)} classes, {stats.ignored} ignored regions. "
        f"In {100 * stats.overlap_share:.0f} % of the time with an action there are several at once.{share}</p>"
        f"<img alt='Events per class, durations, classes that happen together' "
        f"src='data:image/png;base64,{base64.b64encode(png).decode()}'>"
        f"<h2>Splits</h2><table><tr><th>split<th>role<th>videos<th>events</tr>{splits}</table>"
        "<h2>Classes</h2><table><tr><th>class<th>videos<th>events<th>seconds<th>median s<th>longest s</tr>"
        f"{rows}</table></html>\n",
    )
    return [path]


def _figure(stats: DataStats) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    order = sorted(range(len(stats.classes)), key=lambda i: -stats.classes[i].events)[:_MOST_CLASSES]
    names = [_shown(stats.classes[i].name) for i in order]
    height = max(4.0, 0.18 * len(names) + 1.5)
    figure = Figure(figsize=(13, height + 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, height_ratios=[height, 2.6])
    bars, matrix = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    events, videos = figure.add_subplot(grid[1, 0]), figure.add_subplot(grid[1, 1])
    bars.barh(range(len(order)), [stats.classes[i].events for i in order], color="#3f74bd")
    bars.set_yticks(range(len(names)), names)
    bars.invert_yaxis()
    bars.margins(y=0.01)
    if len(order) < len(stats.classes):
        bars.set_title(f"the {len(order)} most frequent of {len(stats.classes)} classes", fontsize=10)
    bars.set_xlabel("events")
    bars.tick_params(axis="y", labelsize=7)
    seconds = np.log10(stats.together_s[np.ix_(order, order)] + 1.0)
    shown = matrix.imshow(seconds, cmap="viridis")
    matrix.set_xticks([])
    matrix.set_yticks(range(len(names)), names, fontsize=6)
    matrix.set_title("at the same time (log10 of seconds + 1)", fontsize=10)
    figure.colorbar(shown, ax=matrix, shrink=0.6)
    for axis, values, label in ((events, stats.event_s, "event length, s"), (videos, stats.video_s, "video length, s")):
        positive = np.array([value for value in values if value > 0])
        if positive.size:
            low, high = float(positive.min()), float(positive.max())
            axis.hist(positive, bins=np.geomspace(low, max(high, low * 1.01), 40).tolist(), color="#2f8f60")
            axis.set_xscale("log")
        axis.set_xlabel(label)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _shown(name: str) -> str:
    """A class name as matplotlib text: short, and with no mathematics in it."""
    return (name if len(name) <= 32 else f"{name[:31]}…").replace("$", r"\$")
