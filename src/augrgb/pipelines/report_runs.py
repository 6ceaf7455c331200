"""One page and figures that compare any trained runs of one dataset: where they differ, and what their mistakes are."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from augrgb.core.errors import UsageFault
from augrgb.core.files import write_bytes, write_text
from augrgb.core.opening import resolved
from augrgb.core.types import Dataset, Detection
from augrgb.detection.event_rule import EventRule, find_events
from augrgb.detection.pipeline import deciding_scores
from augrgb.detection.predictions import Predictions
from augrgb.inference.thresholds import read_thresholds
from augrgb.metrics.error_analysis import (
    KINDS,
    Diagnosis,
    PrecisionRecall,
    confusion,
    diagnose,
    map_by_duration,
    precision_recall,
    seconds_together,
)
from augrgb.metrics.evaluation import MetricResult, mostly_ignored
from augrgb.metrics.segments import Segments, segments_of_detections, segments_of_events
from augrgb.metrics.tiou_map import clean_truth
from augrgb.pipelines.comparison.timelines import annotated_s
from augrgb.report import run_figures as draw
from augrgb.report.data import (
    Comparison,
    Fact,
    FigureImage,
    Lane,
    MethodRow,
    PlainTable,
    Protocol,
    ReportData,
    Score,
    TimelineExample,
    known,
)
from augrgb.report.film_strip import strip_of_file
from augrgb.report.numbers import counted, percent
from augrgb.report.page import write_report
from augrgb.report.tables import safe_cell
from augrgb.workflows.evaluate import (
    detections_of,
    evaluate_predictions,
    predict_run,
    result_to_json,
    run_recipe,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STRIP_FRAMES = 16
_FRAME_SIZE = (128, 96)
_MATRIX_CLASSES = 30
_MATRIX_RUNS = 3


@dataclass(frozen=True, slots=True)
class _Run:
    name: str
    predictions: Predictions
    results: tuple[MetricResult, ...]
    ranked: Segments
    final: dict[str, list[Detection]]
    shown: Segments
    diagnosis: Diagnosis
    curves: tuple[PrecisionRecall, ...]
    left_aside: int


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
    if not 0 < threshold <= 1:
        raise UsageFault("E-CFG-003", "threshold", f"must be above 0 and at most 1, got {threshold}")
    split = split or run_recipe(runs[0]).data.split
    runs = list(dict.fromkeys(resolved(Path(run)) for run in runs))
    members, dataset, videos, truth = _members(runs, split, role, threshold, allow_missing)
    figures = _figures(members, truth, dataset.classes, threshold)
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
    write_text(table, _per_class_csv(members, dataset.classes, truth))
    page = out / "report.html"
    names = " and ".join(one.name for one in members) if len(members) < 3 else counted(len(members), "run")
    data = ReportData(
        title=f"{names}: {split}, {role}",
        story=f"{counted(len(videos), 'video')} of {Path(run_recipe(runs[0]).data.dataset).name}, "
        f"{counted(len(truth), 'event')}; {len(np.unique(truth.label))} of {len(dataset.classes)} classes occur. "
        "Single runs: differences have no interval (`augrgb compare` gives one over seeds).",
        headline=_headline(members),
        facts=_facts(runs, members),
        comparison=_comparison(members),
        plain_tables=(_mistakes_table(members),),
        figures=tuple(images),
        timelines=tuple(_timelines(members, dataset, videos, timelines)),
        classes=dataset.classes,
    )
    write_report(page, data)
    numbers = {
        "split": split,
        "role": role,
        "tiou": threshold,
        "videos": len(videos),
        "events": len(truth),
        "runs": [
            _numbers(one, str(run), dataset.classes, truth, threshold) for one, run in zip(members, runs, strict=True)
        ],
    }
    return RunsReport((page, table, *written), numbers)


def _members(
    runs: Sequence[Path], split: str, role: str, threshold: float, allow_missing: int
) -> tuple[list[_Run], Dataset, tuple[str, ...], Segments]:
    """What is known of each run, the dataset, its labelled videos of the role, and their events."""
    predicted = [predict_run(run, split=split, role_name=role, allow_missing=allow_missing) for run in runs]
    _, dataset, videos = predicted[0]
    if any(other.videos != dataset.videos for _, other, _ in predicted[1:]):
        raise UsageFault("E-RUN-007", ", ".join(map(str, runs)), "these runs are of different datasets")
    labelled = tuple(video for video in videos if dataset.videos[video].events is not None)
    index, classes = _index(labelled), _index(dataset.classes)
    events = {video: dataset.videos[video].events or () for video in labelled}
    truth = clean_truth(segments_of_events(events, index, classes))
    members = []
    regions = {video: dataset.videos[video].ignored for video in labelled}
    for name, run, (predictions, _, _) in zip(_names(runs), runs, predicted, strict=True):
        every = [one for one in detections_of(predictions, dataset) if one.video_id in index]
        known_ones = [one for one in every if not mostly_ignored(one, regions[one.video_id])]
        ranked = segments_of_detections(known_ones, index, classes)
        final = _final(run, predictions, dataset)
        at_work = [one for video, found in final.items() if video in index for one in found]
        shown = segments_of_detections(
            [one for one in at_work if not mostly_ignored(one, regions[one.video_id])], index, classes
        )
        results = evaluate_predictions(predictions, dataset, labelled)
        diagnosis = diagnose(ranked, truth, threshold=threshold)
        curves = precision_recall(ranked, truth, threshold=threshold)
        members.append(
            _Run(name, predictions, results, ranked, final, shown, diagnosis, curves, len(every) - len(known_ones))
        )
    return members, dataset, labelled, truth


def _numbers(one: _Run, folder: str, classes: Sequence[str], truth: Segments, threshold: float) -> dict[str, Any]:
    """The numbers behind the figures of a run."""
    edges = _edges(truth)
    by_duration = map_by_duration(one.ranked, truth, edges, threshold=threshold)
    errors = {"start": one.diagnosis.start_error_s, "end": one.diagnosis.end_error_s}
    return {
        "name": one.name,
        "folder": folder,
        "results": [result_to_json(result) for result in one.results],
        "detections_in_ignored_regions": one.left_aside,
        "average_precision": {classes[curve.label]: curve.ap for curve in one.curves},
        "mistakes": {
            "of_the_best": dict(zip(KINDS, one.diagnosis.kinds[0].tolist(), strict=True)),
            "of_all": dict(zip(KINDS, one.diagnosis.kinds.sum(axis=0).tolist(), strict=True)),
        },
        "boundary_error_s": {
            side: dict(zip(("q25", "median", "q75"), np.quantile(values, (0.25, 0.5, 0.75)).tolist(), strict=True))
            for side, values in errors.items()
            if len(values)
        },
        "map_by_duration": [
            {"from_s": low, "to_s": high, "map": value, "events": count}
            for low, high, (value, count) in zip(edges, edges[1:], by_duration, strict=False)
        ],
        "confusion": confusion(one.shown, truth, len(classes)).tolist(),
    }


def _names(runs: Sequence[Path]) -> list[str]:
    """Folder names of different, absolute paths, with as many folders above as make them differ."""
    for depth in range(1, max(len(run.parts) for run in runs)):
        names = ["/".join(run.parts[-depth:]) for run in runs]
        if len(set(names)) == len(runs):
            return names
    return [str(run) for run in runs]


def _index(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _final(run: Path, predictions: Predictions, dataset: Dataset) -> dict[str, list[Detection]]:
    """The events that `augrgb detect` would show: by the run's own thresholds, where it has some."""
    chosen = read_thresholds(run, predictions.classes)
    found = {}
    for video, raw in predictions.scores.items():
        calibrations = chosen.calibrations if chosen else {}
        scores = deciding_scores(raw, predictions.clock, predictions.classes, calibrations)
        duration_s = dataset.videos[video].known_duration_s
        rules = chosen.rules if chosen else EventRule()
        found[video] = list(find_events(scores, predictions.clock, predictions.classes, video, duration_s, rules=rules))
    return found


def _headline(members: Sequence[_Run]) -> str | None:
    """The result in one sentence; one run has one number, two have a difference."""
    first = members[0].results[0]
    if len(members) == 1:
        return f"{members[0].name}: {first.protocol} {percent(first.value)} %"
    best = max(members, key=lambda one: one.results[0].value if known(one.results[0].value) else -1.0)
    ranked = ", ".join(f"{one.name} {percent(one.results[0].value)}" for one in members)
    return f"{best.name} is ahead in {first.protocol}: {ranked} %"


def _facts(runs: Sequence[Path], members: Sequence[_Run]) -> tuple[Fact, ...]:
    facts = [Fact(one.name, str(run)) for one, run in zip(members, runs, strict=True)]
    first = members[0].results[0]
    return (*facts, Fact("videos scored", f"{first.videos_scored} of {first.videos_total}"))


def _comparison(members: Sequence[_Run]) -> Comparison:
    protocols = tuple(Protocol(result.protocol) for result in members[0].results)
    rows = []
    for place, one in enumerate(members):
        scores = tuple(
            Score(
                (result.value,),
                result.value,
                delta=result.value - base.value if place else None,
                videos_scored=result.videos_scored,
                videos_total=result.videos_total,
            )
            for result, base in zip(one.results, members[0].results, strict=True)
        )
        rows.append(MethodRow(one.name, "Runs", scores, baseline=not place))
    return Comparison(protocols, tuple(rows))


def _figures(
    members: Sequence[_Run], truth: Segments, classes: Sequence[str], threshold: float
) -> list[tuple[str, str, str, Figure]]:
    """(file name, title, caption, figure) of each."""
    at = f"tIoU {threshold:g}"
    diagnoses = {one.name: one.diagnosis for one in members}
    edges = _edges(truth)
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
        caption = "Of the events that `detect` shows of a class (row): what was there (column), in percent."
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


def _edges(truth: Segments) -> list[float]:
    """Borders of at most four ranges with about equally many events, one decimal."""
    length = truth.end - truth.start
    inner = sorted({round(float(edge), 1) for edge in np.quantile(length, (0.25, 0.5, 0.75))} - {0.0})
    inner = [edge for edge in inner if length.min() < edge <= length.max()]
    return [0.0, *inner, round(float(length.max()) + 0.1, 1)]


def _mistakes_table(members: Sequence[_Run]) -> PlainTable:
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


def _timelines(members: Sequence[_Run], dataset: Dataset, videos: Sequence[str], count: int) -> list[TimelineExample]:
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


def _per_class_csv(members: Sequence[_Run], classes: Sequence[str], truth: Segments) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    protocols = [result.protocol for result in members[0].results]
    table.writerow(["class", "events", *(f"{one.name}: {name}" for one in members for name in protocols)])
    for place, label in enumerate(classes):
        values = [result.per_class.get(label) for one in members for result in one.results]
        cells = [f"{value:.6f}" if value is not None and known(value) else "" for value in values]
        table.writerow([safe_cell(label), int(np.count_nonzero(truth.label == place)), *cells])
    return text.getvalue()
