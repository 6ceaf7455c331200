"""The commands of `augrgb`. Workflows are imported inside each command, so that `--help` is instant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from augrgb import __version__
from augrgb.cli.compare_command import compare
from augrgb.cli.data_commands import data_app
from augrgb.cli.detect_command import detect
from augrgb.cli.encoder_commands import encoders_app, import_weights
from augrgb.cli.evaluate_command import evaluate
from augrgb.cli.extract_command import extract
from augrgb.cli.recipes_command import recipes_app
from augrgb.core.errors import UsageFault

app = typer.Typer(
    help="Teach an RGB-only video network to see what flow and pose see. (--debug shows tracebacks.)",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
world_app = typer.Typer(
    help="The embedded world: real video, poses and annotations, made from a seed.", no_args_is_help=True
)
app.add_typer(world_app, name="world")
app.add_typer(data_app, name="data")
app.add_typer(encoders_app, name="encoders")
app.add_typer(recipes_app, name="recipes")
app.command("import-weights")(import_weights)

Overrides = Annotated[
    list[str] | None, typer.Argument(help="Overrides such as train.steps=800.", metavar="[KEY=VALUE]...")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check data, features, teachers and one step; train and write nothing.")
]
RunOption = Annotated[Path | None, typer.Option("--run", "-o", help="Run folder; default: runs/<name of the recipe>.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Processes; default: one per core.")]


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where everything is written.")] = Path("demo"),
    seeds: Annotated[int, typer.Option(min=1, help="Encoder and stream seeds per method.")] = 3,
    full: Annotated[bool, typer.Option("--full", help="Also train every method with all labels.")] = False,
    workers: WorkersOption = None,
) -> None:
    """The whole main job on the embedded world, in minutes: world, encoders, streams, distillation, report."""
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import stdout
    from augrgb.pipelines.demo import DemoSettings, run_demo
    from augrgb.report.terminal import comparison_table

    with StageBars() as bars:
        outcome = run_demo(folder, DemoSettings(seeds=seeds, full=full), workers=workers, on_progress=bars.update)
    for table in outcome.tables:
        stdout().print(comparison_table(table))
    stdout().print(
        f"Report: {outcome.report}\nTry it:  augrgb detect VIDEO.mp4 --model {outcome.model}", highlight=False
    )


@world_app.command("make")
def world_make(
    folder: Annotated[Path, typer.Argument(help="The dataset folder to write.")],
    seed: Annotated[int, typer.Option(help="Everything is a function of it.")] = 0,
    motion: Annotated[
        Path | None, typer.Option(help="Render this motion instead: a BVH folder or a packed .npz.")
    ] = None,
    styles: Annotated[bool, typer.Option(help="With --motion: each clip's style is a label too.")] = False,
    settings: Annotated[list[str] | None, typer.Option("--set", help="World setting, such as lighting=0.5.")] = None,
    workers: WorkersOption = None,
) -> None:
    """Write a world: untrimmed MP4s of a moving figure, 3D poses, annotations, splits."""
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import dataset_table, stdout
    from augrgb.recipe.overrides import apply_overrides
    from augrgb.world import WorldSettings, load_bvh_motion, load_packed_motion
    from augrgb.world.make import make_world, make_world_from_motion

    chosen = WorldSettings.from_json(apply_overrides({"seed": seed}, settings or []))
    with StageBars() as bars:
        progress = bars.counter("world")
        count = workers or _cores()
        if motion is None:
            dataset = make_world(folder, chosen, workers=count, progress=progress)
        else:
            library = load_bvh_motion(motion) if motion.is_dir() else load_packed_motion(motion)
            dataset = make_world_from_motion(folder, library, chosen, styles=styles, workers=count, progress=progress)
    stdout().print(dataset_table(dataset))


app.command()(extract)


@app.command("train-encoder")
def train_encoder(
    recipe: Annotated[Path, typer.Argument()],
    overrides: Overrides = None,
    run: RunOption = None,
    workers: WorkersOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Train a snippet encoder: plain, or augmented by teacher encoders (section `distill`)."""
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import fit_summary, stdout
    from augrgb.recipe import EncoderRecipe, load_recipe
    from augrgb.workflows.train_encoder import train_encoder as run_training

    loaded = load_recipe(recipe, EncoderRecipe, overrides or [])
    folder = run or Path("runs") / recipe.stem
    if dry_run:
        from augrgb.cli.dry_run_table import show_dry_run
        from augrgb.workflows.dry_run_encoder import dry_run_encoder

        with StageBars() as bars:
            report = dry_run_encoder(loaded, folder, progress=bars.counter("dry run"))
        show_dry_run(report)
        return
    with StageBars() as bars:
        result = run_training(
            loaded,
            folder,
            workers=workers or max(1, _cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))),  # torchrun's share
            progress=bars.counter("train-encoder"),
            decoding=bars.counter("decode and flow"),
        )
    stdout().print(fit_summary(folder, result), highlight=False, soft_wrap=True)


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument()],
    overrides: Overrides = None,
    run: RunOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Train one stream on features."""
    _train(recipe, overrides, run, distil=False, dry_run=dry_run)


@app.command()
def distil(
    recipe: Annotated[Path, typer.Argument()],
    overrides: Overrides = None,
    run: RunOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Train an augmented stream: labels plus teachers (section `distill`)."""
    _train(recipe, overrides, run, distil=True, dry_run=dry_run)


app.command("distill", hidden=True)(distil)


def _train(recipe: Path, overrides: list[str] | None, run: Path | None, *, distil: bool, dry_run: bool) -> None:
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import fit_summary, stdout
    from augrgb.recipe import StreamRecipe, load_recipe
    from augrgb.workflows.train_stream import train_stream

    loaded = load_recipe(recipe, StreamRecipe, overrides or [])
    if distil and loaded.distill is None:
        raise UsageFault("E-CFG-003", f"{recipe}: distill", "this section is required", "Or use `augrgb train`.")
    folder = run or Path("runs") / recipe.stem
    if dry_run:
        from augrgb.cli.dry_run_table import show_dry_run
        from augrgb.workflows.dry_run_stream import dry_run_stream

        with StageBars() as bars:
            report = dry_run_stream(loaded, folder, progress=bars.counter("dry run"))
        show_dry_run(report)
        return
    with StageBars() as bars:
        result = train_stream(loaded, folder, progress=bars.counter("distil" if distil else "train"))
    stdout().print(fit_summary(folder, result), highlight=False, soft_wrap=True)


app.command()(evaluate)
app.command()(compare)
app.command()(detect)


@app.command("list")
def list_parts(
    kind: Annotated[str | None, typer.Argument(help="One kind only, such as encoders or flow_methods.")] = None,
) -> None:
    """What can be named: losses, filters, encoders, flow methods, formats of annotations and skeletons, protocols."""
    from augrgb.cli.tables import catalog_tables, stdout

    for table in catalog_tables(kind):
        stdout().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name of `augrgb list`; `recipe`; or a run folder.")],
) -> None:
    """Everything about one part: what it is, its options and defaults; or what a run folder holds."""
    from augrgb.cli.tables import describe, stdout

    for item in describe(name):
        stdout().print(item)


def _cores() -> int:
    from augrgb.parallel.jobs import available_cores

    return available_cores()
