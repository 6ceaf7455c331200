"""`augrgb demo`: the full pipeline on the built-in synthetic dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from augrgb.cli.options import WorkersOption

if TYPE_CHECKING:
    from augrgb.pipelines.demo import DemoOutcome


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("demo"),
    seeds: Annotated[int, typer.Option(min=1, help="Encoder and stream seeds per method.")] = 3,
    full: Annotated[bool, typer.Option("--full", help="Also train every method with all labels.")] = False,
    tiny: Annotated[bool, typer.Option("--tiny", help="Smoke test of half a minute. Its scores mean nothing.")] = False,
    workers: WorkersOption = None,
) -> None:
    """Run the full pipeline on a small built-in dataset (about 6 minutes on 2 cores).

    Writes videos, trains encoders and streams, distills, evaluates and makes a report.
    """
    from augrgb.cli.progress import StageBars
    from augrgb.pipelines.demo import DemoSettings, run_demo

    with StageBars() as bars:
        settings = DemoSettings(seeds=seeds, full=full, tiny=tiny)
        outcome = run_demo(out, settings, workers=workers, on_progress=bars.update)
    _show(outcome)


def _show(outcome: DemoOutcome) -> None:
    """One line per method, where the report is, and what to try next."""
    from augrgb.cli.output import say, stdout, warn
    from augrgb.report.numbers import counted
    from augrgb.report.terminal import summary_table

    lines: list[str] = []
    for comparison in outcome.comparisons:
        recipe = comparison.recipe
        headings = [recipe.test_names.get(split, split) for split in recipe.splits()]
        table = summary_table(comparison.table, headings, range(len(headings)))
        table.title, table.title_justify = recipe.title, "left"
        stdout().print(table)
        seeds = counted(len(recipe.seeds), "seed")
        lines = [f"{recipe.protocols[0]} in percent, mean of {seeds}; change against RGB in points."]
        if len(recipe.seeds) > 1:
            lines.append("* The 95 % interval of the change leaves out zero.")
    video = outcome.video.relative_to(Path.cwd()) if outcome.video.is_relative_to(Path.cwd()) else outcome.video
    lines += [f"Report: {outcome.report}", f"Try it: augrgb detect {video} --model {outcome.model}"]
    for line in lines:
        say(line)
    failures = [failure for comparison in outcome.comparisons for failure in comparison.failures]
    for failure in failures:
        warn(f"not finished: {failure.cell}: {failure.reason}")
    if failures:
        raise typer.Exit(4)
