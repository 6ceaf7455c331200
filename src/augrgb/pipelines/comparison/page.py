"""A comparison's results as a page."""

from __future__ import annotations

from collections.abc import Sequence

from augrgb import __version__
from augrgb.annotations.dataset_file import role
from augrgb.core.types import Dataset
from augrgb.metrics.statistics import mean_and_std
from augrgb.parallel.jobs import StageCost as MeasuredCost
from augrgb.pipelines.comparison.gaps import shares_of
from augrgb.pipelines.comparison.report import HOW, column_heading, plain_tables, row_name
from augrgb.pipelines.comparison.statistics import Results, Statistic
from augrgb.report.data import (
    Ablation,
    AblationBar,
    ClassGain,
    ClassGains,
    Comparison,
    Fact,
    GapShare,
    Note,
    ReportData,
    StageCost,
    known,
)
from augrgb.report.numbers import counted, points
from augrgb.training.run_folder import versions


def build_comparison_report(
    results: Results,
    statistics: Sequence[Statistic],
    table: Comparison,
    dataset: Dataset,
    costs: Sequence[MeasuredCost],
) -> ReportData:
    """Everything on the page."""
    recipe = results.recipe
    tests = ", ".join(f"{s} ({counted(len(role(dataset, s, recipe.role)), 'video')})" for s in recipe.splits())
    commit = versions().get("commit")
    facts = (
        Fact("dataset", dataset.name),
        Fact("classes", str(len(dataset.classes))),
        Fact(f"scored on ({recipe.role})", tests),
        Fact("seeds", ", ".join(map(str, recipe.seeds))),
        Fact("methods", str(len(recipe.methods))),
        *((Fact("search", f"{recipe.search.budget} trials per method"),) if recipe.search is not None else ()),
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
        gaps=_featured_gaps(results),
        plain_tables=plain_tables(results),
        class_gains=_class_gains(results, dataset, column) if featured not in (None, recipe.baseline) else None,
        ablation=_ablation(results, statistics, column),
        costs=tuple(StageCost(one.stage, one.wall_s, one.peak_mib * 2**20) for one in costs),
        notes=_notes(results, statistics, column),
        classes=dataset.classes,
    )


def _featured_gaps(results: Results) -> tuple[GapShare, ...]:
    """The shares of the featured row, drawn."""
    return tuple(
        GapShare(
            row_name(results, one.to), column_heading(one.column), one.baseline, one.student, one.reference, one.share
        )
        for one in shares_of(results)
        if one.row == results.recipe.featured
    )


def _class_gains(results: Results, dataset: Dataset, column: tuple[str, str]) -> ClassGains:
    recipe, featured = results.recipe, results.recipe.featured or ""

    def mean_ap(key: str, label: str) -> float | None:
        values = [value for value in results.classes(key, column, label) if known(value)]
        return mean_and_std(values)[0] if values else None

    videos = role(dataset, column[0], recipe.role)
    events = [event.label for video in videos for event in dataset.videos[video].events or ()]
    gains = tuple(
        ClassGain(label, mean_ap(recipe.baseline, label), mean_ap(featured, label), events.count(label))
        for label in dataset.classes
    )
    return ClassGains(column_heading(column), row_name(results, recipe.baseline), row_name(results, featured), gains)


def _ablation(results: Results, statistics: Sequence[Statistic], column: tuple[str, str]) -> Ablation | None:
    """RGB-only rows against the baseline, drawn."""
    recipe = results.recipe
    found = {one.row: one for one in statistics if (one.split, one.protocol) == column}
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
        "Each method against the baseline", column_heading(column), bars, base, row_name(results, recipe.baseline)
    )


def _notes(results: Results, statistics: Sequence[Statistic], column: tuple[str, str]) -> tuple[Note, ...]:
    """What the numbers say, good or bad; written from the numbers themselves."""
    tested = [one for one in statistics if (one.split, one.protocol) == column and known(one.p_holm)]
    told = {
        "Better": [one for one in tested if one.decided and one.delta > 0],
        "Worse": [one for one in tested if one.decided and one.delta < 0],
        "Not told from zero": [one for one in tested if not one.decided],
    }
    sentences = [
        f"{kind}: " + (", ".join(f"{row_name(results, one.row)} {points(one.delta)}" for one in ones) or "none") + "."
        for kind, ones in told.items()
    ]
    notes = [Note("How differences are tested", HOW)]
    if tested:
        text = f"{column_heading(column)}, at 5 % after Holm's correction. " + " ".join(sentences)
        notes.insert(0, Note("What the seeds can tell", text))
    if results.failures:
        origins = [f"{one.cell}: {one.reason}" for one in results.failures if one.cell == one.origin]
        notes.append(Note("Not finished", " ".join(origins)))
    return tuple(notes)
