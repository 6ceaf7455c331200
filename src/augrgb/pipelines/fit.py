"""From a project file to a detector: one resumable job that ends in a bundle and a report."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from augrgb.annotations.dataset_file import load_dataset
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.files import check_output_folder, remove_leftovers, write_bytes, write_json, write_text
from augrgb.core.opening import is_file, read_bytes, resolved, sha256_file
from augrgb.core.types import Dataset
from augrgb.detection.predictions import Predictions
from augrgb.inference.bundle import load_bundle
from augrgb.inference.card import MEASURED_FILE, write_card
from augrgb.inference.thresholds import write_thresholds
from augrgb.inference.training_facts import write_training_facts
from augrgb.parallel.jobs import JobRunner, StageCost
from augrgb.pipelines.comparison.cells import Cells
from augrgb.pipelines.fitting.design import Design, make_design, usable_sensors, without
from augrgb.pipelines.fitting.events import FittedEvents, fit_events
from augrgb.pipelines.fitting.facts import training_facts
from augrgb.pipelines.fitting.measures import Measured, measure
from augrgb.pipelines.fitting.page import write_fit_report
from augrgb.pipelines.fitting.plan import Plan, make_plan
from augrgb.pipelines.fitting.project import Project, load_project
from augrgb.pipelines.fitting.recipe import STUDENTS, key_of
from augrgb.pipelines.fitting.result import (
    FittedProject,
    choose_method,
    class_rows,
    held_out_name,
    measured_json,
    rows_csv,
    verdict,
)
from augrgb.pipelines.fitting.reuse import FILE as MADE_FROM
from augrgb.pipelines.fitting.reuse import keep_what_holds
from augrgb.pipelines.fitting.sources import Lost, cache_sources
from augrgb.pipelines.fitting.speed import FILE as SPEED_FILE
from augrgb.pipelines.fitting.speed import Speed, kept_speed, measure_speed, read_speed
from augrgb.pipelines.fitting.summary import (
    SETTINGS_FILE,
    SUMMARY_FILE,
    Summary,
    check_same,
    read_settings,
    read_summary,
    write_summary,
)
from augrgb.pipelines.fitting.work import MADE_OF_VIDEOS, train, write_dataset
from augrgb.training.run.lock import run_lock
from augrgb.workflows.evaluate import predict_run

FILES = (SUMMARY_FILE, "per_class.csv", "report.html", "bundle")
_OURS = ("work", *FILES, SETTINGS_FILE, SPEED_FILE, "costs.json")
_BUNDLE = ("model.json", "model.safetensors", "encoder/model.json", "encoder/model.safetensors")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Asked:
    """What `fit` was called with, beside the project."""

    false_alarms_per_day: float | None
    isotonic: bool


def plan_fit(
    project: str | Path,
    out: str | Path | None = None,
    *,
    budget_s: float | None = None,
    workers: int | None = None,
    anew: bool = False,
) -> Plan:
    """What `fit` would do. Measures this machine for a few seconds, and writes nothing.

    Args:
        project, out, budget_s, workers: See `fit`.
        anew: Measure although a fit that was begun in `out` did.

    Raises:
        AugrgbError: See `fit`.
    """
    path = Path(project)
    settings = load_project(path)
    dataset = load_dataset(settings.dataset)
    design = make_design(settings, dataset)
    check_output_folder(_folder(path, out))
    kept = None if anew else read_speed(_folder(path, out) / SPEED_FILE)
    speed = kept if kept is not None else measure_speed(settings, dataset, design.videos)
    return make_plan(settings, design, dataset, speed, budget_s=budget_s, workers=workers)


def fit(
    project: str | Path,
    out: str | Path | None = None,
    *,
    budget_s: float | None = None,
    false_alarms_per_day: float | None = None,
    isotonic: bool = False,
    extend: bool = False,
    replace: bool = False,
    workers: int | None = None,
    speed: Speed | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> FittedProject:
    """Train plain RGB and Augmented-RGB, keep the better one, choose thresholds, write bundle and report.

    The same call continues an interrupted fit, and ends in the same bytes. Videos that cannot be read are left out.

    Args:
        project: A file of `augrgb init`, or its folder.
        out: Where everything is kept; default: `fit` beside the project file.
        budget_s: See `make_plan`.
        false_alarms_per_day: See `choose_rules`; None = best F1.
        isotonic: Calibrate by isotonic regression rather than by slope and intercept.
        extend: The project or its dataset changed, or videos that were left out are repaired: keep decoded frames and
            the models that would be made from the same content again, and train the others on what there is now.
        replace: Delete what another fit left in `out`.
        workers: Processes; default: one per core. A script that calls this needs `if __name__ == "__main__":`.
        speed: Of this machine, as `plan_fit` measured it; default: it is measured.
        on_progress: Called with (stage, fraction done).

    Raises:
        UsageFault: E-RUN-010 (project file), E-RUN-011 (other settings or data than those `out` was begun with),
            E-RUN-012 (budget), E-DET-015 (false alarms).
        InputRefused: E-RUN-014, too few videos can be read; E-RUN-008, nothing could be trained.
        AugrgbError: As `compare`.

    Minutes of training, so this example is not run with the others:

    >>> import augrgb
    >>> result = augrgb.fit("videos/project.yaml", budget_s=1200)  # doctest: +SKIP
    >>> found = augrgb.Detector(result.bundle)("new_video.mp4")  # doctest: +SKIP
    """
    path = Path(project)
    check_output_folder(_folder(path, out))
    folder, settings = resolved(_folder(path, out)), load_project(path)  # so that it can be continued from anywhere
    dataset = load_dataset(settings.dataset)
    asked = {
        "project": _given(settings) | {"dataset": str(resolved(settings.dataset))},
        "dataset_sha256": sha256_file(settings.dataset / "dataset.json"),
        "budget_s": budget_s,
        "false_alarms_per_day": false_alarms_per_day,
        "isotonic": isotonic,
    }
    design = make_design(settings, dataset)
    with run_lock(folder / "fit.lock"):
        if replace and is_file(folder / SETTINGS_FILE):
            _remove(folder, _OURS)  # what is ours, and nothing else
        known = read_settings(folder)
        if extend and known is not None and known != asked:
            _remove(folder, (*FILES, SETTINGS_FILE))  # models are kept or not by what they were made from
            if not is_file(folder / "work" / MADE_FROM):
                _remove(folder / "work", MADE_OF_VIDEOS)
            known = None
        elif extend and (finished := _finished(folder)) is not None and finished.left_out:
            _remove(folder, (SUMMARY_FILE,))  # videos that were bad may be sound by now
        if known is not None:
            check_same(folder, known, asked)
        finished = _finished(folder) if known == asked else None
        if finished is not None:
            return _placed(finished, _folder(path, out))
        make_plan(settings, design, dataset, _fast(), budget_s=budget_s, workers=workers)  # refuses before it writes
        remove_leftovers(folder)
        write_json(folder / SETTINGS_FILE, asked)
        used = kept_speed(folder / SPEED_FILE, lambda: speed or measure_speed(settings, dataset, design.videos))
        plan = make_plan(settings, design, dataset, used, budget_s=budget_s, workers=workers)
        done = _Fit(plan, dataset, folder, _Asked(false_alarms_per_day, isotonic), workers).run(on_progress)
        return _placed(done, _folder(path, out))


def _given(settings: Project) -> dict[str, Any]:
    """Everything that a project file says; what was never said is left out."""
    values: dict[str, Any] = settings.model_dump(mode="json")
    return values if settings.look_ahead is not None else {k: v for k, v in values.items() if k != "look_ahead"}


def _placed(done: FittedProject, folder: Path) -> FittedProject:
    """The same result, with its folder as the user wrote it."""
    return dataclasses.replace(done, folder=folder, bundle=folder / "bundle", report=folder / "report.html")


def _fast() -> Speed:
    return Speed(0.0, 0.0, 0.0, 0.0, 0.0)


def _folder(project: Path, out: str | Path | None) -> Path:
    return Path(out) if out is not None else (project if project.is_dir() else project.parent) / "fit"


def _remove(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        target = folder / name
        shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)


def _finished(folder: Path) -> FittedProject | None:
    """The result of a fit that is over, if all its files are still there."""
    if not all((folder / name).exists() for name in FILES):
        return None
    try:
        return _result(folder, read_summary(folder))
    except InputRefused as fault:
        _log.warning("%s; it is made again", fault)
        return None


def _result(folder: Path, summary: Summary) -> FittedProject:
    return FittedProject(
        folder,
        folder / "bundle",
        folder / "report.html",
        summary.chosen,
        summary.verdict,
        summary.frame_map("held_out"),
        summary.frame_map("test"),
        summary.left_out,
    )


class _Fit:
    """One fit: decode, train, choose, train what the bundle needs, write."""

    def __init__(self, plan: Plan, dataset: Dataset, folder: Path, asked: _Asked, workers: int | None) -> None:
        self.plan, self.base, self.folder, self.asked, self.workers = plan, dataset, folder, asked, workers
        self.work = folder / "work"
        self.failures: dict[str, str] = {}

    def run(self, on_progress: Callable[[str, float], None] | None) -> FittedProject:
        """Everything that is not done yet."""
        with JobRunner(self.workers, on_progress) as runner:
            lost = self._decode(runner)
            project, plan = self.plan.project, self.plan
            design = without(plan.design, lost.videos)
            dataset = write_dataset(project.dataset, self.work, design, lost)
            senses = usable_sensors(design, dataset)
            teachers = tuple(name for name in plan.teachers if name == "flow" or not senses.get(name, "gone"))
            self.plan = plan = dataclasses.replace(plan, design=design, teachers=teachers)
            cells = Cells(plan.recipe(self.work, dataset), self.work)
            keep_what_holds(cells, dataset, self.work)
            self.failures |= train(cells, self._first_methods(design), runner, part="folds" if design.folds else "")
            held_out = self._held_out(cells, dataset)
            if not held_out:
                reasons = "; ".join(f"{cell}: {reason}" for cell, reason in self.failures.items())
                problem = f"no model could be finished: {reasons}"
                raise InputRefused("E-RUN-008", self.folder, problem, "Fix this and run it again.")
            measured = measure(held_out, dataset, design.judged, seed=project.seed)
            chosen = choose_method(measured)
            if design.folds:
                names = STUDENTS if design.tested else (chosen,)
                finals = [key_of(name, design.final, design) for name in names]
                self.failures |= train(cells, finals, runner, part="bundle")
            costs = tuple(runner.costs.values())
        return self._finish(cells, dataset, held_out, measured, chosen, lost, costs)

    def _decode(self, runner: JobRunner) -> Lost:
        plan = self.plan
        with runner.stage("decode and flow") as progress:
            sensors = [name for name in plan.teachers if name != "flow"]
            return cache_sources(
                plan.project, self.base, plan.design, sensors, self.work / "frames", workers=self.workers,
                progress=progress,
            )  # fmt: skip

    def _first_methods(self, design: Design) -> list[str]:
        names = [*STUDENTS, *self.plan.teachers]
        return [key_of(name, split, design) for split in design.folds or (design.final,) for name in names]

    def _predict(self, cells: Cells, name: str, split: str, role: str) -> Predictions | None:
        """Scores of one method; None if it could not be trained, or has not what it needs."""
        run = cells.places.stream(key_of(name, split, self.plan.design), cells.recipe.seeds[0])
        if not (run / "result.json").is_file():
            return None
        with suppress(AugrgbError):
            found, _, wanted = predict_run(run, split=split, role_name=role)
            return found if set(wanted) <= set(found.scores) else None
        return None

    def _held_out(self, cells: Cells, dataset: Dataset) -> dict[str, Predictions]:
        """Scores of each finished method on videos that its models never saw."""
        design, found = self.plan.design, {}
        for name in (*STUDENTS, *self.plan.teachers):
            splits = [(fold, "test") for fold in design.folds] or [(design.final, "val")]
            parts = [self._predict(cells, name, split, role) for split, role in splits]
            whole = [part for part in parts if part is not None]
            if len(whole) == len(parts):
                scores = {video: values for part in whole for video, values in part.scores.items()}
                found[name] = Predictions(dataset.classes, whole[0].clock, scores)
        return {name: one for name, one in found.items() if name in STUDENTS or "rgb" in found}

    def _finish(
        self,
        cells: Cells,
        dataset: Dataset,
        held_out: Mapping[str, Predictions],
        measured: Measured,
        chosen: str,
        lost: Lost,
        costs: Sequence[StageCost],
    ) -> FittedProject:
        """Choose thresholds; write bundle, tables and page. The summary comes last: it says that all is there."""
        plan, design, folder = self.plan, self.plan.design, self.folder
        names = (*STUDENTS, *plan.teachers) if design.tested else ()
        tested = {name: one for name in names if (one := self._predict(cells, name, design.final, "test"))}
        test = measure(tested, dataset, design.tested, seed=plan.project.seed) if chosen in tested else None
        students = {name: one for name, one in held_out.items() if name in STUDENTS}
        events = {name: self._events(one, tested.get(name), dataset) for name, one in students.items()}
        run = cells.places.stream(chosen, cells.recipe.seeds[0])
        if not (run / "result.json").is_file():
            reasons = "; ".join(f"{cell}: {reason}" for cell, reason in self.failures.items())
            raise InputRefused("E-RUN-008", folder, f"the final model could not be trained: {reasons}", "Run it again.")
        for name in _BUNDLE:
            write_bytes(folder / "bundle" / name, read_bytes(run / name))
        write_thresholds(folder / "bundle", events[chosen].thresholds, dataset.classes)
        features = cells.places.features(chosen, cells.recipe.seeds[0])
        write_training_facts(folder / "bundle", training_facts(plan, dataset, self.work, features))
        rows = class_rows(dataset.classes, events[chosen], test or measured)
        for place in (folder / "per_class.csv", folder / "bundle" / MEASURED_FILE):
            write_text(place, rows_csv(rows))
        write_card(load_bundle(folder / "bundle", "cpu"))
        story = verdict(measured, test, design, chosen, encoder=plan.project.encoder)
        failures = [f"{cell}: {reason}" for cell, reason in sorted(self.failures.items())]
        left_out = tuple(line.replace(str(resolved(plan.project.dataset)) + "/", "") for line in lost.messages())
        write_fit_report(
            folder / "report.html",
            plan,
            dataset,
            held_out=measured,
            test=test,
            events=events,
            shown={n: p for n, p in (tested if test is not None else students).items() if n in events},
            rows=rows,
            verdict=story,
            chosen=chosen,
            failures=failures,
            left_out=left_out,
        )
        if costs:
            write_json(folder / "costs.json", [asdict(one) for one in costs])
        summary = Summary(
            chosen=chosen,
            verdict=story,
            teachers=plan.teachers,
            held_out_on=held_out_name(design),
            held_out=measured_json(measured),
            test=measured_json(test),
            splits={split: dict(roles) for split, roles in design.splits.items()},
            left_out=left_out,
            failures=tuple(failures),
        )
        write_summary(folder, summary)
        peak_mib = max((cost.peak_mib for cost in costs), default=0.0)
        return dataclasses.replace(_result(folder, summary), peak_mib=peak_mib)

    def _events(self, held_out: Predictions, test: Predictions | None, dataset: Dataset) -> FittedEvents:
        design = self.plan.design
        return fit_events(
            held_out,
            test if test is not None or design.folds else None,
            dataset,
            folds=[design.splits[fold]["test"] for fold in design.folds],
            false_alarms_per_day=self.asked.false_alarms_per_day,
            isotonic=self.asked.isotonic,
        )
