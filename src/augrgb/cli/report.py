"""`augrgb report`: a page and figures that compare finished runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import JsonOption


class FigureFile(StrEnum):
    """Files of figures."""

    SVG = "svg"
    PNG = "png"
    PDF = "pdf"


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders of one dataset. Differences refer to the first.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("report"),
    split: Annotated[str | None, typer.Option(help="Split. Default: the one the first run was trained on.")] = None,
    role: Annotated[str, typer.Option(help="Role of the split.")] = "test",
    threshold: Annotated[float, typer.Option(help="tIoU from which a detection is right.")] = 0.5,
    timelines: Annotated[int, typer.Option(min=0, max=20, help="How many videos are drawn.")] = 4,
    figures: Annotated[
        list[FigureFile] | None,
        typer.Option("--figures", help="Files of each figure: svg, png or pdf. May be repeated. Default: svg."),
    ] = None,
    allow_missing: Annotated[int, typer.Option(min=0, help="How many videos may lack features.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Compare runs: classes, precision and recall, kinds of mistakes, boundaries, durations, confusion, timelines."""
    from augrgb.cli.output import print_json, say
    from augrgb.pipelines.report_runs import report_runs

    found = report_runs(
        runs,
        out,
        split=split,
        role=role,
        threshold=threshold,
        timelines=timelines,
        formats=[one.value for one in figures or [FigureFile.SVG]],
        allow_missing=allow_missing,
    )
    if as_json:
        print_json({"written": list(found.files), **found.numbers})
        return
    page, table, *_ = found.files
    say(f"{page} (open it in a browser); figures in {out / 'figures'}, numbers in {table}")
