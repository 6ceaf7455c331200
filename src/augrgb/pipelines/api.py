"""The verbs of `import augrgb` that work on recipes and folders, given as strings, paths, mappings or objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from augrgb.annotations.dataset_file import load_dataset
from augrgb.core.errors import UsageFault
from augrgb.core.types import Dataset
from augrgb.parallel.batch import BatchReport
from augrgb.pipelines.compare import ComparisonOutcome
from augrgb.pipelines.compare import compare as run_comparison
from augrgb.pipelines.comparison.load import check_comparison
from augrgb.pipelines.comparison.recipe import ComparisonRecipe
from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.recipe.load import check_recipe, with_base
from augrgb.recipe.overrides import apply_overrides
from augrgb.recipe.schema import StreamRecipe
from augrgb.training.settings import FitResult
from augrgb.workflows.extract import extract as extract_features
from augrgb.workflows.train_encoder import train_encoder
from augrgb.workflows.train_stream import train_stream

Recipe = StreamRecipe | EncoderRecipe | ComparisonRecipe
AnyRecipe = str | Path | Mapping[str, Any] | Recipe


def load_recipe(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe of any kind: of a stream, of an encoder (`encoder:`), or of a comparison (`methods:`).

    Args:
        source: A YAML file, or its values.
        overrides: `KEY=VALUE` with dotted keys, as on the command line.

    Raises:
        UsageFault: The file is absent, not YAML, or anything in it is wrong (all mistakes together).

    Examples:
        >>> import augrgb
        >>> recipe = augrgb.load_recipe("toy/rgb.yaml", ["train.steps=4"])
        >>> recipe.student.modality, recipe.train.steps
        ('rgb', 4)
    """
    where = "recipe" if isinstance(source, Mapping) else str(source)
    values = apply_overrides(dict(source) if isinstance(source, Mapping) else with_base(Path(source)), overrides)
    if "methods" in values:
        return check_comparison(values, where=where)
    if "encoder" in values:
        return check_recipe(values, EncoderRecipe, where=where)
    return check_recipe(values, StreamRecipe, where=where)


def train(
    recipe: AnyRecipe,
    run: str | Path,
    *,
    overrides: Sequence[str] = (),
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> FitResult:
    """Train a stream (plain or distilled) or a snippet encoder into a run folder.

    A finished run is returned as it is; an interrupted one resumes.

    Args:
        recipe: A file, its values, or a checked recipe.
        run: The run folder; made if absent.
        overrides: `KEY=VALUE`, where the recipe is a file or values.
        workers: Processes that decode videos (encoders only).
        progress: Called with (steps done, steps in all).

    Raises:
        AugrgbError: Bad recipe, data, features or teachers.

    Examples:
        >>> import augrgb
        >>> result = augrgb.train("toy/rgb.yaml", "toy/runs/rgb")
        >>> result.steps, list(result.validation)
        (6, ['frame_map'])
    """
    checked = _checked(recipe, overrides)
    if isinstance(checked, ComparisonRecipe):
        raise UsageFault("E-CFG-044", str(run), "this recipe compares several methods", "Use augrgb.compare.")
    if isinstance(checked, EncoderRecipe):
        return train_encoder(checked, Path(run), workers=workers, progress=progress)
    return train_stream(checked, Path(run), progress=progress)


def compare(
    recipe: AnyRecipe, folder: str | Path, *, overrides: Sequence[str] = (), workers: int | None = None
) -> ComparisonOutcome:
    """Train and evaluate everything that a comparison recipe names, then write tables, statistics and a report.

    What the folder already holds is kept; an interrupted comparison resumes.

    Args:
        recipe: A file, its values, or a checked recipe.
        folder: Where everything is kept.
        overrides: `KEY=VALUE`, where the recipe is a file or values.
        workers: Processes; default: one per core. A script that calls this needs `if __name__ == "__main__":`.

    Raises:
        AugrgbError: Bad recipe or data, or no method at all could be finished.

    Examples:
        >>> import augrgb
        >>> outcome = augrgb.compare("toy/compare.yaml", "toy/runs/compare", workers=1)
        >>> len(outcome.failures), (outcome.folder / "comparison.md").is_file()
        (0, True)
    """
    checked = _checked(recipe, overrides)
    if not isinstance(checked, ComparisonRecipe):
        raise UsageFault("E-CFG-044", str(folder), "this recipe trains one model", "Use augrgb.train.")
    return run_comparison(checked, Path(folder), workers=workers)


def extract(
    dataset: str | Path | Dataset,
    encoder: str | Path,
    out: str | Path,
    *,
    videos: Sequence[str] | None = None,
    workers: int = 1,
    allow_failures: int = 0,
) -> BatchReport:
    """Write the features of every video of a dataset by one encoder; what is already there is kept.

    Args:
        dataset: A dataset or its folder.
        encoder: An encoder folder, such as the run folder of `train`.
        out: The feature folder.
        videos: Only these ids.
        workers: Processes that decode and encode; 0 = in this process.
        allow_failures: Videos that may be refused.

    Returns:
        What happened to each video.

    Raises:
        AugrgbError: The encoder does not fit, the disk is full, or more videos than allowed were refused.

    Examples:
        >>> import augrgb
        >>> report = augrgb.extract("toy/clips", "toy/encoder", "toy/features/new", workers=0)
        >>> sorted(augrgb.open_features("toy/features/new").ids())
        ['a', 'b']
    """
    data = dataset if isinstance(dataset, Dataset) else load_dataset(dataset)
    return extract_features(
        data, Path(encoder), Path(out), video_ids=videos, workers=workers, allow_failures=allow_failures
    )


def _checked(recipe: AnyRecipe, overrides: Sequence[str]) -> Recipe:
    if isinstance(recipe, str | Path | Mapping):
        return load_recipe(recipe, overrides)
    if overrides:
        raise UsageFault("E-CFG-013", "overrides", "go with a file or with values", "Pass the recipe as a file.")
    return recipe
