"""`augrgb data`: check, convert and describe annotations. Workflows are imported inside each command."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from augrgb.cli.concatenate import data_concatenate
from augrgb.cli.options import (
    ClockOption,
    FormatOption,
    GridOption,
    JsonOption,
    MapOption,
    OnlyOption,
    PosesOption,
    SetOption,
    SignalOption,
    VideosOption,
    clock_of,
)
from augrgb.cli.poses import data_poses
from augrgb.cli.sensors import data_align, data_sensor
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.opening import resolved

if TYPE_CHECKING:
    from augrgb.annotations.read import Source

data_app = typer.Typer(
    help="Check, convert and describe annotations; make pose files, sensor files, and streams of clips.",
    no_args_is_help=True,
)
data_app.command("poses")(data_poses)
data_app.command("sensor")(data_sensor)
data_app.command("align")(data_align)
data_app.command("concatenate")(data_concatenate)


@data_app.command("check")
def data_check(
    path: Annotated[Path, typer.Argument(help="Dataset folder, or annotations in any format.")],
    format_name: FormatOption = None,
    options: SetOption = None,
    class_map: MapOption = None,
    only: OnlyOption = None,
    videos: VideosOption = None,
    features: Annotated[
        list[Path] | None, typer.Option("--features", help="Feature folder to check too. May be repeated.")
    ] = None,
    poses: PosesOption = None,
    signal: SignalOption = None,
    grid: GridOption = None,
    clock: ClockOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check annotations, videos, features, poses and sensors, and report every fault at once. Changes nothing."""
    from augrgb.cli.data_tables import findings_json, findings_table
    from augrgb.cli.output import print_json, say, stdout
    from augrgb.cli.progress import StageBars
    from augrgb.core.fault_lines import fault_lines
    from augrgb.workflows.check import check_data

    source = source_of(path, format_name, options, class_map, only, videos)
    with StageBars() as bars:
        report = check_data(
            source,
            features=features or [],
            poses=poses,
            signal=signal,
            grid=grid,
            clock=clock_of(clock),
            progress=bars.counter("reading videos"),
        )
    found = report.annotations
    events = sum(len(video.events or ()) for video in found.videos.values()) if found is not None else 0
    if as_json:
        print_json(
            {
                "usable": report.usable,
                "unfit": [str(fault) for fault in report.unfit],
                "format": report.format_name,
                "videos": len(found.videos) if found is not None else 0,
                "classes": list(found.classes) if found is not None else [],
                "events": events,
                "findings": findings_json(report),
            }
        )
    else:
        if found is not None:
            say(f"{report.format_name}: {len(found.videos)} videos, {len(found.classes)} classes, {events} events")
        if report.findings:
            stdout().print(findings_table(report))
    if not report.readable:
        refused = [group for group in report.groups() if group.action == "refused"]
        kinds = "; ".join(f"{group.kind} ({group.count})" for group in refused)
        remedy = "Fix these; everything else is repaired automatically."
        raise InputRefused("E-ANN-026", path, f"cannot be used as it is: {kinds}", remedy)
    if not as_json:
        for line in fault_lines(report.unfit):
            say(f"Not enough to train on: {line}")
        say("Usable." if report.usable else "It can be read, converted and evaluated with.")


@data_app.command("stats")
def data_stats(
    path: Annotated[Path, typer.Argument(help="Dataset folder, or annotations in any format.")],
    format_name: FormatOption = None,
    options: SetOption = None,
    class_map: MapOption = None,
    only: OnlyOption = None,
    videos: VideosOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write a page (.html) or a figure (.png).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Describe a dataset: classes, durations, events per class, co-occurrence, split sizes."""
    from augrgb.annotations.read import read_and_judge
    from augrgb.annotations.statistics import data_stats
    from augrgb.cli.data_tables import stats_tables
    from augrgb.cli.output import print_json, say, stdout
    from augrgb.report.statistics_page import write_stats_page

    if out is not None and out.suffix.lower() not in (".html", ".png"):
        raise UsageFault("E-CFG-020", out, "a page ends in .html, a figure in .png")
    judged = read_and_judge(source_of(path, format_name, options, class_map, only, videos))
    judged.refuse()
    stats = data_stats(judged.annotations)
    if as_json:
        print_json(asdict(stats))
    else:
        for table in stats_tables(stats):
            stdout().print(table)
        say(f"{stats.videos} videos, {stats.events} events of {len(stats.classes)} classes")
    if out is not None:
        written = write_stats_page(stats, resolved(path).name, out)
        if not as_json:
            say(f"Written: {', '.join(map(str, written))}")


@data_app.command("convert")
def data_convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Annotations in any format.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, or folder for one file per video.")],
    source_format: Annotated[
        str | None, typer.Option("--from", help="Format of IN. Default: detected from the content.")
    ] = None,
    target_format: Annotated[str | None, typer.Option("--to", help="Format to write. Default: by the ending.")] = None,
    options: SetOption = None,
    target_options: Annotated[
        list[str] | None, typer.Option("--set-out", help="Option of the format to write.", metavar="KEY=VALUE")
    ] = None,
    class_map: MapOption = None,
    only: OnlyOption = None,
    videos: VideosOption = None,
    as_json: JsonOption = False,
) -> None:
    """Convert annotations between formats, repaired. IN is never changed; repairs are logged beside the output."""
    from augrgb.annotations.format_options import parse_options
    from augrgb.cli.data_tables import findings_json, findings_table
    from augrgb.cli.output import print_json, say, stdout
    from augrgb.workflows.check import CheckReport
    from augrgb.workflows.convert import convert

    report = convert(
        source_of(source, source_format, options, class_map, only, videos),
        out,
        target_format=target_format,
        target_options=parse_options(target_options or []),
    )
    findings = CheckReport(None, None, report.findings)
    if as_json:
        print_json(
            {
                "from": report.source_format,
                "to": report.target_format,
                "files": list(report.files),
                "repairs": report.repairs,
                "findings": findings_json(findings),
            }
        )
        return
    if report.findings:
        stdout().print(findings_table(findings))
    more = f" and {len(report.files) - 3} more" if len(report.files) > 3 else ""
    say(f"{report.source_format} -> {report.target_format}: {', '.join(map(str, report.files[:3]))}{more}")
    if report.repairs is not None:
        say(f"Repairs: {report.repairs}")


def source_of(
    path: Path,
    format_name: str | None,
    options: list[str] | None,
    class_map: Path | None,
    only: str | None,
    videos: Path | None = None,
) -> Source:
    """Where annotations come from, as the options of several commands say it."""
    from augrgb.annotations.format_options import parse_options
    from augrgb.annotations.read import Source

    return Source(path, format_name, parse_options(options or []), class_map, only, videos)


def role_pairs(texts: list[str] | None) -> dict[str, str]:
    """`fold1=train` -> {"fold1": "train"}.

    Raises:
        UsageFault: E-CFG-004, not NAME=ROLE.
    """
    from augrgb.annotations.dataset_file import ROLES

    pairs = {}
    for text in texts or []:
        subset, sign, role = text.rpartition("=")
        if not sign or role not in ROLES:
            raise UsageFault("E-CFG-004", f"--role-of {text}", "expected NAME=ROLE", f"Roles: {', '.join(ROLES)}.")
        pairs[subset] = role
    return pairs
