"""One page and figures that compare any trained runs of one dataset: where they differ, and what their mistakes are."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from augrgb.core.errors import UsageFault
from augrgb.core.files import check_output_folder, write_bytes, write_text
from augrgb.core.opening import resolved
from augrgb.pipelines.reporting.figures import figures_of
from augrgb.pipelines.reporting.intervals import PROTOCOL, difference_intervals
from augrgb.pipelines.reporting.judged_run import judge_runs, numbers_of
from augrgb.pipelines.reporting.page_parts import (
    comparison_of,
    facts_of,
    headline,
    mistakes_table,
    per_class_csv,
    timelines_of,
)
from augrgb.report import run_figures as draw
from augrgb.report.data import FigureImage, ReportData
from augrgb.report.numbers import counted
from augrgb.report.page import write_report
from augrgb.workflows.evaluate import run_recipe

_OVER_VIDEOS = (
    " Intervals are over the videos: what other videos would change, not what another training would"
    " (augrgb compare measures that, over seeds)."
)
_SINGLE = " Too few videos for intervals of the differences (augrgb compare gives them over seeds)."


@dataclass(frozen=True, slots=True)
class RunsReport:
    """What `report_runs` wrote and found.

    Args:
        files: The page first.
        numbers: Everything that the page and its figures show, as plain values.
    """

    files: tuple[Path, ...]
    numbers: dict[str, Any]


def report_runs(
    runs: Sequence[Path],
    out: Path,
    *,
    split: str | None = None,
    role: str = "test",
    threshold: float = 0.5,
    timelines: int = 4,
    formats: Sequence[draw.FigureFormat] = ("svg",),
    allow_missing: int = 0,
) -> RunsReport:
    """Write `report.html`, `per_class.csv` and `figures/` about one or more finished runs of a dataset.

    Args:
        runs: Run folders of streams. Differences refer to the first.
        out: Folder to write.
        split: Default: the one that the first run was trained on.
        role: Which videos of the split.
        threshold: tIoU from which a detection is right.
        timelines: How many videos are drawn, spread evenly over the videos sorted by length of annotation.
        formats: Files of each figure beside the page.
        allow_missing: How many videos may lack features.

    Detections that lie for more than half in ignored regions count nowhere, as in the protocols.

    Raises:
        UsageFault: E-RUN-007, runs of different datasets; E-CFG-003, a threshold outside (0, 1].
        InputRefused: A run that is not finished, damaged, or was trained on these videos; E-MET-007, no event.
    """
    check_output_folder(out)
    if not 0 < threshold <= 1:
        raise UsageFault("E-CFG-003", "threshold", f"must be above 0 and at most 1, got {threshold}")
    split = split or run_recipe(runs[0]).data.split
    runs = list(dict.fromkeys(resolved(Path(run)) for run in runs))
    members, dataset, videos, truth = judge_runs(runs, split, role, threshold, allow_missing)
    figures = figures_of(members, truth, dataset.classes, threshold)
    written = []
    images = []
    for name, title, caption, figure in figures:
        drawn = {kind: draw.figure_bytes(figure, kind) for kind in dict.fromkeys(("svg", *formats))}
        svg = base64.b64encode(drawn["svg"]).decode()
        images.append(FigureImage(title, f"data:image/svg+xml;base64,{svg}", caption))
        for kind in dict.fromkeys(formats):
            path = out / "figures" / f"{name}.{kind}"
            write_bytes(path, drawn[kind])
            written.append(path)
    table = out / "per_class.csv"
    write_text(table, per_class_csv(members, dataset.classes, truth))
    page = out / "report.html"
    intervals = difference_intervals({one.name: one.predictions for one in members}, dataset, videos)
    names = " and ".join(one.name for one in members) if len(members) < 3 else counted(len(members), "run")
    data = ReportData(
        title=f"{names}: {split}, {role}",
        story=f"{counted(len(videos), 'video')} of {Path(run_recipe(runs[0]).data.dataset).name}, "
        f"{counted(len(truth), 'event')}; {len(np.unique(truth.label))} of {len(dataset.classes)} classes occur."
        + (_OVER_VIDEOS if intervals else _SINGLE if len(members) > 1 else ""),
        headline=headline(members, intervals),
        facts=facts_of(runs, members),
        comparison=comparison_of(members, intervals),
        plain_tables=(mistakes_table(members),),
        figures=tuple(images),
        timelines=tuple(timelines_of(members, dataset, videos, timelines)),
        classes=dataset.classes,
    )
    write_report(page, data)
    numbers = {
        "differences": {name: {PROTOCOL: list(ends)} for name, ends in intervals.items()},
        "split": split,
        "role": role,
        "tiou": threshold,
        "videos": len(videos),
        "events": len(truth),
        "runs": [
            numbers_of(one, str(run), dataset.classes, truth, threshold) for one, run in zip(members, runs, strict=True)
        ],
    }
    return RunsReport((page, table, *written), numbers)
