"""`augrgb fit`: a detector from a project file."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from augrgb.cli.options import JsonOption, WorkersOption
from augrgb.core.errors import Quarantined, UsageFault

if TYPE_CHECKING:
    from rich.table import Table

    from augrgb.pipelines.fitting.plan import Plan

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def fit(
    project: Annotated[Path, typer.Argument(help="project.yaml of `augrgb init`, or its folder.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write. Default: fit/ beside it.")] = None,
    budget: Annotated[
        str | None, typer.Option(help="Choose a training schedule that fits this time.", metavar="20m")
    ] = None,
    false_alarms_per_day: Annotated[
        float | None, typer.Option(min=0, help="Choose thresholds for at most this many per class. Default: best F1.")
    ] = None,
    isotonic: Annotated[bool, typer.Option("--isotonic", help="Calibrate scores by isotonic regression.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan (time, disk, memory) and stop.")] = False,
    extend: Annotated[
        bool,
        typer.Option("--extend", help="The project or its data changed: keep what still holds, train the rest again."),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Delete what another fit left in the folder.")] = False,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a detector on your videos: teachers, plain RGB, Augmented-RGB, thresholds, report.

    Finished work is kept: the same command continues.
    """
    from augrgb.cli.output import print_json, say, stdout, warn
    from augrgb.cli.progress import StageBars
    from augrgb.pipelines import fit as pipeline
    from augrgb.pipelines.fitting.result import folder_bytes
    from augrgb.pipelines.info.description import typed
    from augrgb.report.numbers import counted, duration, percent

    budget_s, began_s = _budget(budget), time.monotonic()
    plan = pipeline.plan_fit(project, out, budget_s=budget_s, workers=workers, anew=replace)
    if not as_json:
        stdout().print(_plan_table(plan))
    if dry_run:
        if as_json:
            more = {"memory_bytes": plan.memory_bytes, "teachers": list(plan.teachers)}
            print_json({"seconds": plan.seconds, "disk_bytes": plan.disk_bytes, **more})
        return
    with StageBars() as bars:
        done = pipeline.fit(
            project,
            out,
            budget_s=budget_s,
            false_alarms_per_day=false_alarms_per_day,
            isotonic=isotonic,
            extend=extend,
            replace=replace,
            workers=workers,
            speed=plan.speed,
            on_progress=bars.update,
        )
    if as_json:
        values = {"folder": done.folder, "bundle": done.bundle, "report": done.report, "chosen": done.chosen}
        numbers = {"held_out": done.validation, "test": done.test}
        print_json({**values, "verdict": done.verdict, **numbers, "left_out": done.left_out})
    else:
        for name, value in done.validation.items():
            tested = f", {percent(done.test[name])} % on test videos" if name in done.test else ""
            say(f"{name}: frame mAP {percent(value)} % on held-out videos{tested}")
        say(done.verdict)
        took = f"Took {duration(time.monotonic() - began_s)}, estimated {duration(plan.seconds)}"
        say(f"{took}; needs {folder_bytes(done.folder) / 1e6:.0f} MB, estimated {plan.disk_bytes / 1e6:.0f} MB.")
        if done.peak_mib:
            peak_mb, guess_mb = done.peak_mib * 2**20 / 1e6, plan.memory_bytes / 1e6
            say(f"Needed {peak_mb:.0f} MB of memory at most, estimated {guess_mb:.0f} MB.")
        say(f"Report: {done.report}")
        say(f"Next: augrgb detect NEW_VIDEO.mp4 --model {typed(done.bundle)}")
        if plan.project.look_ahead is not None:
            say(f"Or live: augrgb watch SOURCE --model {typed(done.bundle)}")
    if done.left_out:
        for line in done.left_out:
            warn(line)
        problem = f"finished without {counted(len(done.left_out), 'file')} that could not be used (listed above)"
        raise Quarantined("E-RUN-013", project, problem, "Repair them; then `augrgb fit --extend`.")


def _budget(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh])", text.strip())
    if not found or float(found[1]) <= 0:
        raise UsageFault("E-RUN-012", "--budget", f"{text!r} is no time", "Write it like 90s, 20m or 2h.")
    return float(found[1]) * _SECONDS[found[2]]


def _plan_table(plan: Plan) -> Table:
    from rich import box
    from rich.table import Table as RichTable

    from augrgb.report.numbers import counted, duration
    from augrgb.report.terminal import plain

    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Stage", "Choice", "Reason", "Time", "Disk", "Memory"):
        table.add_column(heading)
    for one in plan.stages:
        disk, memory = (f"{size / 1e6:.0f} MB" if size else "" for size in (one.disk_bytes, one.memory_bytes))
        shown = (one.name, one.choice, one.reason, duration(one.seconds) if one.seconds else "", disk, memory)
        table.add_row(*map(plain, shown))
    total = f"{plan.disk_bytes / 1e6:.0f} MB"
    table.add_row(
        plain("all", "bold"),
        "",
        plain(f"estimate for {counted(plan.workers, 'process')}"),
        plain(duration(plan.seconds)),
        plain(total),
        plain(f"{plan.memory_bytes / 1e6:.0f} MB"),
    )
    return table
