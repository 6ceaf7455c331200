"""The figures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from augrgb.metrics.error_analysis import confusion, map_by_duration, seconds_together
from augrgb.metrics.segments import Segments
from augrgb.pipelines.reporting.judged_run import JudgedRun, duration_edges
from augrgb.report import run_figures as draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MATRIX_CLASSES = 30
_MATRIX_RUNS = 3


def figures_of(
    members: Sequence[JudgedRun], truth: Segments, classes: Sequence[str], threshold: float
) -> list[tuple[str, str, str, Figure]]:
    """(file name, title, caption, figure) of each."""
    at = f"tIoU {threshold:g}"
    diagnoses = {one.name: one.diagnosis for one in members}
    edges = duration_edges(truth)
    per_class = {one.name: dict(one.results[0].per_class) for one in members}
    found = [
        (
            "per_class",
            "Classes",
            f"{members[0].results[0].protocol} of each class.",
            draw.class_figure(per_class, f"{members[0].results[0].protocol}, %"),
        ),
        (
            "precision_recall",
            "Precision and recall",
            f"Ranked detections at {at}; the AP of each run in brackets. At most twelve classes: those in which the "
            "runs differ most.",
            draw.precision_recall_figure({one.name: one.curves for one in members}, classes),
        ),
        (
            "mistakes",
            "What the false positives are",
            f"Kinds of the best detections, up to ten times the number of events, at {at} (after DETAD, Alwassel et "
            "al. 2018). Double: overlaps an event that is taken. Localization: right class, tIoU below the threshold. "
            "Wrong label and confusion: an event of another class, above and below it. Background: nothing there.",
            draw.mistakes_figure(diagnoses),
        ),
        (
            "costs",
            "What each kind of mistake costs",
            f"mAP at {at} that would be gained if none of the detections of a kind were there (after DETAD).",
            draw.costs_figure(diagnoses),
        ),
        (
            "boundaries",
            "Errors of boundaries",
            f"Of the true positives at {at} (their number in brackets): quartiles, and the 5th to 95th percentile.",
            draw.boundary_figure(diagnoses),
        ),
        (
            "durations",
            "Short and long events",
            "Events in four ranges of duration with about equally many events; others do not count.",
            draw.duration_figure(
                {one.name: map_by_duration(one.ranked, truth, edges, threshold=threshold) for one in members},
                edges,
                threshold,
            ),
        ),
    ]
    shown = members[:_MATRIX_RUNS]
    if len(classes) <= _MATRIX_CLASSES:
        tables = {one.name: confusion(one.shown, truth, len(classes)) for one in shown}
        rows, columns = [*classes, "missed"], [*classes, "nothing"]
        caption = "Of the events that augrgb detect shows of a class (row): what was there (column), in percent."
        figure = draw.matrix_figure(tables, rows, columns, "detected", "annotated")
        found.append(("confusion", "Confusion", caption, figure))
        together = {"annotated": seconds_together(truth, len(classes))}
        together |= {one.name: seconds_together(one.shown, len(classes)) for one in shown}
        own = {name: table / np.maximum(np.diag(table), 1e-12)[:, None] for name, table in together.items()}
        caption = "Share of the time of a class (row) in which another happens too, as annotated and as detected."
        figure = draw.matrix_figure(
            {name: table - np.diag(np.diag(table)) for name, table in own.items()}, classes, classes, "during", "also",
            normalize=False,
        )  # fmt: skip
        found.append(("together", "Classes that happen together", caption, figure))
    return found
