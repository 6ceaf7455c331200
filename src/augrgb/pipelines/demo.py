"""The demo: make the synthetic dataset, then run the built-in comparison `demo` on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from augrgb.annotations.dataset_file import load_dataset, role
from augrgb.parallel.jobs import JobRunner
from augrgb.parallel.workers import available_cores
from augrgb.pipelines.compare import ComparisonOutcome, compare
from augrgb.pipelines.comparison.load import load_comparison
from augrgb.pipelines.comparison.values import Places
from augrgb.recipe.builtin import builtin_path
from augrgb.world.make import make_world
from augrgb.world.settings import WorldSettings

TINY_WORLD = WorldSettings(
    duration_s=8, encoder=2, encoder_unlabelled=2, train=2, unlabelled=2, val=1, test=2,
    train_subjects=2, test_subjects=1, train_cameras=1, test_cameras=1,
)  # fmt: skip
TINY = (
    "encoder.train.steps=8",
    "encoder.train.validate_every=4",
    "encoder.train.checkpoint_every=4",
    "stream.train.steps=10",
    "stream.train.validate_every=5",
    "stream.train.checkpoint_every=5",
)
"""Overrides that make the comparison a smoke test: every part runs, and no number means anything."""


@dataclass(frozen=True)
class DemoSettings:
    """What the demo does.

    Args:
        seeds: Seeds of encoders and streams; every method is trained once per seed.
        full: Run the comparison a second time, with all videos labeled.
        tiny: A smoke test of half a minute: a few short videos, a few steps, one seed.
    """

    seeds: int = 3
    full: bool = False
    tiny: bool = False


@dataclass(frozen=True)
class DemoOutcome:
    """What the demo made.

    Args:
        comparisons: With a quarter of the labels; with `full`, also with all of them.
        report: The page of the first.
        model: A trained model for `augrgb detect`.
        video: A test video to try it on.
    """

    comparisons: tuple[ComparisonOutcome, ...]
    report: Path
    model: Path
    video: Path


def run_demo(
    folder: Path,
    settings: DemoSettings,
    *,
    workers: int | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> DemoOutcome:
    """Make the dataset and compare. Finished work is never done again.

    Raises:
        AugrgbError: See `make_world` and `compare`; everything finished is kept.
    """
    folder = Path(folder)
    world, count = folder / "world", workers or available_cores()
    with JobRunner(count, on_progress) as runner, runner.stage("make the videos") as progress:
        make_world(world, TINY_WORLD if settings.tiny else WorldSettings(), workers=count, progress=progress)
    before = tuple(runner.costs.values())
    common = [f"stream.data.dataset={world}", f"seeds={1 if settings.tiny else settings.seeds}"]
    common += [*(TINY if settings.tiny else ()), f"encoder.data.frames={folder / 'frames'}"]
    recipe = load_comparison(builtin_path("demo"), common)
    comparisons = [compare(recipe, folder, workers=count, before=before, on_progress=on_progress)]
    if settings.full:
        every = load_comparison(
            builtin_path("demo"),
            [*common, "title=With all labels", "stream.data.split=cross_subject_full"],
        )
        comparisons.append(compare(every, folder / "full", workers=count, on_progress=on_progress))
    dataset = load_dataset(world)
    video = dataset.videos[role(dataset, recipe.splits()[0], "test")[0]].file
    if video is None:
        raise ValueError("the synthetic dataset has videos")
    featured = recipe.featured or recipe.baseline
    model = Places(folder, recipe).stream(featured, recipe.seeds[0])
    return DemoOutcome(tuple(comparisons), folder / "report.html", model, Path(video))
