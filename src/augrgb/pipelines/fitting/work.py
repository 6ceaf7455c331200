"""Train what a fit needs: the cells of its comparison that are not finished, as one graph of jobs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from augrgb.annotations.dataset_file import load_dataset
from augrgb.annotations.dataset_view import save_view
from augrgb.core.files import make_folder, move_file
from augrgb.core.opening import sha256_file
from augrgb.core.types import Dataset
from augrgb.parallel.jobs import Job, JobRunner
from augrgb.pipelines.comparison.cells import Cells
from augrgb.pipelines.comparison.jobs import Failure
from augrgb.pipelines.fitting.design import Design
from augrgb.pipelines.fitting.reuse import FILE as MADE_FROM
from augrgb.pipelines.fitting.sources import Lost

MADE_OF_VIDEOS = ("encoders", "features", "streams", "failures")


def write_dataset(base: Path, work: Path, design: Design, lost: Lost) -> Dataset:
    """Write what is trained on into `work/dataset`.

    Models of another dataset of which nobody knows what they were made from are deleted first, so that an interruption
    only repeats it; of the others `keep_what_holds` keeps what still holds.

    Returns:
        The dataset as it is trained on.
    """
    path = work / "dataset" / "dataset.json"
    sensors = {name: ["poses" if kind == "pose" else kind for kind in kinds] for name, kinds in lost.sensors.items()}
    fresh = save_view(work / "dataset.new", base, design.splits, without=lost.videos, without_sensors=sensors)
    if path.is_file() and sha256_file(path) != sha256_file(fresh) and not (work / MADE_FROM).is_file():
        for name in MADE_OF_VIDEOS:
            shutil.rmtree(work / name, ignore_errors=True)
    make_folder(path.parent)
    move_file(fresh, path)
    fresh.parent.rmdir()
    return load_dataset(path.parent)


def train(cells: Cells, methods: Sequence[str], runner: JobRunner, *, part: str = "") -> dict[str, str]:
    """Train streams and everything behind them; what could not be finished -> why.

    Raises:
        UsageFault: E-RUN-002, finished cells were made from other recipes.
    """
    seed = cells.recipe.seeds[0]
    cells.check_unchanged([run for run in cells.runs() if run.folder.exists()])
    jobs: dict[str, Job] = {}
    for method in methods:
        cells.need_stream(jobs, method, seed)
    ended = runner.run(list(jobs.values()), part=part) if jobs else {}
    return {found.cell: found.reason for found in ended.values() if isinstance(found, Failure)}
