"""The words, tables and timelines of a report."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from augrgb.core.types import Dataset
from augrgb.metrics.error_analysis import KINDS
from augrgb.metrics.segments import Segments
from augrgb.pipelines.comparison.timelines import annotated_s
from augrgb.pipelines.reporting.intervals import PROTOCOL
from augrgb.pipelines.reporting.judged_run import JudgedRun
from augrgb.report.data import (
    Comparison,
    Fact,
    Lane,
    MethodRow,
    PlainTable,
    Protocol,
    Score,
    TimelineExample,
    known,
)
from augrgb.report.film_strip import strip_of_file
from augrgb.report.numbers import percent
from augrgb.report.tables import safe_cell

STRIP_FRAMES = 16
_FRAME_SIZE = (128, 96)


def headline(members: Sequence[JudgedRun], intervals: Mapping[str, tuple[float, float]]) -> str | None:
    """The result in one sentence; who is ahead only where other videos would hardly change it.

    Args:
        intervals: See `difference_intervals`.
    """
    first = members[0].results[0]
    if len(members) == 1:
        return f"{members[0].name}: {first.protocol} {percent(first.value)} %"
    best = max(members, key=lambda one: one.results[0].value if known(one.results[0].value) else -1.0)
    ranked = ", ".join(f"{one.name} {percent(one.results[0].value)}" for one in members)
    ranges = intervals.values() if best is members[0] else [intervals[best.name]] if best.name in intervals else []
    clear = bool(ranges) and all(high < 0 if best is members[0] else low > 0 for low, high in ranges)
    verdict = f"{best.name} is ahead" if clear else "No clear difference"
    return f"{verdict} in {first.protocol}: {ranked} %"


def facts_of(runs: Sequence[Path], members: Sequence[JudgedRun]) -> tuple[Fact, ...]:
    """Where the runs are, and how many videos were scored."""
    facts = [Fact(one.name, str(run)) for one, run in zip(members, runs, strict=True)]
    first = members[0].results[0]
    return (*facts, Fact("videos scored", f"{first.videos_scored} of {first.videos_total}"))


def comparison_of(members: Sequence[JudgedRun], intervals: Mapping[str, tuple[float, float]]) -> Comparison:
    """One row for each run, with differences to the first, and the intervals of `difference_intervals`."""
    protocols = tuple(Protocol(result.protocol) for result in members[0].results)
    rows = []
    for place, one in enumerate(members):
        scores = tuple(
            Score(
                (result.value,),
                result.value,
                delta=result.value - base.value if place else None,
                delta_low=intervals[one.name][0] if measured else None,
                delta_high=intervals[one.name][1] if measured else None,
                videos_scored=result.videos_scored,
                videos_total=result.videos_total,
            )
            for result, base in zip(one.results, members[0].results, strict=True)
            for measured in [result.protocol == PROTOCOL and one.name in intervals]
        )
        rows.append(MethodRow(one.name, "Runs", scores, baseline=not place))
    return Comparison(protocols, tuple(rows))


def mistakes_table(members: Sequence[JudgedRun]) -> PlainTable:
    """Kinds among the best G detections of each class, and boundary errors."""
    rows = []
    for one in members:
        best = one.diagnosis.kinds[0]
        shares = [f"{100 * count / max(best.sum(), 1):.0f} %" for count in best]
        errors = [np.abs(values) for values in (one.diagnosis.start_error_s, one.diagnosis.end_error_s)]
        medians = [f"{np.median(values):.2f} s" if len(values) else "–" for values in errors]
        rows.append((one.name, *shares, *medians))
    note = "Of the best detections of each class, as many as it has events; medians of the absolute errors of hits."
    headers = ("Run", *KINDS, "error of start", "error of end")
    return PlainTable("Kinds of mistakes", headers, tuple(rows), note)


def timelines_of(
    members: Sequence[JudgedRun], dataset: Dataset, videos: Sequence[str], count: int
) -> list[TimelineExample]:
    """Videos spread evenly over those sorted by length of annotation."""
    ordered = sorted(videos, key=lambda video: (annotated_s(dataset.videos[video].events), video))
    places = sorted({round(place) for place in np.linspace(0, len(ordered) - 1, min(count, len(ordered)))})
    examples = []
    for video in (dataset.videos[ordered[place]] for place in places):
        lanes = tuple(
            Lane(one.name, tuple(one.final[video.video_id])) for one in members if video.video_id in one.final
        )
        strip = strip_of_file(video.file, video.known_duration_s, STRIP_FRAMES, _FRAME_SIZE)
        unknown = tuple((region.start_s, region.end_s) for region in video.ignored)
        drawn = TimelineExample(video.video_id, video.known_duration_s, strip, video.events, lanes, unknown=unknown)
        examples.append(drawn)
    return examples


def per_class_csv(members: Sequence[JudgedRun], classes: Sequence[str], truth: Segments) -> str:
    """Every protocol of every run by class."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    protocols = [result.protocol for result in members[0].results]
    table.writerow(["class", "events", *(f"{one.name}: {name}" for one in members for name in protocols)])
    for place, label in enumerate(classes):
        values = [result.per_class.get(label) for one in members for result in one.results]
        cells = [f"{value:.6f}" if value is not None and known(value) else "" for value in values]
        table.writerow([safe_cell(label), int(np.count_nonzero(truth.label == place)), *cells])
    return text.getvalue()
