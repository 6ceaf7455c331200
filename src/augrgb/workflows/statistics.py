"""Statistics of annotations: classes, durations, what happens together, splits; as numbers, a figure and a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.annotation_format import AnnotationSet
from augrgb.annotations.splits import splits_of
from augrgb.core.files import write_bytes, write_text

_MOST_CLASSES = 60  # names in one figure that can still be read


@dataclass(frozen=True)
class ClassStats:
    """One class: videos with it, events, seconds, and the median and longest event in seconds."""

    name: str
    videos: int
    events: int
    total_s: float
    median_s: float
    longest_s: float


@dataclass(frozen=True)
class DataStats:
    """Statistics of a set of annotations.

    Args:
        together_s: (K, K) seconds during which an event of class i and one of class j both happen; diagonal: seconds
            with the class itself.
        action_s: Seconds with at least one event.
        overlap_share: Part of `action_s` with at least two events.
        labelled_share: Part of the videos' time with at least one event, None if durations are not known.
        split_sizes: split -> role -> (videos, events).
    """

    videos: int
    annotated: int
    empty: int
    events: int
    ignored: int
    video_s: tuple[float, ...]
    event_s: tuple[float, ...]
    classes: tuple[ClassStats, ...]
    together_s: NDArray[np.float64]
    action_s: float
    overlap_share: float
    labelled_share: float | None
    split_sizes: Mapping[str, Mapping[str, tuple[int, int]]]


def data_stats(annotations: AnnotationSet) -> DataStats:
    """Compute the statistics of repaired annotations (`faults.repair`)."""
    number = {name: index for index, name in enumerate(annotations.classes)}
    together = np.zeros((len(number), len(number)))
    lengths: list[list[float]] = [[] for _ in number]
    with_class = np.zeros(len(number), int)
    action_s = overlap_s = 0.0
    for video in annotations.videos.values():
        if not video.events:
            continue
        labels = np.array([number[event.label] for event in video.events])
        spans = np.array([(event.start_s, event.end_s) for event in video.events])
        for label, (start, end) in zip(labels, spans, strict=True):
            lengths[label].append(float(end - start))
        present, local = np.unique(labels, return_inverse=True)
        masks, widths = _pieces(local, spans, len(present))
        together[np.ix_(present, present)] += masks.T @ (masks * widths[:, None])
        depth = ((spans[:, :1] <= _starts(spans)) & (_starts(spans) < spans[:, 1:])).sum(0)
        with_class[present] += 1
        action_s += float(widths[depth >= 1].sum())
        overlap_s += float(widths[depth >= 2].sum())
    durations = [v.duration_s for v in annotations.videos.values() if v.duration_s is not None]
    labelled = [v.duration_s for v in annotations.videos.values() if v.events is not None]
    known = [duration for duration in labelled if duration is not None]
    return DataStats(
        videos=len(annotations.videos),
        annotated=len(labelled),
        empty=sum(video.events == () for video in annotations.videos.values()),
        events=sum(map(len, lengths)),
        ignored=sum(len(video.ignored) for video in annotations.videos.values()),
        video_s=tuple(durations),
        event_s=tuple(length for found in lengths for length in found),
        classes=tuple(
            ClassStats(
                name=name,
                videos=int(with_class[index]),
                events=len(lengths[index]),
                total_s=float(sum(lengths[index])),
                median_s=float(np.median(lengths[index])) if lengths[index] else 0.0,
                longest_s=max(lengths[index], default=0.0),
            )
            for name, index in number.items()
        ),
        together_s=together,
        action_s=action_s,
        overlap_share=overlap_s / action_s if action_s else 0.0,
        labelled_share=action_s / sum(known) if known and len(known) == len(labelled) else None,
        split_sizes={
            split: {role: _size(annotations, ids) for role, ids in roles.items()}
            for split, roles in splits_of(annotations).items()
        },
    )


def commonest_pairs(stats: DataStats, count: int = 10) -> list[tuple[str, str, float]]:
    """The pairs of classes that happen most together, with the seconds."""
    upper = np.triu(stats.together_s, 1)
    order = np.argsort(-upper, axis=None, kind="stable")[:count]
    rows, columns = np.unravel_index(order, upper.shape)
    names = [entry.name for entry in stats.classes]
    return [(names[i], names[j], float(upper[i, j])) for i, j in zip(rows, columns, strict=True) if upper[i, j] > 0]


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


def _starts(spans: NDArray[np.float64]) -> NDArray[np.float64]:
    """Starts of the pieces between neighbouring borders of any events, shape (pieces,)."""
    return np.unique(spans)[:-1]


def _pieces(
    labels: NDArray[np.int64], spans: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Which classes are active (pieces, K), and the length of each piece (pieces,) in seconds."""
    borders = np.unique(spans)
    active = (spans[:, :1] <= borders[:-1]) & (borders[:-1] < spans[:, 1:])  # (events, pieces)
    one_hot = np.zeros((len(labels), count))
    one_hot[np.arange(len(labels)), labels] = 1.0
    return np.minimum(active.T.astype(float) @ one_hot, 1.0), np.diff(borders)


def _size(annotations: AnnotationSet, ids: tuple[str, ...]) -> tuple[int, int]:
    found = [annotations.videos[i] for i in ids if i in annotations.videos]
    return len(found), sum(len(video.events or ()) for video in found)


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
