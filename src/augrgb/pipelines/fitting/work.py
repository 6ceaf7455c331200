"""Train what a fit needs: the cells of its comparison that are not finished, as one graph of jobs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from augrgb.annotations.dataset_view import save_view
from augrgb.core.opening import sha256_file
from augrgb.core.types import Dataset
from augrgb.parallel.jobs import Job, JobRunner
from augrgb.pipelines.comparison.cells import Cells
from augrgb.pipelines.comparison.jobs import Failure
from augrgb.pipelines.fitting.design import Design
from augrgb.pipelines.fitting.sources import Lost

MADE_OF_VIDEOS = ("encoders", "features", "streams", "failures")


def write_dataset(base: Path, work: Path, design: Design, lost: Lost) -> bool:
    """Write what is trained on into `work/dataset`; what other videos or labels were made into is deleted.

    Returns:
        Whether models had to be deleted.
    """
    path = work / "dataset" / "dataset.json"
    before = sha256_file(path) if path.is_file() else None
    sensors = {name: ["poses" if kind == "pose" else kind for kind in kinds] for name, kinds in lost.sensors.items()}
    if before is not None:
        fresh = work / "dataset.new"
        new = sha256_file(save_view(fresh, base, design.splits, without=lost.videos, without_sensors=sensors))
        shutil.rmtree(fresh)
        if new == before:
            return False
        for name in MADE_OF_VIDEOS:
            shutil.rmtree(work / name, ignore_errors=True)
    save_view(work / "dataset", base, design.splits, without=lost.videos, without_sensors=sensors)
    return before is not None


def train(cells: Cells, methods: Sequence[str], runner: JobRunner) -> dict[str, str]:
    """Train streams and everything behind them; what could not be finished -> why.

    Raises:
        UsageFault: E-RUN-002, finished cells were made from other recipes.
    """
    seed = cells.recipe.seeds[0]
    cells.check_unchanged([run for run in cells.runs() if run.folder.exists()])
    jobs: dict[str, Job] = {}
    for method in methods:
        cells.need_stream(jobs, method, seed)
    ended = runner.run(list(jobs.values())) if jobs else {}
    return {found.cell: found.reason for found in ended.values() if isinstance(found, Failure)}


def view_of(dataset: Dataset, design: Design, lost: Lost) -> Dataset:
    """The dataset that `write_dataset` writes, in memory."""
    from dataclasses import replace

    videos = {
        name: replace(video, **{("poses" if kind == "pose" else kind): None for kind in lost.sensors.get(name, {})})  # type: ignore[arg-type]
        for name, video in dataset.videos.items()
        if name not in lost.videos
    }
    return replace(dataset, videos=videos, splits=dict(design.splits))
