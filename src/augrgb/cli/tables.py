"""Terminal tables of datasets, training results and evaluations."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from augrgb.core.types import Dataset
from augrgb.report.numbers import DASH, counted

if TYPE_CHECKING:
    from augrgb.training.settings import FitResult
    from augrgb.workflows.evaluate import EvaluationResult
    from augrgb.workflows.evaluate_events import EventEvaluation


def fit_summary(run: Path, result: FitResult) -> str:
    """The result of a training run in one line."""
    message = f"{run}: {result.steps} steps, kept the {result.kept} weights (step {result.kept_step})"
    if result.validation:
        message += ", validation " + ", ".join(f"{name} {100 * value:.1f}" for name, value in result.validation.items())
    if result.skipped_steps:
        message += f", {result.skipped_steps} steps skipped because a loss was not finite"
    return message


def dataset_table(dataset: Dataset) -> Table:
    """Classes, events and the videos of each role."""
    table = Table(
        title=f"{dataset.name}: {counted(len(dataset.videos), 'video')}, {counted(len(dataset.classes), 'class')}"
    )
    for column in ("split", "role"):
        table.add_column(column)
    for column in ("videos", "minutes", "events"):
        table.add_column(column, justify="right")
    for split, roles in dataset.splits.items():
        for role, names in roles.items():
            videos = [dataset.videos[name] for name in names]
            minutes = sum(video.known_duration_s for video in videos) / 60
            events = sum(len(video.events or ()) for video in videos)
            table.add_row(split, role, str(len(videos)), f"{minutes:.1f}", str(events))
    return table


def evaluation_table(evaluation: EvaluationResult) -> Table:
    """Every protocol by its full name, with coverage, and per-frame AP of each class below."""
    table = Table(title=f"{' + '.join(evaluation.members)} on {evaluation.split}/{evaluation.role}")
    table.add_column("protocol")
    table.add_column("score", justify="right")
    table.add_column("videos scored", justify="right")
    for result in evaluation.results:
        covered = f"{result.videos_scored} of {result.videos_total}"
        table.add_row(result.protocol, f"{100 * result.value:.1f}", covered, style="bold")
        for tiou, value in result.details.get("map", {}).items():
            table.add_row(f"  at tIoU {float(tiou):g}", f"{100 * value:.1f}")
    first = evaluation.results[0]
    table.add_section()
    for label, value in first.per_class.items():
        table.add_row(Text(f"  {label}"), f"{100 * value:.1f}")
    return table


def event_table(found: EventEvaluation) -> Table:
    """What the events of each class are worth to who acts on them."""
    caption = f"tIoU >= 0.3; false alarms and misses per hour; delays: median / 95 %. Rules: {found.rules_of}."
    table = Table(title="Events", caption=caption, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("class")
    for heading in ("events", "prec %", "rec %", "false/h", "<= 95 %", "miss/h", "onset s", "decision s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for label, counts in found.counts.items():
        table.add_row(
            Text(label),
            str(counts.events),
            _rate(100 * counts.precision),
            _rate(100 * counts.recall),
            _rate(counts.false_alarms_per_hour),
            _rate(counts.false_alarms_per_hour_bound),
            _rate(counts.misses_per_hour),
            f"{_rate(counts.delay_s(0.5))}/{_rate(counts.delay_s(0.95))}",
            f"{_rate(counts.decision_s(0.5))}/{_rate(counts.decision_s(0.95))}",
        )
    return table


def _rate(value: float) -> str:
    return DASH if math.isnan(value) else f"{value:.1f}"


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    """Name, classes and the number of videos of each role, for `--json`."""
    splits = {split: {role: len(ids) for role, ids in roles.items()} for split, roles in dataset.splits.items()}
    return {"name": dataset.name, "videos": len(dataset.videos), "classes": list(dataset.classes), "splits": splits}
