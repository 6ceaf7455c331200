"""`augrgb init`: videos and events to a dataset with first recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.data import role_pairs, source_of
from augrgb.cli.options import (
    FormatOption,
    GridOption,
    JsonOption,
    MapOption,
    OnlyOption,
    PosesOption,
    SetOption,
    SignalOption,
)
from augrgb.core.errors import Quarantined
from augrgb.core.fault_lines import fault_lines

CLOCK_CHECK_S = 1200.0
"""So much video is looked at to see whether the sensors' clock is right."""


def init(
    videos: Annotated[Path, typer.Argument(help="Folder of videos.")],
    events: Annotated[Path, typer.Argument(help="Annotations in any format (`augrgb list annotation_formats`).")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Dataset folder to write: VIDEOS (default) or a folder above it.")
    ] = None,
    format_name: FormatOption = None,
    options: SetOption = None,
    class_map: MapOption = None,
    only: OnlyOption = None,
    role_of: Annotated[
        list[str] | None,
        typer.Option(
            "--role-of", help="Role of a subset of the annotations, such as fold1=train.", metavar="NAME=ROLE"
        ),
    ] = None,
    poses: PosesOption = None,
    signal: SignalOption = None,
    grid: GridOption = None,
    val: Annotated[float, typer.Option(help="Share of the labeled videos for validation, if none are given.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of the labeled videos for test, if none are given.")] = 0.15,
    scene: Annotated[
        str | None,
        typer.Option(
            help="Regular expression that finds the scene in a video's name, to hold out whole scenes: '_(\\d+)_'.",
            metavar="PATTERN",
        ),
    ] = None,
    background: Annotated[
        Path | None, typer.Option(help="Folder, among the videos, of videos in which nothing happens.")
    ] = None,
    new_split: Annotated[
        bool, typer.Option("--new-split", help="Draw the split again, although an earlier `init` of this folder did.")
    ] = False,
    allow_missing: Annotated[int, typer.Option(min=0, help="How many annotated videos may be absent.")] = 0,
    seed: Annotated[int, typer.Option(help="Random seed of the split.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset and first recipes from a folder of videos and a list of events.

    Videos without any event in the list become unlabeled ones. Folders of pose or sensor files beside the videos, named
    like them, are found.
    """
    from augrgb.cli.data_tables import findings_json, findings_table
    from augrgb.cli.output import print_json, say, stdout, warn
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import dataset_json, dataset_table
    from augrgb.workflows.align import check_clock
    from augrgb.workflows.check import CheckReport
    from augrgb.workflows.init import init_dataset
    from augrgb.workflows.sensors_beside import choose_sensors

    chosen = choose_sensors(videos, out, {"poses": poses, "signal": signal, "grid": grid})
    with StageBars() as bars:
        report = init_dataset(
            videos,
            source_of(events, format_name, options, class_map, only),
            chosen.root,
            val_share=val,
            test_share=test,
            seed=seed,
            poses=chosen.folders.get("poses"),
            signal=chosen.folders.get("signal"),
            grid=chosen.folders.get("grid"),
            only_if_fit=chosen.found,
            role_of=role_pairs(role_of),
            scene=scene,
            new_split=new_split,
            background=background,
            allow_missing=allow_missing,
            progress=bars.counter("reading videos"),
        )
        known = report.dataset.videos.values()
        checks = [
            check_clock(known, kind, most_s=CLOCK_CHECK_S, progress=bars.counter(f"clock of {kind}"))
            for kind in ("signal", "grid")
            if kind in chosen.folders
        ]
    clocks = [check for check in checks if check is not None]
    sentences = [*chosen.sentences, *(f"Clock of {check.modality}, by motion in {check.sentence}" for check in clocks)]
    findings = CheckReport(None, None, report.findings)
    if as_json:
        print_json(
            {
                "dataset": dataset_json(report.dataset),
                "findings": findings_json(findings),
                "choices": [*sentences, *report.reasons],
                "clocks": {check.modality: check.found.verdict for check in clocks},
                "files": list(report.files),
                "repairs": report.repairs,
                "refused": list(report.refused),
            }
        )
    else:
        stdout().print(dataset_table(report.dataset))
        if report.findings:
            stdout().print(findings_table(findings))
        for reason in (*sentences, *report.reasons):
            stdout().print(reason, markup=False, highlight=False)
        say(f"Written: {', '.join(map(str, report.files))}")
    if report.repairs is not None:
        warn(f"{report.clipped} events cut to their video, {report.dropped} left out: {report.repairs}")
    for check in clocks:
        if (fault := check.fault(chosen.folders[check.modality])) is not None:
            warn(str(fault))
    if report.faults:
        for line in fault_lines(report.faults):
            warn(line)
        raise Quarantined("E-VID-020", videos, f"{len(report.faults)} videos were refused and left out (listed above)")
