"""`augrgb demo`: the full pipeline on the built-in synthetic dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import WorkersOption


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("demo"),
    seeds: Annotated[int, typer.Option(min=1, help="Encoder and stream seeds per method.")] = 3,
    full: Annotated[bool, typer.Option("--full", help="Also train every method with all labels.")] = False,
    workers: WorkersOption = None,
) -> None:
    """Run the full pipeline on a small built-in dataset (about 6 minutes on 2 cores).

    Writes videos, trains encoders and streams, distills, evaluates and makes a report.
    """
    from augrgb.cli.output import stdout
    from augrgb.cli.progress import StageBars
    from augrgb.pipelines.demo import DemoSettings, run_demo
    from augrgb.report.terminal import comparison_table

    with StageBars() as bars:
        outcome = run_demo(out, DemoSettings(seeds=seeds, full=full), workers=workers, on_progress=bars.update)
    for table in outcome.tables:
        stdout().print(comparison_table(table))
    stdout().print(
        f"Report: {outcome.report}\nTry it:  augrgb detect VIDEO.mp4 --model {outcome.model}", highlight=False
    )
