"""The report of a fit, in the project's own classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from augrgb.core.types import Dataset
from augrgb.detection.choose_rules import FEW_EVENTS
from augrgb.detection.event_rule import find_events
from augrgb.detection.pipeline import deciding_scores
from augrgb.detection.predictions import Predictions
from augrgb.pipelines.comparison.timelines import annotated_s
from augrgb.pipelines.fitting.events import FittedEvents
from augrgb.pipelines.fitting.measures import Measured
from augrgb.pipelines.fitting.plan import Plan
from augrgb.pipelines.fitting.recipe import ROW_NAMES, STUDENTS
from augrgb.pipelines.fitting.result import held_out_name, told_apart
from augrgb.report.data import (
    Comparison,
    Fact,
    Lane,
    MethodRow,
    Note,
    PlainTable,
    Protocol,
    ReportData,
    Score,
    ScoreCurves,
    TimelineExample,
)
from augrgb.report.film_strip import strip_of_file
from augrgb.report.numbers import DASH, counted, duration, percent
from augrgb.report.page import write_report

TIMELINES = 3
_FOLDED = "Held-out videos, each scored by models that never saw it"


def write_fit_report(
    path: Path,
    plan: Plan,
    dataset: Dataset,
    *,
    held_out: Measured,
    test: Measured | None,
    events: Mapping[str, FittedEvents],
    shown: Mapping[str, Predictions],
    rows: Sequence[Mapping[str, Any]],
    verdict: str,
    chosen: str,
    failures: Sequence[str],
    left_out: Sequence[str],
) -> None:
    """Write the page.

    Args:
        path: Of the file.
        plan: What was done.
        dataset: As it was used.
        held_out: On validation videos or folds.
        test: On test videos, if any.
        events: Of each method.
        shown: Scores of each method on the videos whose timelines may be drawn.
        rows: See `class_rows`.
        verdict: The story.
        chosen: The method of the bundle.
        failures: What could not be trained.
        left_out: Videos and sensor files.
    """
    design, roles = plan.design, plan.design.splits[plan.design.final]
    where = "test videos" if test is not None else held_out_name(design)
    total_s = sum(dataset.videos[name].known_duration_s for name in design.videos)
    count = (
        f"{len(design.judged)} in {len(design.folds)} folds"
        + (f" / {len(design.tested)} test" if design.tested else "")
        if design.folds
        else " / ".join(str(len(roles[part])) for part in ("train", "val", "test"))
    )
    facts = (
        Fact("videos", f"{len(design.videos)} ({duration(total_s)})"),
        Fact("held out" if design.folds else "train / validation / test", count),
        Fact("classes", str(len(dataset.classes))),
        Fact("teachers", ", ".join(plan.teachers)),
        Fact("bundle", STUDENTS[chosen]),
    )
    head, numbers = told_apart(verdict)
    page = ReportData(
        title=dataset.name,
        headline=head.rstrip(".") + ".",
        story=numbers,
        facts=facts,
        comparison=_comparison(held_out, test, plan),
        plain_tables=(_event_table(rows, where, chosen), _rule_table(rows), _reliability(events[chosen], where)),
        notes=tuple(_notes(plan, held_out, test, failures, left_out, chosen)),
        timelines=_timelines(dataset, shown, events),
        classes=dataset.classes,
        timelines_of="Test videos" if test is not None else _FOLDED if design.folds else "Validation videos",
    )
    write_report(path, page)


def _comparison(held_out: Measured, test: Measured | None, plan: Plan) -> Comparison:
    design = plan.design
    columns = [(held_out, held_out_name(design), _judged_detail(held_out, plan))]
    if test is not None:
        detail = f"{_which(test)}; videos on which nothing was trained or chosen; intervals as there"
        columns.append((test, "test videos", detail))
    columns.reverse()  # the most honest number first
    names = [*STUDENTS, *(name for name in plan.teachers if name in held_out.value)]
    rows = []
    for name in names:
        scores = tuple(_score(measured, name) for measured, *_ in columns)
        shown = ROW_NAMES.get(name, name.capitalize())
        rows.append(
            MethodRow(
                shown,
                "Needs RGB alone" if name in STUDENTS else "Teachers",
                scores,
                extra_sensors=() if name in STUDENTS else (name,),
                baseline=name == "rgb",
                featured=name == "augmented",
                note={"rgb": "labels only", "augmented": f"taught by {' and '.join(plan.teachers)}"}.get(name, ""),
            )
        )
    protocols = tuple(Protocol(f"frame mAP, {where}", "", detail) for _, where, detail in columns)
    return Comparison(protocols, tuple(rows))


def _judged_detail(measured: Measured, plan: Plan) -> str:
    how = "each video scored by models that never saw it" if plan.design.folds else "method and thresholds chosen here"
    return f"{_which(measured)}; {how}; intervals of differences: 95 %, bootstrap over videos"


def _which(measured: Measured) -> str:
    which = ", ".join(measured.classes) if measured.few else "all classes"
    return f"per-frame mAP over {which}"


def _score(measured: Measured, name: str) -> Score | None:
    if name not in measured.value:
        return None
    value, gain = measured.value[name], measured.gain.get(name)
    return Score(
        values=(value,),
        mean=value,
        delta=gain[0] if gain else None,
        delta_low=gain[1] if gain and math.isfinite(gain[1]) else None,
        delta_high=gain[2] if gain and math.isfinite(gain[2]) else None,
        videos_scored=measured.videos,
        videos_total=measured.videos,
    )


def _event_table(rows: Sequence[Mapping[str, Any]], where: str, chosen: str) -> PlainTable:
    headers = (
        "Class", "Events", "AP RGB %", "AP Augmented %", "Precision %", "Recall %", "False alarms / h (95 % bound)",
        "Misses / h", "Onset delay p50 / p95", "Decision delay p50 / p95",
    )  # fmt: skip
    lines = []
    for row in rows:
        few = row["events"] < FEW_EVENTS
        if few:
            measured = ("too few to measure", *[DASH] * 7)
        else:
            measured = (
                percent(row["ap_rgb"]),
                percent(row["ap_augmented"]),
                percent(row["precision"]),
                percent(row["recall"]),
                f"{_number(row['false_alarms_per_hour'])} ({_number(row['false_alarms_per_hour_bound'])})",
                _number(row["misses_per_hour"]),
                _times(row, "delay"),
                _times(row, "decision"),
            )
        lines.append((row["class"], str(row["events"]), *measured))
    note = "A detection is right if it overlaps an event of its class (tIoU at least 0.3), one to one. "
    note += "Thresholds were chosen on other videos than they are measured on. Delay of onset: start of the detection "
    note += "minus start of the event (negative = early); of decision: when the rule was certain minus start of the "
    note += "event, for one who watches live; a model that sees the future needs that much longer."
    return PlainTable(f"Events of {STUDENTS[chosen]} on {where}", headers, tuple(lines), note)


def _rule_table(rows: Sequence[Mapping[str, Any]]) -> PlainTable:
    lines = tuple((row["class"], f"{row['on']:.2f}", f"{row['off']:.2f}", row["rule"]) for row in rows)
    note = "An event must reach `on` and ends below `off`. The bundle has these rules; options of detect overrule them."
    return PlainTable("Event rules", ("Class", "On", "Off", "How it was chosen"), lines, note)


def _reliability(events: FittedEvents, where: str) -> PlainTable:
    return PlainTable(
        f"Reliability of scores on {where}",
        ("Scores", "Snippets", "Mean score %", "Right %"),
        tuple(
            (f"{b.low:.1f} to {b.high:.1f}", str(b.count), percent(b.mean_score), percent(b.share)) for b in events.bins
        ),
        "Calibrated scores should be right as often as they say.",
    )


def _notes(
    plan: Plan,
    held_out: Measured,
    test: Measured | None,
    failures: Sequence[str],
    left_out: Sequence[str],
    chosen: str,
) -> list[Note]:
    design = plan.design
    if design.folds:
        text = f"{design.why[0].upper()}{design.why[1:]}. Every video was scored by models that were trained on the "
        text += "other folds; method, thresholds and calibration were chosen on these scores"
        if test is None:
            text += ", and the event table measures each fold with what was chosen on the others"
        text += f". The bundle's {STUDENTS[chosen]} was then trained on all of them with the same settings."
        text += " The event table is of the test videos." if test is not None else ""
    else:
        text = "The method, thresholds and calibration were chosen on validation videos alone."
    notes = [Note("How it was chosen", text)]
    if len(design.judged) + len(design.tested) < 30:
        text = (
            f"{held_out.videos} videos to judge by: the intervals say what such a number can mean for other videos of "
        )
        text += "the same kind. A new room, camera or person can be harder."
        notes.append(Note("Few videos", text))
    few = (test or held_out).few
    if few:
        counts = (test or held_out).events
        listed = ", ".join(f"{label} ({counted(counts[label], 'event')})" for label in few)
        where = "test videos" if test is not None else held_out_name(design)
        notes.append(Note("Too few events to measure", f"On {where}: {listed}. They are in no mean of these videos."))
    refused = [f"{kind}: {why}" for kind, why in plan.refused_sensors.items()]
    if refused:
        notes.append(Note("Sensors that do not teach", "; ".join(refused)))
    if left_out:
        notes.append(Note(f"Left out ({len(left_out)})", "; ".join(left_out)))
    if failures:
        notes.append(Note("Not finished", "; ".join(failures)))
    return notes


def _timelines(
    dataset: Dataset, shown: Mapping[str, Predictions], events: Mapping[str, FittedEvents]
) -> tuple[TimelineExample, ...]:
    """A few videos, chosen by how much is annotated in them, not by result: from the most on, spread evenly."""
    ids = list(next(iter(shown.values())).scores)

    def kinds(name: str) -> tuple[int, float, str]:
        found = dataset.videos[name].events or ()
        return len({event.label for event in found}), annotated_s(found), name

    order = sorted(ids, key=kinds, reverse=True)
    count = min(TIMELINES, len(order))
    chosen = [order[round(place * (len(order) - 1) / max(1, count))] for place in range(count)]
    return tuple(_timeline(dataset, name, shown, events) for name in dict.fromkeys(chosen))


def _timeline(
    dataset: Dataset, video_id: str, shown: Mapping[str, Predictions], events: Mapping[str, FittedEvents]
) -> TimelineExample:
    video = dataset.videos[video_id]
    lanes = []
    for name, found in shown.items():
        thresholds = events[name].thresholds
        scores = deciding_scores(found.scores[video_id], found.clock, found.classes, thresholds.calibrations)
        detections = find_events(
            scores, found.clock, found.classes, video_id, video.known_duration_s, rules=thresholds.rules
        )
        curves = ScoreCurves(found.classes, found.clock.centers_s(len(scores)), scores)
        lanes.append(Lane(ROW_NAMES[name], tuple(detections), curves))
    strip = strip_of_file(video.file, video.known_duration_s)
    unknown = tuple((region.start_s, region.end_s) for region in video.ignored)
    return TimelineExample(video_id, video.known_duration_s, strip, video.events, tuple(lanes), unknown=unknown)


def _times(row: Mapping[str, Any], name: str) -> str:
    middle, late = row[f"{name}_p50_s"], row[f"{name}_p95_s"]
    return DASH if math.isnan(middle) else f"{_number(middle)} / {_number(late)} s"


def _number(value: float) -> str:
    return DASH if math.isnan(value) else f"{value:.1f}"
