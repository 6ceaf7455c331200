"""Figures about runs: precision-recall, AP per class, kinds of mistakes, errors of boundaries, durations, confusion.

Each returns a matplotlib figure, which `figure_bytes` turns into PNG, SVG or PDF: the same drawing for page and paper.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from augrgb.metrics.error_analysis import KINDS, Diagnosis, PrecisionRecall
from augrgb.report.palette import CLASS_COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FigureFormat = Literal["png", "svg", "pdf"]
MOST_CLASSES = 40  # whose names can still be read in one figure
_KIND_COLORS = ("#2f8f60", "#6468bd", "#b07c12", "#cf6d1f", "#c75e9c", "#8a929c")
_SMALL = 8


def figure_bytes(figure: Figure, kind: FigureFormat) -> bytes:
    """The figure as a file; the same bytes for the same numbers."""
    import matplotlib

    buffer = io.BytesIO()
    undated: dict[str, Any] = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with matplotlib.rc_context({"svg.hashsalt": "augrgb", "svg.fonttype": "none", "pdf.fonttype": 42}):
        figure.savefig(buffer, format=kind, metadata=undated, dpi=110)
    return buffer.getvalue()


def precision_recall_figure(
    curves: Mapping[str, Sequence[PrecisionRecall]], classes: Sequence[str], most: int = 12
) -> Figure:
    """A small chart for each class (the `most` with the largest differences between runs), a line for each run.

    Args:
        curves: Run -> its curves; every run has the same classes.
    """
    first = next(iter(curves.values()))
    ap = {name: {curve.label: curve.ap for curve in run} for name, run in curves.items()}
    spread = {
        c.label: max(run[c.label] for run in ap.values()) - min(run[c.label] for run in ap.values()) for c in first
    }
    shown = sorted(sorted(spread, key=lambda label: -spread[label])[:most])
    columns = max(1, min(4, len(shown)))
    rows = max(1, math.ceil(len(shown) / columns))
    figure = _figure(11, 2.5 * rows + 0.5)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axis, label in zip(axes, shown, strict=False):
        for place, (name, run) in enumerate(curves.items()):
            curve = next(one for one in run if one.label == label)
            first_precision = curve.precision[:1]  # none where a run never finds the class
            recall = np.append(np.zeros(len(first_precision)), curve.recall)
            precision = np.append(first_precision, curve.precision)
            axis.plot(recall, precision, color=_color(place), lw=1.4, label=_plain(f"{name} ({100 * curve.ap:.0f})"))
        axis.set_title(_plain(classes[label]), fontsize=_SMALL + 1)
        axis.legend(fontsize=_SMALL - 1, frameon=False)
        axis.set(xlim=(0, 1.02), ylim=(0, 1.05))
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    figure.supxlabel("recall", fontsize=_SMALL + 1)
    figure.supylabel("precision", fontsize=_SMALL + 1)
    return figure


def class_figure(values: Mapping[str, Mapping[str, float | None]], xlabel: str) -> Figure:
    """Bars per class, one for each run; classes sorted by the first run.

    Args:
        values: Run -> class -> fraction, None or NaN where undefined.
    """
    first = next(iter(values.values()))
    names = sorted(first, key=lambda name: -_number(first[name]))[:MOST_CLASSES]
    figure = _figure(9, 0.6 + len(names) * (0.12 + 0.13 * len(values)))
    axis = figure.subplots()
    height = 0.8 / len(values)
    for place, (run, of_class) in enumerate(values.items()):
        y = np.arange(len(names)) + (place - (len(values) - 1) / 2) * height
        axis.barh(
            y, [100 * _number(of_class.get(name)) for name in names], height, color=_color(place), label=_plain(run)
        )
    axis.set_yticks(range(len(names)), [_plain(name) for name in names], fontsize=_SMALL)
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.set_xlabel(xlabel, fontsize=_SMALL + 1)
    axis.legend(fontsize=_SMALL, frameon=False, loc="lower right")
    if len(first) > len(names):
        axis.set_title(f"the {len(names)} best of {len(first)} classes", fontsize=_SMALL)
    return figure


def mistakes_figure(diagnoses: Mapping[str, Diagnosis]) -> Figure:
    """Shares of the kinds of mistakes among the best G, 2 G, ... detections, a chart for each run."""
    figure = _figure(11, 3.3)
    axes = figure.subplots(1, len(diagnoses), squeeze=False, sharey=True)[0]
    for axis, (name, diagnosis) in zip(axes, diagnoses.items(), strict=True):
        counts = np.cumsum(diagnosis.kinds, axis=0)
        shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        bottom = np.zeros(len(shares))
        for kind, color in enumerate(_KIND_COLORS):
            axis.bar(range(1, len(shares) + 1), shares[:, kind], 0.85, bottom=bottom, color=color, label=KINDS[kind])
            bottom += shares[:, kind]
        axis.set_title(_plain(name), fontsize=_SMALL + 1)
        axis.set_xlabel("best detections, x events", fontsize=_SMALL)
        axis.set(ylim=(0, 100), xlim=(0.4, len(shares) + 0.6))
    axes[0].set_ylabel("%", fontsize=_SMALL)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=_SMALL, frameon=False
    )
    return figure


def costs_figure(diagnoses: Mapping[str, Diagnosis]) -> Figure:
    """mAP that each kind of mistake costs, bars for each run."""
    figure = _figure(9, 2.8)
    axis = figure.subplots()
    width = 0.8 / len(diagnoses)
    for place, (name, one) in enumerate(diagnoses.items()):
        x = np.arange(len(KINDS) - 1) + (place - (len(diagnoses) - 1) / 2) * width
        axis.bar(x, 100 * one.costs[1:], width, color=_color(place), label=_plain(name))
    axis.set_xticks(range(len(KINDS) - 1), KINDS[1:], fontsize=_SMALL)
    axis.set_ylabel("points of mAP", fontsize=_SMALL)
    axis.legend(fontsize=_SMALL, frameon=False)
    return figure


def boundary_figure(diagnoses: Mapping[str, Diagnosis]) -> Figure:
    """Boxes (quartiles, whiskers from the 5th to the 95th percentile) of errors of start and end, in seconds."""
    figure = _figure(9, 0.9 + 0.6 * len(diagnoses))
    left, right = figure.subplots(1, 2, sharey=True, sharex=True)
    for axis, side in ((left, "start"), (right, "end")):
        errors = [one.start_error_s if side == "start" else one.end_error_s for one in diagnoses.values()]
        axis.axvline(0, color="#8a929c", lw=0.8)
        axis.boxplot(
            [values if len(values) else [math.nan] for values in errors],
            orientation="horizontal",
            whis=(5, 95),
            showfliers=False,
            widths=0.5,
            medianprops={"color": "#0b6e8e", "lw": 1.6},
        )
        axis.set_xlabel(f"error of the {side}, s (positive: late)", fontsize=_SMALL)
        axis.set_yticks(
            range(1, len(errors) + 1),
            [_plain(f"{name} ({len(values)})") for name, values in zip(diagnoses, errors, strict=True)],
            fontsize=_SMALL,
        )
    left.invert_yaxis()
    return figure


def duration_figure(
    by_run: Mapping[str, Sequence[tuple[float, int]]], edges: Sequence[float], threshold: float
) -> Figure:
    """mAP of events of each range of durations, bars for each run."""
    figure = _figure(9, 3)
    axis = figure.subplots()
    width = 0.8 / len(by_run)
    counts = [count for _, count in next(iter(by_run.values()))]
    for place, (name, values) in enumerate(by_run.items()):
        x = np.arange(len(values)) + (place - (len(by_run) - 1) / 2) * width
        axis.bar(x, [100 * _number(value) for value, _ in values], width, color=_color(place), label=_plain(name))
    ranges = [
        f"{low:.1f} to {high:.1f} s\n{count} events"
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    axis.set_xticks(range(len(ranges)), ranges, fontsize=_SMALL)
    axis.set_ylabel(f"mAP at tIoU {threshold:g}, %", fontsize=_SMALL)
    axis.legend(fontsize=_SMALL, frameon=False)
    return figure


def matrix_figure(
    tables: Mapping[str, NDArray[Any]],
    rows: Sequence[str],
    columns: Sequence[str],
    y_label: str,
    x_label: str,
    *,
    normalize: bool = True,
) -> Figure:
    """Tables of shares one beside the other; white = 0. With `normalize`, counts become shares of their rows."""
    size = 0.22 * len(rows) + 1.6
    figure = _figure(max(5.0, (size + 0.8) * len(tables)), size + 1.0)
    axes = figure.subplots(1, len(tables), squeeze=False)[0]
    for place, (axis, (name, table)) in enumerate(zip(axes, tables.items(), strict=True)):
        shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12) if normalize else table
        axis.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100)
        axis.set_title(_plain(name), fontsize=_SMALL + 1)
        axis.set_xticks(range(len(columns)), [_plain(one) for one in columns], rotation=90, fontsize=_SMALL - 1)
        axis.set_yticks(range(len(rows)), [_plain(one) for one in rows] if not place else [], fontsize=_SMALL - 1)
        axis.set_xlabel(x_label, fontsize=_SMALL)
        for y, x in zip(*np.nonzero(shares >= 0.1), strict=True) if len(rows) <= 25 else ():
            ink = "white" if shares[y, x] > 0.55 else "#1b212b"
            axis.text(x, y, f"{100 * shares[y, x]:.0f}", ha="center", va="center", fontsize=6, color=ink)
    axes[0].set_ylabel(y_label, fontsize=_SMALL)
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _color(place: int) -> str:
    return CLASS_COLORS[place % len(CLASS_COLORS)]


def _number(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0


def _plain(name: str) -> str:
    """A name as matplotlib text: short, printable, and with no mathematics in it."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in name)
    return (printable if len(printable) <= 28 else f"{printable[:27]}…").replace("$", r"\$")
