"""From a project file to a detector: one resumable job that ends in a bundle and a report."""

from __future__ import annotations

import csv
import io
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.core.errors import InputRefused
from augrgb.core.files import remove_leftovers, write_bytes, write_json, write_text
from augrgb.core.opening import LARGEST_MODEL, read_bytes, resolved
from augrgb.core.types import Dataset
from augrgb.detection.predictions import load_predictions
from augrgb.inference.thresholds import write_thresholds
from augrgb.pipelines.compare import ComparisonOutcome, compare
from augrgb.pipelines.comparison.cells import Cells
from augrgb.pipelines.comparison.results import Results
from augrgb.pipelines.comparison.timelines import timelines_of
from augrgb.pipelines.fitting.events import FittedEvents, fit_events
from augrgb.pipelines.fitting.plan import Plan, make_plan
from augrgb.pipelines.fitting.project import check_same, load_project
from augrgb.report.data import Fact, Note, PlainTable, ReportData
from augrgb.report.numbers import DASH, counted, duration, percent, points
from augrgb.report.page import write_report
from augrgb.training.run_lock import run_lock
from augrgb.workflows.evaluate import evaluate_runs

FILES = ("summary.json", "per_class.csv", "report.html", "bundle")
_METHODS = {"rgb": "plain RGB", "augmented": "Augmented-RGB"}
_BUNDLE = ("model.json", "model.safetensors", "encoder/model.json", "encoder/model.safetensors")


@dataclass(frozen=True)
class FittedProject:
    """What `fit` made.

    Args:
        folder: Holds everything.
        bundle: For `augrgb detect --model` and `augrgb.Detector`.
        report: The page.
        chosen: `rgb` or `augmented`, whichever validation prefers.
        verdict: One sentence on whether Augmented-RGB beats plain RGB.
        validation, test: Frame mAP of each method, fractions; NaN where not defined.
        plan: What was planned.
    """

    folder: Path
    bundle: Path
    report: Path
    chosen: str
    verdict: str
    validation: Mapping[str, float]
    test: Mapping[str, float]
    plan: Plan


def plan_fit(project: str | Path, out: str | Path | None = None, *, budget_s: float | None = None) -> Plan:
    """What `fit` would do; reads the dataset file, not the videos.

    Raises:
        AugrgbError: See `fit`.
    """
    path = Path(project)
    settings = load_project(path)
    return make_plan(settings, load_dataset(settings.dataset), _folder(path, out), budget_s)


def fit(
    project: str | Path,
    out: str | Path | None = None,
    *,
    budget_s: float | None = None,
    false_alarms_per_day: float | None = None,
    isotonic: bool = False,
    replace: bool = False,
    workers: int | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> FittedProject:
    """Train plain RGB and Augmented-RGB, keep what validation prefers, choose thresholds, write bundle and report.

    The same call continues an interrupted fit, and ends in the same bytes.

    Args:
        project: A file of `augrgb init`, or its folder.
        out: Where everything is kept; default: `fit` beside the project file.
        budget_s: See `make_plan`.
        false_alarms_per_day: See `choose_rules`; None = best F1.
        isotonic: Calibrate by isotonic regression rather than by slope and intercept.
        replace: Delete what another fit left in `out`.
        workers: Processes; default: one per core. A script that calls this needs `if __name__ == "__main__":`.
        on_progress: Called with (stage, fraction done).

    Raises:
        UsageFault: E-RUN-010 (project file), E-RUN-011 (other settings than those `out` was begun with), E-RUN-012
            (budget), E-DET-015 (false alarms).
        AugrgbError: As `compare`.

    Minutes of training, so this example is not run with the others:

    >>> import augrgb
    >>> result = augrgb.fit("videos/project.yaml", budget_s=1200)  # doctest: +SKIP
    >>> found = augrgb.Detector(result.bundle)("new_video.mp4")  # doctest: +SKIP
    """
    path = Path(project)
    folder, settings = _folder(path, out), load_project(path)
    dataset = load_dataset(settings.dataset)
    plan = make_plan(settings, dataset, folder, budget_s)
    asked = {
        "project": settings.model_dump(mode="json") | {"dataset": str(resolved(settings.dataset))},
        "budget_s": budget_s,
        "false_alarms_per_day": false_alarms_per_day,
        "isotonic": isotonic,
    }
    with run_lock(folder / "fit.lock"):
        if replace and (folder / "settings.json").is_file():
            for name in ("work", *FILES, "settings.json"):  # what is ours, and nothing else
                target = folder / name
                shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        check_same(folder / "settings.json", asked)
        remove_leftovers(folder)
        write_json(folder / "settings.json", asked)
        outcome = compare(plan.recipe, folder / "work", workers=workers, on_progress=on_progress)
        return _finish(plan, dataset, folder, outcome, false_alarms_per_day, isotonic=isotonic)


def _folder(project: Path, out: str | Path | None) -> Path:
    return Path(out) if out is not None else (project if project.is_dir() else project.parent) / "fit"


def _finish(
    plan: Plan,
    dataset: Dataset,
    folder: Path,
    outcome: ComparisonOutcome,
    false_alarms_per_day: float | None,
    *,
    isotonic: bool,
) -> FittedProject:
    """Choose, write the bundle, tables and page."""
    recipe, split = plan.recipe, plan.recipe.splits()[0]
    cells, seed = Cells(recipe, folder / "work"), plan.recipe.seeds[0]
    ready = [name for name in _METHODS if cells.evaluation(name, seed) is not None]
    if not ready:
        reasons = "; ".join(failure.reason for failure in outcome.failures)
        raise InputRefused("E-RUN-008", folder, f"no model could be finished: {reasons}", "Fix this and run it again.")
    runs = {name: cells.places.stream(name, seed) for name in ready}
    protocols = ("frame-map/present",)
    val = {n: evaluate_runs([r], split=split, role="val", protocols=protocols).results[0] for n, r in runs.items()}
    test = {n: evaluate_runs([r], split=split, role="test", protocols=protocols).results[0] for n, r in runs.items()}
    scores = {
        "validation": {name: float(found.value) for name, found in val.items()},
        "test": {name: float(found.value) for name, found in test.items()},
    }
    chosen = max(ready, key=lambda name: (_low_if_nan(scores["validation"][name]), name == "rgb"))
    verdict = _verdict(scores, chosen)
    places = [runs[chosen] / "predictions" / f"{split}-{part}.safetensors" for part in ("val", "test")]
    on_val, on_test = map(load_predictions, places)
    events = fit_events(on_val, on_test, dataset, false_alarms_per_day=false_alarms_per_day, isotonic=isotonic)
    bundle = folder / "bundle"
    for name in _BUNDLE:
        write_bytes(bundle / name, read_bytes(runs[chosen] / name, "model file", LARGEST_MODEL))
    write_thresholds(bundle, events.thresholds, dataset.classes)
    rows = _class_rows(dataset, events, {name: found.per_class for name, found in test.items()})
    write_text(folder / "per_class.csv", _csv(rows))
    failures = [f"{failure.cell}: {failure.reason}" for failure in outcome.failures]
    summary = {
        "chosen": chosen,
        "verdict": verdict,
        "teachers": list(plan.teachers),
        "frame_map": {part: {n: _defined(v) for n, v in values.items()} for part, values in scores.items()},
        "videos": {part: list(role(dataset, split, part)) for part in ("train", "val", "test")},
        "failures": failures,
    }
    write_json(folder / "summary.json", summary)
    evaluations = {row: {seed: cells.evaluation(row, seed)} for row in recipe.rows}
    timelines = timelines_of(Results(recipe, evaluations, outcome.failures, ()), cells, dataset)
    page = _page(plan, dataset, outcome, events, rows, verdict, chosen)
    write_report(folder / "report.html", ReportData(**page, timelines=timelines))
    return FittedProject(
        folder, bundle, folder / "report.html", chosen, verdict, scores["validation"], scores["test"], plan
    )


def _low_if_nan(value: float) -> float:
    return -1.0 if math.isnan(value) else value


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value


def _verdict(scores: Mapping[str, Mapping[str, float]], chosen: str) -> str:
    """Whether Augmented-RGB helps, from the numbers."""
    if any(len(values) < 2 for values in scores.values()):
        return f"Only {_METHODS[chosen]} could be trained."
    gains = {part: values["augmented"] - values["rgb"] for part, values in scores.items()}
    parts = [
        f"{'not measurable' if math.isnan(gain) else points(gain) + ' points'} on {part}"
        for part, gain in gains.items()
    ]
    better = [gain > 0 for gain in gains.values()]
    head = (
        "Augmented-RGB beats plain RGB"
        if all(better)
        else "Augmented-RGB does not beat plain RGB"
        if not any(better)
        else "Validation and test disagree on Augmented-RGB"
    )
    return f"{head}: {' and '.join(parts)} (frame mAP, one seed). The bundle uses {_METHODS[chosen]}."


_COLUMNS = (
    "class", "test_events", "ap_rgb", "ap_augmented", "on", "off", "precision", "recall", "f1", "false_alarms_per_hour",
    "false_alarms_per_hour_bound", "misses_per_hour", "delay_p50_s", "delay_p95_s", "rule",
)  # fmt: skip


def _class_rows(dataset: Dataset, events: FittedEvents, aps: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    rows = []
    for label in dataset.classes:
        counts, chosen = events.test[label], events.chosen[label]
        values = (
            label, counts.events, *(aps.get(name, {}).get(label, math.nan) for name in ("rgb", "augmented")),
            chosen.rule.on, chosen.rule.low, counts.precision, counts.recall, counts.f1, counts.false_alarms_per_hour,
            counts.false_alarms_per_hour_bound, counts.misses_per_hour, counts.delay_s(0.5), counts.delay_s(0.95),
            chosen.why,
        )  # fmt: skip
        rows.append(dict(zip(_COLUMNS, values, strict=True)))
    return rows


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow(
            ""
            if isinstance(value, float) and math.isnan(value)
            else f"{value:.6g}"
            if isinstance(value, float)
            else value
            for value in row.values()
        )
    return text.getvalue()


def _page(
    plan: Plan,
    dataset: Dataset,
    outcome: ComparisonOutcome,
    events: FittedEvents,
    rows: list[dict[str, Any]],
    verdict: str,
    chosen: str,
) -> dict[str, Any]:
    split = plan.recipe.splits()[0]
    counts = {part: len(role(dataset, split, part)) for part in ("train", "val", "test")}
    few = [label for label, one in events.chosen.items() if one.pooled]
    total_s = sum(video.known_duration_s for video in dataset.videos.values())
    notes = [
        Note("How it was chosen", "The method, thresholds and calibration were chosen on validation videos alone.")
    ]
    if sum(counts.values()) < 20:
        text = f"{sum(counts.values())} labeled videos: a difference of a few points is chance. Add videos to be sure."
        notes.append(Note("Few videos", text))
    if few:
        notes.append(Note("Too few events to measure", ", ".join(few)))
    if outcome.failures:
        notes.append(Note("Not finished", "; ".join(f"{one.cell}: {one.reason}" for one in outcome.failures)))
    event_table = PlainTable(
        f"Events of {_METHODS[chosen]} on test videos",
        (
            "Class",
            "Events",
            "Precision %",
            "Recall %",
            "False alarms / h (95 % bound)",
            "Misses / h",
            "Delay p50",
            "Rule",
        ),
        tuple(
            (
                row["class"],
                str(row["test_events"]),
                percent(row["precision"]),
                percent(row["recall"]),
                f"{_number(row['false_alarms_per_hour'])} ({_number(row['false_alarms_per_hour_bound'])})",
                _number(row["misses_per_hour"]),
                f"{_number(row['delay_p50_s'])} s",
                f"on {row['on']:.2f}, off {row['off']:.2f}: {row['rule']}",
            )
            for row in rows
        ),
        "A detection is right if it overlaps an event of its class (tIoU at least 0.3), one to one.",
    )
    bins = PlainTable(
        "Reliability of scores on test videos",
        ("Scores", "Snippets", "Mean score %", "Right %"),
        tuple(
            (f"{b.low:.1f} to {b.high:.1f}", str(b.count), percent(b.mean_score), percent(b.share)) for b in events.bins
        ),
        "Calibrated scores should be right as often as they say.",
    )
    return {
        "title": dataset.name,
        "headline": verdict.split(":", 1)[0] + ".",
        "story": verdict,
        "facts": (
            Fact("videos", f"{len(dataset.videos)} ({duration(total_s)})"),
            Fact("train / validation / test", " / ".join(map(str, counts.values()))),
            Fact("classes", str(len(dataset.classes))),
            Fact("teachers", ", ".join(plan.teachers)),
            Fact("bundle", f"{_METHODS[chosen]}, {counted(len(dataset.classes), 'class')}"),
        ),
        "comparison": outcome.table,
        "plain_tables": (event_table, bins),
        "notes": tuple(notes),
        "classes": dataset.classes,
    }


def _number(value: float) -> str:
    return DASH if math.isnan(value) else f"{value:.1f}"
