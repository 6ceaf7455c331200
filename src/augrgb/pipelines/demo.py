"""The whole main job on the embedded world: one call from an empty folder to a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.core.files import read_json, write_json, write_text
from augrgb.core.progress import Progress
from augrgb.core.types import Dataset
from augrgb.features.frame_cache import cache_frames
from augrgb.parallel.jobs import Job, JobRunner, StageCost, available_cores
from augrgb.pipelines.demo_plan import FUSIONS, METHODS, TEACHERS, WORLD, Places, encoder_recipe, stream_recipe
from augrgb.pipelines.demo_report import COLUMNS, TIOU_COLUMNS, TOTAL, ArmResults, build_report, compare
from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe
from augrgb.report.data import Comparison
from augrgb.report.page import write_report
from augrgb.report.picture import write_picture
from augrgb.report.tables import comparison_csv, comparison_markdown
from augrgb.workflows.evaluate import evaluate_runs, result_to_json
from augrgb.workflows.extract import extract
from augrgb.workflows.train_encoder import train_encoder
from augrgb.workflows.train_stream import train_stream
from augrgb.world.make import make_world
from augrgb.world.settings import WorldSettings

SPLITS = ("cross_subject", "cross_view")


@dataclass(frozen=True)
class DemoSettings:
    """What the demo does.

    Args:
        seeds: Seeds of encoders and streams; every method is trained once per seed.
        full: Also the arm in which all videos are labelled.
        world: The embedded world.
    """

    seeds: int = 3
    full: bool = False
    world: WorldSettings = WORLD


@dataclass(frozen=True)
class DemoOutcome:
    """Where the results are: the comparison of each arm, the report, and the model for `augrgb detect`."""

    tables: tuple[Comparison, ...]
    report: Path
    model: Path


def run_demo(
    folder: Path,
    settings: DemoSettings,
    *,
    workers: int | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> DemoOutcome:
    """Make the world, train encoders and streams, distil, evaluate, report. Finished work is never done again.

    Raises:
        AugrgbError: See the workflows; everything finished is kept.
    """
    folder = Path(folder)
    count = workers or available_cores()
    arms = ("quarter", "full") if settings.full else ("quarter",)
    results: dict[str, ArmResults] = {}
    started = time.monotonic()
    with JobRunner(count, on_progress) as runner:
        places = Places(folder, arms[0])
        with runner.stage("world") as progress:
            dataset = make_world(places.world, settings.world, workers=count, progress=progress)
        with runner.stage("decode and flow") as progress:
            cache_frames(
                dataset, None, ("rgb", "flow", "pose"), places.frames, fps=15, workers=count, progress=progress
            )
        for arm in arms:
            results[arm] = _run_arm(runner, Places(folder, arm), settings, dataset)
        peak_mib = max(cost.peak_mib for cost in runner.costs.values())
        cpu_s = sum(cost.cpu_s for cost in runner.costs.values())
        whole = StageCost(TOTAL, time.monotonic() - started, cpu_s, peak_mib)
        costs = _longest(folder / "costs.json", {**runner.costs, TOTAL: whole})
    write_json(folder / "costs.json", [asdict(cost) for cost in costs.values()])
    for arm, result in results.items():
        write_json(folder / arm / "results.json", result.values)
    data = build_report(folder, dataset, results, settings.seeds, list(costs.values()), count)
    write_report(folder / "report.html", data)
    shown = replace(data.timelines[0], lanes=tuple(t for t in data.timelines[0].lanes if not t.extra_sensors))
    write_picture(folder / "picture.png", shown, classes=dataset.classes)
    tables = tuple(compare(result) for result in results.values())
    for arm, result in results.items():
        every = (compare(result), compare(result, TIOU_COLUMNS))
        write_text(folder / arm / "comparison.md", "\n".join(comparison_markdown(table) for table in every))
        write_text(folder / arm / "comparison.csv", comparison_csv(compare(result, (*COLUMNS, *TIOU_COLUMNS))))
    return DemoOutcome(tables, folder / "report.html", Places(folder, arms[0]).stream("augmented", 0))


def _longest(path: Path, now: Mapping[str, StageCost]) -> dict[str, StageCost]:
    """Costs of each stage when it was really done: a run that found it finished took next to nothing."""
    earlier = [StageCost(**values) for values in read_json(path, "costs")] if path.exists() else []
    costs = dict(now)
    for cost in earlier:
        if cost.stage not in costs or cost.wall_s > costs[cost.stage].wall_s:
            costs[cost.stage] = cost
    return costs


def _run_arm(runner: JobRunner, places: Places, settings: DemoSettings, dataset: Dataset) -> ArmResults:
    """Train and evaluate everything with one share of labels."""
    label = "" if places.arm == "quarter" else " (all labels)"
    seeds = range(settings.seeds)
    jobs: list[Job] = []
    for kind in (*TEACHERS, "rgb", "augmented"):
        for seed in [0] if kind in TEACHERS else seeds:
            after = tuple(f"encoder {teacher} 0" for teacher in TEACHERS) if kind == "augmented" else ()
            arguments = {"values": encoder_recipe(places, kind, seed), "run": places.encoder(kind, seed)}
            jobs.append(Job(f"encoder {kind} {seed}", f"encoders{label}", encoder_job, arguments, after))
            arguments = {"places": places, "kind": kind, "seed": seed}
            name = f"encoder {kind} {seed}"
            jobs.append(Job(f"features {kind} {seed}", f"features{label}", features_job, arguments, (name,)))
    for seed in seeds:
        for key in (*TEACHERS, *(method.key for method in METHODS)):
            method = next((method for method in METHODS if method.key == key), None)
            encoder = method.encoder if method is not None else key
            needed = [f"features {encoder} {0 if encoder in TEACHERS else seed}"]
            if method is not None and method.losses:
                needed += [f"stream {teacher} {seed}" for teacher in TEACHERS]
            arguments = {"values": stream_recipe(places, key, seed), "run": places.stream(key, seed)}
            jobs.append(Job(f"stream {key} {seed}", f"streams{label}", stream_job, arguments, tuple(needed)))
    evaluations: dict[str, tuple[str, int]] = {}
    for seed in seeds:
        rows = [(method.key, (method.key,)) for method in METHODS] + [(f.key, f.members) for f in FUSIONS]
        for key, members in rows:
            name = f"evaluate {key} {seed}"
            evaluations[name] = (key, seed)
            runs = [places.stream(member, seed) for member in members]
            after = tuple(f"stream {member} {seed}" for member in members)
            arguments = {"runs": runs, "suffix": places.suffix()}
            jobs.append(Job(name, f"evaluation{label}", evaluate_job, arguments, after))
    outcome = runner.run(jobs)
    values: dict[str, list[Any]] = {}
    for name, (key, _) in evaluations.items():
        values.setdefault(key, []).append(outcome[name])
    return ArmResults(places, values)


def encoder_job(values: dict[str, Any], run: Path, progress: Progress) -> None:
    """Train one snippet encoder."""
    train_encoder(check_recipe(values, EncoderRecipe), run, workers=0, progress=progress)


def features_job(places: Places, kind: str, seed: int, progress: Progress) -> None:
    """Extract what streams are trained and tested on."""
    dataset = load_dataset(places.world)
    wanted: list[str] = []
    for split in SPLITS:
        for name in ("train", "unlabelled", "val", "test"):
            wanted += role(dataset, split, name, allow_empty=True)
    extract(
        dataset,
        places.encoder(kind, seed),
        places.features(kind, seed),
        video_ids=dict.fromkeys(wanted),
        frames_folder=places.frames,
        workers=0,
        progress=progress,
    )


def stream_job(values: dict[str, Any], run: Path, progress: Progress) -> None:
    """Train one stream."""
    train_stream(check_recipe(values, StreamRecipe), run, progress=progress)


def evaluate_job(runs: list[Path], suffix: str, progress: Progress) -> dict[str, list[dict[str, object]]]:
    """Evaluate one stream or fusion on the tests of both kinds."""
    found = {}
    for number, split in enumerate(SPLITS):
        evaluation = evaluate_runs(runs, split=f"{split}{suffix}")
        found[split] = [result_to_json(result) for result in evaluation.results]
        progress(number + 1, len(SPLITS))
    return found
