"""`augrgb data`: own data to a dataset. Workflows are imported inside each command, so that `--help` is instant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from augrgb.cli.option_values import clock_of
from augrgb.cli.poses_command import data_poses
from augrgb.core.errors import InputRefused, Quarantined, UsageFault

if TYPE_CHECKING:
    from augrgb.annotations.read import Source

data_app = typer.Typer(help="Own data to a dataset: any annotation format, every fault at once.", no_args_is_help=True)

FormatOption = Annotated[
    str | None, typer.Option("--format", "-f", help="Format of the annotations; default: look at them.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Option of the format, such as fps=25 or classes=classes.txt.")
]
MapOption = Annotated[
    Path | None, typer.Option("--map", help="YAML file `old name: new name`; null makes ignored regions.")
]
SubsetOption = Annotated[str | None, typer.Option("--only", help="Only the videos of this subset.")]
VideosOption = Annotated[
    Path | None, typer.Option("--videos", help="Folder of the videos: durations, frame rates, what is missing.")
]


@data_app.command("init")
def data_init(
    videos: Annotated[Path, typer.Argument(help="Folder of videos.")],
    annotations: Annotated[Path, typer.Argument(help="Annotations in any format (`augrgb data formats`).")],
    out: Annotated[Path | None, typer.Option(help="Dataset folder: VIDEOS (default) or a folder above it.")] = None,
    format_name: FormatOption = None,
    options: SetOption = None,
    class_map: MapOption = None,
    only: SubsetOption = None,
    subset: Annotated[list[str] | None, typer.Option(help="Role of a subset, such as fold1=train.")] = None,
    poses: Annotated[Path | None, typer.Option(help="Folder of pose .npz files with the videos' names.")] = None,
    val: Annotated[float, typer.Option(help="Share of labelled videos for validation, if none are given.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of labelled videos for test, if none are given.")] = 0.15,
    allow_missing: Annotated[int, typer.Option(min=0, help="Annotated videos that may be absent.")] = 0,
    seed: int = 0,
) -> None:
    """A folder of videos and annotations -> a dataset and first recipes; other videos there become unlabelled."""
    from augrgb.cli.data_tables import findings_table
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import dataset_table, stderr, stdout
    from augrgb.workflows.check import CheckReport
    from augrgb.workflows.init import init_dataset

    with StageBars() as bars:
        report = init_dataset(
            videos,
            _source(annotations, format_name, options, class_map, only),
            out or videos,
            val_share=val,
            test_share=test,
            seed=seed,
            poses=poses,
            subset_roles=_pairs(subset),
            allow_missing=allow_missing,
            progress=bars.counter("reading videos"),
        )
    stdout().print(dataset_table(report.dataset))
    if report.findings:
        stdout().print(findings_table(CheckReport(None, None, report.findings)))
    for reason in report.reasons:
        stdout().print(reason, markup=False, highlight=False)
    stdout().print(f"Written: {', '.join(map(str, report.files))}", markup=False, highlight=False, soft_wrap=True)
    if report.repairs is not None:
        told = f"{report.clipped} events cut to their video, {report.dropped} left out: {report.repairs}"
        stderr().print(told, markup=False, highlight=False, soft_wrap=True)
    if report.refused:
        for line in report.refused:
            stderr().print(line, markup=False, highlight=False, soft_wrap=True)
        raise Quarantined("E-VID-020", videos, f"{len(report.refused)} videos were refused and left out (listed above)")


@data_app.command("check")
def data_check(
    path: Annotated[Path, typer.Argument(help="Dataset folder, or annotations in any format.")],
    format_name: FormatOption = None,
    options: SetOption = None,
    class_map: MapOption = None,
    only: SubsetOption = None,
    videos: VideosOption = None,
    features: Annotated[list[Path] | None, typer.Option(help="Feature folder; may be repeated.")] = None,
    clock: Annotated[str | None, typer.Option(help="FPS,WINDOW,STRIDE of .npy features, such as 25,16,8.")] = None,
) -> None:
    """Check annotations, videos and features: every fault at once, and what is done about it. Changes nothing."""
    from augrgb.cli.data_tables import findings_table
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import stdout
    from augrgb.workflows.check import check_data

    source = _source(path, format_name, options, class_map, only, videos)
    with StageBars() as bars:
        report = check_data(
            source, features=features or [], clock=clock_of(clock), progress=bars.counter("reading videos")
        )
    if report.annotations is not None:
        found = report.annotations
        events = sum(len(video.events or ()) for video in found.videos.values())
        told = f"{report.format_name}: {len(found.videos)} videos, {len(found.classes)} classes, {events} events"
        stdout().print(told, markup=False, highlight=False)
    if report.findings:
        stdout().print(findings_table(report))
    if not report.usable:
        refused = [group for group in report.groups() if group.action == "refused"]
        kinds = "; ".join(f"{group.kind} ({group.count})" for group in refused)
        raise InputRefused("E-ANN-026", path, f"cannot be used as it is: {kinds}", "Mend these; the rest is repaired.")
    stdout().print("Usable.", highlight=False)


@data_app.command("stats")
def data_stats(
    path: Annotated[Path, typer.Argument(help="Dataset folder, or annotations in any format.")],
    format_name: FormatOption = None,
    options: SetOption = None,
    class_map: MapOption = None,
    only: SubsetOption = None,
    videos: VideosOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write a page (.html) or a figure (.png).")
    ] = None,
) -> None:
    """Classes, durations, events per class, what happens at the same time, split sizes."""
    from augrgb.annotations.read import read_and_judge
    from augrgb.cli.data_tables import stats_tables
    from augrgb.cli.tables import stdout
    from augrgb.workflows.statistics import data_stats, write_stats_page

    if out is not None and out.suffix.lower() not in (".html", ".png"):
        raise UsageFault("E-CFG-003", out, "a page ends in .html, a figure in .png")
    judged = read_and_judge(_source(path, format_name, options, class_map, only, videos))
    judged.refuse()
    stats = data_stats(judged.annotations)
    for table in stats_tables(stats):
        stdout().print(table)
    if out is not None:
        written = write_stats_page(stats, path.resolve().name, out)
        stdout().print(f"Written: {', '.join(map(str, written))}", markup=False, highlight=False, soft_wrap=True)


@data_app.command("convert")
def data_convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Annotations in any format.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File, or folder for one file per video.")],
    source_format: Annotated[str | None, typer.Option("--from", help="Format of IN; default: look at it.")] = None,
    target_format: Annotated[str | None, typer.Option("--to", help="Format of OUT; default: by its ending.")] = None,
    options: SetOption = None,
    target_options: Annotated[list[str] | None, typer.Option("--set-out", help="Option of OUT's format.")] = None,
    class_map: MapOption = None,
    only: SubsetOption = None,
    videos: VideosOption = None,
) -> None:
    """Annotations from one format into another, repaired; the repairs are logged beside OUT, IN is never changed."""
    from augrgb.annotations.read import parse_options
    from augrgb.cli.data_tables import findings_table
    from augrgb.cli.tables import stdout
    from augrgb.workflows.check import CheckReport
    from augrgb.workflows.convert import convert

    report = convert(
        _source(source, source_format, options, class_map, only, videos),
        target,
        target_format=target_format,
        target_options=parse_options(target_options or []),
    )
    if report.findings:
        stdout().print(findings_table(CheckReport(None, None, report.findings)))
    shown = ", ".join(map(str, report.files[:3])) + (
        f" and {len(report.files) - 3} more" if len(report.files) > 3 else ""
    )
    told = f"{report.source_format} -> {report.target_format}: {shown}"
    stdout().print(told, markup=False, highlight=False, soft_wrap=True)
    if report.repairs is not None:
        stdout().print(f"Repairs: {report.repairs}", markup=False, highlight=False, soft_wrap=True)


@data_app.command("formats")
def data_formats() -> None:
    """The annotation formats: which can be read and written, and their options."""
    from augrgb.cli.data_tables import formats_table
    from augrgb.cli.tables import stdout

    stdout().print(formats_table())


data_app.command("poses")(data_poses)


def _source(
    path: Path,
    format_name: str | None,
    options: list[str] | None,
    class_map: Path | None,
    only: str | None,
    videos: Path | None = None,
) -> Source:
    from augrgb.annotations.read import Source, parse_options

    return Source(path, format_name, parse_options(options or []), class_map, only, videos)


def _pairs(texts: list[str] | None) -> dict[str, str]:
    from augrgb.annotations.dataset_file import ROLES

    pairs = {}
    for text in texts or []:
        subset, sign, role = text.rpartition("=")
        if not sign or role not in ROLES:
            raise UsageFault("E-CFG-004", f"--subset {text}", "expected NAME=ROLE", f"Roles: {', '.join(ROLES)}.")
        pairs[subset] = role
    return pairs
