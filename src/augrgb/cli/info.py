"""`augrgb info`: what a file or folder is, whether it is sound, and what to type next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import JsonOption


def info(
    path: Annotated[Path, typer.Argument(help="A project, dataset, run, bundle, recipe, annotation file, video, ...")],
    as_json: JsonOption = False,
) -> None:
    """Say what a file or folder is, whether it is sound, and what to type next. Changes nothing."""
    from augrgb.cli.output import print_json, say, warn
    from augrgb.pipelines.info import describe_path

    found = describe_path(path)
    if as_json:
        print_json({"kind": found.kind, "facts": dict(found.facts), "faults": found.faults, "next": found.next})
    else:
        say(f"{path}: {found.kind}")
        width = max((len(name) for name, _ in found.facts), default=0)
        for name, value in found.facts:
            say(f"  {name:<{width}}  {value}")
        for number, line in enumerate(found.next):
            say(f"{'Next:' if number == 0 else 'Or:  '} {line}")
    for line in found.faults:
        warn(line)
    if found.faults:
        raise typer.Exit(3)
