"""The `augrgb` program: its commands in the order in which a newcomer needs them.

Workflows are imported inside each command, so that `--help` is instant.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from augrgb.cli.catalog import explain, list_parts, show
from augrgb.cli.compare import compare
from augrgb.cli.data import data_app
from augrgb.cli.demo import demo
from augrgb.cli.detect import detect
from augrgb.cli.evaluate import evaluate
from augrgb.cli.export import export
from augrgb.cli.extract import extract
from augrgb.cli.finite_numbers import only_finite_numbers
from augrgb.cli.fit import fit
from augrgb.cli.info import info
from augrgb.cli.init import init
from augrgb.cli.recipes import recipes_app
from augrgb.cli.report import report
from augrgb.cli.serve import serve
from augrgb.cli.training import distill, train, train_encoder
from augrgb.cli.watch import watch
from augrgb.cli.weights import check_encoder, import_weights
from augrgb.cli.weights_catalog import weights_app
from augrgb.cli.world import world_app


class _NewcomerOrder(TyperGroup):
    """Lists the commands in the order of `ORDER`; Typer alone puts command groups last."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(self.commands, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


ORDER = (
    "demo",
    "init",
    "fit",
    "detect",
    "watch",
    "serve",
    "export",
    "data",
    "world",
    "train-encoder",
    "extract",
    "train",
    "distill",
    "evaluate",
    "compare",
    "report",
    "weights",
    "import-weights",
    "check-encoder",
    "recipes",
    "list",
    "show",
    "explain",
    "info",
)

app = typer.Typer(
    cls=_NewcomerOrder,
    help="Teach an RGB-only video network to see what optical flow and 3D pose see.",
    epilog="Add --debug to any command for a traceback.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)

START = "Start here"
DATA = "Data"
TRAIN = "Train and evaluate"
WEIGHTS = "Published weights"
LOOK = "Look up"

app.command(rich_help_panel=START)(demo)
app.command(rich_help_panel=START)(init)
app.command(rich_help_panel=START)(fit)
app.command(rich_help_panel=START)(detect)
app.command(rich_help_panel=START)(watch)
app.command(rich_help_panel=START)(serve)
app.command(rich_help_panel=START)(export)
app.add_typer(data_app, name="data", rich_help_panel=DATA)
app.add_typer(world_app, name="world", rich_help_panel=DATA)
app.command("train-encoder", rich_help_panel=TRAIN)(train_encoder)
app.command(rich_help_panel=TRAIN)(extract)
app.command(rich_help_panel=TRAIN)(train)
app.command(rich_help_panel=TRAIN)(distill)
app.command(rich_help_panel=TRAIN)(evaluate)
app.command(rich_help_panel=TRAIN)(compare)
app.command(rich_help_panel=TRAIN)(report)
app.add_typer(weights_app, name="weights", rich_help_panel=WEIGHTS)
app.command("import-weights", rich_help_panel=WEIGHTS)(import_weights)
app.command("check-encoder", rich_help_panel=WEIGHTS)(check_encoder)
app.command("list", rich_help_panel=LOOK)(list_parts)
app.command(rich_help_panel=LOOK)(show)
app.command(rich_help_panel=LOOK)(explain)
app.command(rich_help_panel=LOOK)(info)
app.add_typer(recipes_app, name="recipes", rich_help_panel=LOOK)
only_finite_numbers(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from augrgb import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass
