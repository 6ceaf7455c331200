"""A comparison's results as a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from augrgb import __version__
from augrgb.annotations.dataset_file import role
from augrgb.core.types import Dataset
from augrgb.metrics.statistics import mean_and_std
from augrgb.parallel.jobs import StageCost
from augrgb.pipelines.comparison.costs import TOTAL
from augrgb.pipelines.comparison.gaps import shares_of
from augrgb.pipelines.comparison.report import HOW, plain_tables, row_name
from augrgb.pipelines.comparison.results import Results
from augrgb.pipelines.comparison.row_result import Column
from augrgb.pipelines.comparison.statistics import Statistic
from augrgb.pipelines.comparison.tious import tiou_tables
from augrgb.report.data import (
    Ablation,
    AblationBar,
    ClassGain,
    ClassGains,
    Comparison,
    CurvePanel,
    Fact,
    GapShare,
    Note,
    ReportData,
    TimelineExample,
    known,
)
from augrgb.report.numbers import counted, points
from augrgb.training.run.folder import versions


@dataclass(frozen=True)
class Extras:
    """What the page shows beside the numbers.

    Args:
        timelines, curves: Asked for by the recipe.
        costs: What the stages cost, with the total last; () if this was not measured.
        workers: Processes of this run.
    """

    timelines: tuple[TimelineExample, ...] = ()
    curves: tuple[CurvePanel, ...] = ()
    costs: tuple[StageCost, ...] = ()
    workers: int = 1


def build_comparison_report(
    results: Results, statistics: Sequence[Statistic], table: Comparison, dataset: Dataset, extras: Extras
) -> ReportData:
    """Everything on the page."""
    recipe = results.recipe
    tests = ", ".join(f"{s} ({counted(len(role(dataset, s, recipe.role)), 'video')})" for s in recipe.splits())
    commit = versions().get("commit")
    hours = sum(video.known_duration_s for video in dataset.videos.values()) / 3600
    total_s = next((cost.wall_s for cost in extras.costs if cost.stage == TOTAL), None)
    facts = (
        Fact("dataset", dataset.name),
        Fact("videos", f"{len(dataset.videos)} ({hours:.1f} hours)"),
        *_labelled_share(results, dataset),
        Fact("classes", str(len(dataset.classes))),
        Fact(f"scored on ({recipe.role})", tests),
        Fact("seeds", ", ".join(map(str, recipe.seeds))),
        Fact("methods", str(len(recipe.methods))),
        *((Fact("search", f"{recipe.search.budget} trials per method"),) if recipe.search is not None else ()),
        Fact("hardware", f"{extras.workers} of {os.cpu_count()} cores"),
        *((Fact("time", f"{total_s / 60:.1f} min"),) if total_s is not None else ()),
        Fact("command", "augrgb compare"),
        Fact("version", __version__ + (f", commit {commit[:10]}" if commit else "")),
    )
    column = results.columns()[0]
    featured = recipe.featured
    return ReportData(
        title=recipe.title,
        story=recipe.about,
        facts=facts,
        comparison=table,
        more_tables=tiou_tables(results),
        gaps=_featured_gaps(results),
        plain_tables=plain_tables(results),
        class_gains=_class_gains(results, dataset, column) if featured not in (None, recipe.baseline) else None,
        ablation=_ablation(results, statistics, column),
        timelines=extras.timelines,
        curves=extras.curves,
        costs=extras.costs,
        notes=_notes(results, statistics, column),
        classes=dataset.classes,
    )


def _labelled_share(results: Results, dataset: Dataset) -> tuple[Fact, ...]:
    """The labeled share of the training videos, where some are not."""
    split = str(results.recipe.stream["data"].get("split", "cross_subject"))
    labelled = len(role(dataset, split, "train", allow_empty=True))
    unlabelled = len(role(dataset, split, "unlabelled", allow_empty=True))
    if not unlabelled:
        return ()
    return (Fact("labeled share", f"{100 * labelled / (labelled + unlabelled):.0f} % of the training videos"),)


def _featured_gaps(results: Results) -> tuple[GapShare, ...]:
    """The shares of the featured row, drawn."""
    return tuple(
        GapShare(
            row_name(results, one.to),
            results.recipe.heading(*one.column),
            one.baseline,
            one.student,
            one.reference,
            one.share,
        )
        for one in shares_of(results)
        if one.row == results.recipe.featured
    )


def _class_gains(results: Results, dataset: Dataset, column: Column) -> ClassGains:
    recipe, featured = results.recipe, results.recipe.featured or ""

    def mean_ap(key: str, label: str) -> float | None:
        values = [value for value in results.classes(key, column, label) if known(value)]
        return mean_and_std(values)[0] if values else None

    videos = role(dataset, column.split, recipe.role)
    events = [event.label for video in videos for event in dataset.videos[video].events or ()]
    gains = tuple(
        ClassGain(label, mean_ap(recipe.baseline, label), mean_ap(featured, label), events.count(label))
        for label in dataset.classes
    )
    return ClassGains(results.recipe.heading(*column), recipe.label(recipe.baseline), recipe.label(featured), gains)


def _ablation(results: Results, statistics: Sequence[Statistic], column: Column) -> Ablation | None:
    """RGB-only rows against the baseline, drawn."""
    recipe = results.recipe
    found = {one.row: one for one in statistics if one.column == column}
    base = found[recipe.baseline].mean
    rows = [key for key, entry in recipe.rows.items() if recipe.against(key) == recipe.baseline and not entry.sensors]
    if not rows or not known(base):
        return None
    bars = tuple(
        AblationBar(
            row_name(results, key),
            found[key].mean,
            base + found[key].low,
            base + found[key].high,
            tuple(results.of(key, column)),
        )
        for key in rows
    )
    return Ablation(
        "Each method against the baseline",
        results.recipe.heading(*column),
        bars,
        base,
        recipe.label(recipe.baseline),
    )


def _notes(results: Results, statistics: Sequence[Statistic], column: Column) -> tuple[Note, ...]:
    """What the numbers say, good or bad; written from the numbers themselves."""
    tested = [one for one in statistics if one.column == column and known(one.p_holm)]
    kinds = {
        "Better": [one for one in tested if one.significant and one.delta > 0],
        "Worse": [one for one in tested if one.significant and one.delta < 0],
        "Not significant": [one for one in tested if not one.significant],
    }
    sentences = [
        f"{kind}: " + (", ".join(f"{row_name(results, one.row)} {points(one.delta)}" for one in ones) or "none") + "."
        for kind, ones in kinds.items()
    ]
    notes = [Note("How differences are tested", HOW)]
    if tested:
        text = f"{results.recipe.heading(*column)}, at 5 % after Holm's correction. " + " ".join(sentences)
        notes.insert(0, Note("What the seeds show", text))
    shared = [name for name, encoder in results.recipe.encoders.items() if encoder.seeds == "shared"]
    same = f"the dataset and the encoders {', '.join(shared)} are" if shared else "the dataset is"
    text = f"Seeds vary encoders and streams; {same} the same for all seeds. "
    notes.append(Note("What the intervals leave out", text + "They do not cover how another dataset would turn out."))
    if results.failures:
        origins = [f"{one.cell}: {one.reason}" for one in results.failures if one.cell == one.origin]
        notes.append(Note("Not finished", " ".join(origins)))
    return tuple(notes)
