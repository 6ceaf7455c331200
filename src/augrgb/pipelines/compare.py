"""Methods x teachers x filters x seeds as one resumable job: train what is missing, evaluate, compare, write tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.annotations.leakage import ENCODER_ROLES, check_unseen
from augrgb.core.errors import InputRefused
from augrgb.core.files import remove_leftovers, write_json, write_text
from augrgb.core.opening import resolved
from augrgb.core.types import Dataset
from augrgb.features.frame_cache import cache_frames
from augrgb.features.frames import OWN_FILES
from augrgb.parallel.engine import Engine, LocalEngine
from augrgb.parallel.jobs import Job, JobRunner, StageCost
from augrgb.parallel.workers import available_cores
from augrgb.pipelines.comparison.cells import Cells
from augrgb.pipelines.comparison.costs import keep_costs, total_of
from augrgb.pipelines.comparison.curves import curves_of
from augrgb.pipelines.comparison.gaps import shares_csv, shares_of
from augrgb.pipelines.comparison.graph import graph_of, reachable
from augrgb.pipelines.comparison.jobs import Failure
from augrgb.pipelines.comparison.page import Extras, build_comparison_report
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.pipelines.comparison.report import (
    class_gains_csv,
    comparison_of,
    results_json,
    summary_markdown,
)
from augrgb.pipelines.comparison.results import Results
from augrgb.pipelines.comparison.search import Search
from augrgb.pipelines.comparison.statistics import Statistic, statistics_of
from augrgb.pipelines.comparison.timelines import timelines_of
from augrgb.pipelines.comparison.variance import VariedRow, variants, varied_json, varied_markdown, varied_rows
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.report.data import Comparison, TimelineExample
from augrgb.report.latex import comparison_latex
from augrgb.report.page import write_report
from augrgb.report.picture import write_picture
from augrgb.report.tables import comparison_csv
from augrgb.training.run.lock import run_lock

FILES = ("results.json", "comparison.md", "comparison.csv", "comparison.tex", "classes.csv", "gaps.csv", "report.html")


@dataclass(frozen=True)
class ComparisonPlan:
    """What is left to do: jobs per stage, and how many cells there are in all.

    While a search is not over, what comes after it is counted as if every method's first trial had won.
    """

    jobs: tuple[Job, ...]
    encoders: int
    streams: int
    evaluations: int
    trials: int = 0

    def stages(self) -> dict[str, int]:
        """Jobs left per stage, in the order of work."""
        names = ("search", "encoders", "features", "streams", "evaluation")
        return {name: sum(job.stage == name for job in self.jobs) for name in names}


@dataclass(frozen=True)
class ComparisonOutcome:
    """What a comparison produced.

    Args:
        recipe: What was compared.
        table: For people.
        statistics: Every row under every test and protocol, with its paired tests.
        failures: Cells that could not be finished; the others are.
        folder: Where the files are.
    """

    recipe: ComparisonRecipe
    table: Comparison
    statistics: tuple[Statistic, ...]
    failures: tuple[Failure, ...]
    folder: Path


def plan_comparison(recipe: ComparisonRecipe, folder: Path, *, shared: Path | None = None) -> ComparisonPlan:
    """What `compare` would do in this folder; looks at no data.

    Raises:
        UsageFault: E-RUN-002, finished cells were made from other recipes.
    """
    cells = Cells(recipe, Path(folder), shared)
    search = Search(cells)
    search.settle()
    cells.check_unchanged(search.trial_runs(search.all_methods))
    open_methods = search.open_methods()
    if not open_methods:
        cells.check_unchanged(list(cells.runs()))
    search.assume()
    jobs = {job.name: job for job in search.jobs(list(open_methods), "search")}
    jobs |= {name: job for name, job in cells.jobs(list(recipe.rows)).items() if name not in jobs}
    runs, rows = list(cells.runs()), len(recipe.rows) * len(recipe.seeds)
    encoders = sum(isinstance(run.recipe, EncoderRecipe) for run in runs)
    return ComparisonPlan(tuple(jobs.values()), encoders, len(runs) - encoders, rows, search.count())


def compare(
    recipe: ComparisonRecipe,
    folder: Path,
    *,
    shared: Path | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    before: Sequence[StageCost] = (),
    on_progress: Callable[[str, float], None] | None = None,
) -> ComparisonOutcome:
    """Train and evaluate every cell that is not finished, then write tables, statistics and report.

    A cell that fails (a method that diverges) is listed, and does not stop the others; the same call tries it again.

    Args:
        recipe: What to compare.
        folder: Where everything is kept; a comparison resumes from what it holds.
        shared: Where encoders, features, frames, streams and scores are kept, so that several comparisons can share
            them; default: in `folder`.
        workers: Processes; default: one per core.
        engine: Where the work is done instead, such as a Ray cluster whose machines see the same files.
        before: What was spent on the dataset, if the report should count it.
        on_progress: Called with (stage, fraction done).

    Raises:
        UsageFault: E-RUN-001, another process is working in this folder; E-RUN-002, finished cells were made from other
            recipes.
        InputRefused: The dataset; E-SPL-002, test videos that something is trained or chosen on; E-RUN-008, no cell at
            all could be finished.
        EnvironmentFault: Disk or memory; finished cells are kept.
    """
    folder, count, started = Path(folder), workers or available_cores(), time.monotonic()
    dataset = load_dataset(Path(recipe.stream["data"]["dataset"]))
    for split in recipe.splits():
        role(dataset, split, recipe.role)
    with ExitStack() as stack:
        for place in sorted({resolved(folder), resolved(Path(shared or folder))}):
            stack.enter_context(run_lock(place / "compare.lock"))
            remove_leftovers(place)
        cells = Cells(recipe, folder, shared)
        _check_unseen(cells, dataset)
        search = Search(cells)
        failures, costs = _work(cells, search, workers, engine, on_progress)
        lost = search.lost_rows()
        values = {
            row: {seed: cells.evaluation(row, seed) if row not in lost else None for seed in recipe.seeds}
            for row in recipe.rows
        }
        results = Results(recipe, values, failures, tuple(search.found.values()))
        if not any(found for seeds in results.values.values() for found in seeds.values()):
            problem = "no cell could be finished:\n  " + "\n  ".join(failure.reason for failure in failures) + "\n "
            raise InputRefused("E-RUN-008", folder, problem, "Fix these and rerun the command.")
        statistics = statistics_of(results)
        table = comparison_of(results, statistics)
        write_json(folder / "results.json", results_json(results, statistics))
        write_text(folder / "comparison.md", summary_markdown(results, table, statistics))
        write_text(folder / "comparison.csv", comparison_csv(table))
        write_text(folder / "comparison.tex", comparison_latex(table, recipe.title))
        write_text(folder / "classes.csv", class_gains_csv(results, dataset.classes))
        write_text(folder / "gaps.csv", shares_csv(shares_of(results)))
        timelines, curves = timelines_of(results, cells, dataset), curves_of(recipe, cells)
        stages = (*before, *costs)
        spent = sum(cost.wall_s for cost in before) + time.monotonic() - started
        stages = keep_costs(folder / "costs.json", (*stages, total_of(stages, spent)) if costs else ())
        extras = Extras(timelines, curves, stages, count)
        write_report(folder / "report.html", build_comparison_report(results, statistics, table, dataset, extras))
        if timelines:
            _write_picture(folder / "picture.png", timelines[0], dataset)
    return ComparisonOutcome(recipe, table, statistics, failures, folder)


@dataclass(frozen=True)
class VariedOutcome:
    """What a comparison over worlds and draws of labels produced: `variance.json` and `variance.md`."""

    recipe: ComparisonRecipe
    rows: tuple[VariedRow, ...]
    failures: tuple[Failure, ...]
    folder: Path


def compare_varied(recipe: ComparisonRecipe, folder: Path, **options: Any) -> VariedOutcome:
    """`compare` in every world with every draw of labels (`worlds`, `label_seeds`), and what each adds to the spread.

    Settings are searched in the first of them and hold for all. Resumes like `compare`, whose options it takes.

    Raises:
        AugrgbError: See `compare`.
    """
    folder, failures = Path(folder), []
    for variant in variants(recipe, folder):
        outcome = compare(variant.recipe, variant.folder, **options)
        where = variant.folder.relative_to(folder).as_posix()
        failures += [
            replace(one, cell=f"{where}/{one.cell}", origin=f"{where}/{one.origin}") for one in outcome.failures
        ]
    rows = varied_rows(recipe, folder)
    write_json(folder / "variance.json", varied_json(recipe, rows))
    write_text(folder / "variance.md", varied_markdown(recipe, rows))
    return VariedOutcome(recipe, rows, tuple(failures), folder)


def _write_picture(path: Path, timeline: TimelineExample, dataset: Dataset) -> None:
    """A timeline as an image for slides and READMEs, without the rows that need extra sensors."""
    lanes = tuple(lane for lane in timeline.lanes if not lane.extra_sensors)
    write_picture(path, replace(timeline, lanes=lanes), classes=dataset.classes)


def _check_unseen(cells: Cells, dataset: Dataset) -> None:
    """Refuse tests on videos that a method or its encoders are trained on, or settings chosen on."""
    recipe, graph = cells.recipe, graph_of(cells.recipe)
    needed = {name for key in recipe.methods for name in reachable(graph, f"methods.{key}")}
    encoders = [name for name in recipe.encoders if f"encoders.{name}" in needed]
    for tested in recipe.splits() if recipe.role == "test" else ():
        for trained in dict.fromkeys(map(cells.split, recipe.methods)):
            check_unseen(dataset, trained, tested)
        for trained in dict.fromkeys(cells.encoder(name, recipe.seeds[0]).recipe.data.split for name in encoders):
            check_unseen(dataset, trained, tested, ENCODER_ROLES)
        if recipe.search is not None and recipe.search.split is not None:
            check_unseen(dataset, recipe.search.split, tested, ("val",))


def _work(
    cells: Cells,
    search: Search,
    workers: int | None,
    engine: Engine | None,
    on_progress: Callable[[str, float], None] | None,
) -> tuple[tuple[Failure, ...], tuple[StageCost, ...]]:
    """Search, then everything else; what failed, in an order that does not depend on which job ended first."""
    search.settle()
    cells.check_unchanged(search.trial_runs(search.all_methods))
    if not search.open_methods():
        cells.check_unchanged(list(cells.runs()))
        if not cells.jobs(list(cells.recipe.rows)):
            return (), ()  # no process is started to find out that everything is there
    with JobRunner(workers, on_progress, engine=engine) as runner:

        def work(jobs: list[Job]) -> list[Failure]:
            _decode(cells, jobs, runner, engine or LocalEngine(workers))
            return [found for found in runner.run(jobs).values() if isinstance(found, Failure)]

        failures = search.run(work)
        failures += search.failures()
        lost = search.lost_rows()
        rows = [row for row in cells.recipe.rows if row not in lost]
        if not lost:
            cells.check_unchanged(list(cells.runs()))
        jobs = list(cells.jobs(rows).values())
        failures += work(jobs) if jobs else []
        costs = tuple(runner.costs.values())
    return tuple(sorted(failures, key=lambda failure: failure.cell)), costs


def _decode(cells: Cells, jobs: list[Job], runner: JobRunner, engine: Engine) -> None:
    """Decode each video once, before processes that need the same frames run side by side."""
    needed = {job.name.split(" ", 1)[1] for job in jobs if job.stage in ("encoders", "features")}
    groups: dict[tuple[Path, float, tuple[int, int]], tuple[set[str], dict[str, None]]] = {}
    dataset = load_dataset(Path(cells.recipe.stream["data"]["dataset"]))
    seeds = [*cells.recipe.seeds, *(cells.recipe.search.seeds if cells.recipe.search is not None else ())]
    for name in cells.recipe.encoders:
        recipe = cells.encoder(name, seeds[0]).recipe
        wanted = any(cells.places.cell(name, seed) in needed for seed in seeds)
        if not wanted or not isinstance(recipe, EncoderRecipe) or recipe.data.frames is None:
            continue
        key = (recipe.data.frames, recipe.clock.fps, recipe.data.size)
        modalities, videos = groups.setdefault(key, (set(), {}))
        modalities.update(cells.modalities(name))
        ids: list[str] = cells.videos.ids()
        for part in ("encoder", "encoder_unlabelled", "val"):
            ids += role(dataset, recipe.data.split, part, allow_empty=True)
        videos.update(dict.fromkeys(ids))
    if not groups:
        return
    with runner.stage("decode and flow") as progress:
        for (frames, fps, size), (modalities, videos) in groups.items():
            options: dict[str, Any] = {"fps": fps, "size": size, "engine": engine, "progress": progress}
            for kinds, ids in videos_by_files(dataset, modalities, videos).items():
                cache_frames(dataset, ids, kinds, frames, **options)


def videos_by_files(
    dataset: Dataset, modalities: Iterable[str], videos: Iterable[str]
) -> dict[tuple[str, ...], list[str]]:
    """Videos by what can be decoded of them: who may lack a sensor or poses is checked where encoders are trained."""
    found: dict[tuple[str, ...], list[str]] = {}
    for video_id in videos:
        has = [m for m in modalities if m not in OWN_FILES or dataset.videos[video_id].source(m) is not None]
        if has:
            found.setdefault(tuple(sorted(has)), []).append(video_id)
    return found
