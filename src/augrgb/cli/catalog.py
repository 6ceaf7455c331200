"""`augrgb list`, `show` and `explain`: what there is, and what it does."""

from __future__ import annotations

from typing import Annotated

import typer

from augrgb.cli.options import JsonOption
from augrgb.core.errors import UsageFault


def list_parts(
    kind: Annotated[str | None, typer.Argument(help="One kind only, such as encoders or flow_methods.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the available losses, filters, encoders, flow methods, formats and protocols."""
    from augrgb.cli.describe import catalog_tables, parts
    from augrgb.cli.output import print_json, stdout

    if as_json:
        print_json(parts(kind))
        return
    for table in catalog_tables(kind):
        stdout().print(table)


def show(
    name: Annotated[str, typer.Argument(help="A name from `augrgb list`, `recipe`, or a run folder.")],
) -> None:
    """Describe a part with its options and defaults, the keys of a recipe, or a run folder."""
    from augrgb.cli.describe import describe
    from augrgb.cli.output import stdout

    for item in describe(name):
        stdout().print(item)


def explain(
    code: Annotated[str, typer.Argument(help="The code at the start of an error message, such as E-VID-003.")],
) -> None:
    """Explain an error code: its cause and what to do about it. Works offline."""
    from augrgb.cli.output import say
    from augrgb.core.error_codes import explain as explanation

    try:
        say(explanation(code))
    except KeyError as unknown:
        raise UsageFault("E-CFG-002", "explain", str(unknown.args[0]), "See docs/errors.md for all codes.") from None
