"""`augrgb train-encoder`, `train` and `distill`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import DryRunOption, JsonOption, Overrides, RecipeArgument, RunOption, WorkersOption
from augrgb.core.errors import UsageFault

TrainingDevice = Annotated[
    str | None,
    typer.Option(
        "--device", help="Where networks run: auto (a GPU if there is one), cpu, cuda or cuda:N. Default: the recipe's."
    ),
]


def train_encoder(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    out: RunOption = None,
    device: TrainingDevice = None,
    workers: WorkersOption = None,
    pretrain: Annotated[
        list[Path] | None,
        typer.Option(help="First learn to see motion in these videos (files or folders), which need no labels."),
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a snippet encoder: plain, or augmented by teachers (recipe section `distill`)."""
    from augrgb.cli.progress import StageBars
    from augrgb.parallel.workers import available_cores
    from augrgb.recipe import EncoderRecipe, load_recipe
    from augrgb.recipe.encoder_schema import PretrainSection
    from augrgb.workflows.train_encoder import train_encoder as run_training

    loaded = load_recipe(recipe, EncoderRecipe, overrides or [])
    if pretrain:
        section = {**(loaded.pretrain.model_dump() if loaded.pretrain is not None else {}), "videos": pretrain}
        loaded = loaded.model_copy(update={"pretrain": PretrainSection.model_validate(section)})
    folder = out or Path("runs") / recipe.stem
    if dry_run:
        from augrgb.cli.dry_run_table import show_dry_run
        from augrgb.workflows.dry_run_encoder import dry_run_encoder

        with StageBars() as bars:
            report = dry_run_encoder(loaded, folder, progress=bars.counter("dry run"))
        show_dry_run(report, as_json=as_json)
        return
    with StageBars() as bars:
        result = run_training(
            loaded,
            folder,
            device=device,
            workers=workers or max(1, available_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))),
            progress=bars.counter("train-encoder"),
            decoding=bars.counter("decode and flow"),
            pretraining=bars.counter("pretraining") if loaded.pretrain is not None else None,
        )
    _show(folder, result, as_json=as_json)


def train(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    out: RunOption = None,
    device: TrainingDevice = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a stream (temporal filter and classifier) on features."""
    _train(recipe, overrides, out, device, "train", dry_run=dry_run, as_json=as_json)


def distill(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    out: RunOption = None,
    device: TrainingDevice = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a stream with labels and frozen teachers (recipe section `distill`)."""
    _train(recipe, overrides, out, device, "distill", dry_run=dry_run, as_json=as_json)


def _train(
    recipe: Path,
    overrides: list[str] | None,
    out: Path | None,
    device: str | None,
    verb: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from augrgb.cli.progress import StageBars
    from augrgb.recipe import StreamRecipe, load_recipe
    from augrgb.workflows.train_stream import train_stream

    loaded = load_recipe(recipe, StreamRecipe, overrides or [])
    if verb == "distill" and loaded.distill is None:
        raise UsageFault("E-CFG-014", f"{recipe}: distill", "this section is required", "Or use `augrgb train`.")
    folder = out or Path("runs") / recipe.stem
    if dry_run:
        from augrgb.cli.dry_run_table import show_dry_run
        from augrgb.workflows.dry_run_stream import dry_run_stream

        with StageBars() as bars:
            report = dry_run_stream(loaded, folder, progress=bars.counter("dry run"))
        show_dry_run(report, as_json=as_json)
        return
    with StageBars() as bars:
        result = train_stream(loaded, folder, device=device, progress=bars.counter(verb))
    _show(folder, result, as_json=as_json)


def _show(folder: Path, result: object, *, as_json: bool) -> None:
    from dataclasses import asdict

    from augrgb.cli.output import print_json, say
    from augrgb.cli.tables import fit_summary
    from augrgb.training.settings import FitResult

    assert isinstance(result, FitResult)
    if as_json:
        print_json({"run": folder, **asdict(result)})
    else:
        say(fit_summary(folder, result))
