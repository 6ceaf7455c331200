"""`augrgb recipes`: the recipes that come with the package."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import JsonOption

recipes_app = typer.Typer(help="List and copy the built-in recipes.", no_args_is_help=True)


@recipes_app.command("list")
def list_recipes(as_json: JsonOption = False) -> None:
    """List the built-in recipes: what each is for, what it needs, and the number it should reach."""
    from rich.table import Table
    from rich.text import Text

    from augrgb.cli.output import print_json, stdout
    from augrgb.recipe.builtin import builtin_recipes

    if as_json:
        print_json([asdict(recipe) for recipe in builtin_recipes()])
        return
    for command in ("demo", "compare", "train-encoder", "train", "distill"):
        rows = [recipe for recipe in builtin_recipes() if recipe.command == command]
        if not rows:
            continue
        columns = {"what for": "purpose", "needs": "needs", "reaches": "reaches"}
        if not any(recipe.reaches for recipe in rows):
            del columns["reaches"]
        table = Table(title=f"augrgb {command} NAME", title_justify="left", title_style="bold", box=None)
        table.add_column("name", no_wrap=True)
        for heading in columns:
            table.add_column(heading, overflow="fold")
        for recipe in rows:
            table.add_row(recipe.name, *(Text(getattr(recipe, field) or "-") for field in columns.values()))
        stdout().print(table)


@recipes_app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="Name of a built-in recipe, such as world/rgb (see `recipes list`).")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File or folder to write. Default: the working folder.")
    ] = None,
) -> None:
    """Copy a built-in recipe to a file that you can edit."""
    from augrgb.cli.output import say
    from augrgb.workflows.recipes import copy_recipe

    say(str(copy_recipe(name, out)))
