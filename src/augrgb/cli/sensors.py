"""`augrgb data sensor` and `augrgb data align`: time series from CSV, and whether sensors run on their stated clock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import JsonOption
from augrgb.core.errors import InputRefused, UsageFault


def data_sensor(
    sources: Annotated[list[Path], typer.Argument(metavar="CSV...", help="CSV files named like the videos.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write one .npz per file to.")],
    time: Annotated[
        str | None, typer.Option("--time-column", help="Column of times. Default: one called time, t or timestamp.")
    ] = None,
    unit: Annotated[float, typer.Option("--time-unit", help="Seconds in a unit of that column; 0.001 for ms.")] = 1.0,
    fps: Annotated[float | None, typer.Option(help="Rows per second. Default: as the times say.")] = None,
    start: Annotated[float, typer.Option(help="When the first line was measured, in seconds of the video.")] = 0.0,
    columns: Annotated[
        list[str] | None, typer.Option("--column", help="Column to take. May be repeated. Default: all but the times.")
    ] = None,
    max_gap: Annotated[float, typer.Option(help="Longest gap that is filled, in seconds.")] = 0.5,
    as_json: JsonOption = False,
) -> None:
    """Convert time series (wearables, pressure mats, radar) from CSV to sensor files, at an even rate."""
    from augrgb.cli.output import print_json, say
    from augrgb.sensors.csv_import import read_csv, write_sensor

    for option, number in (("--time-unit", unit), ("--fps", fps), ("--max-gap", max_gap)):
        if number is not None and not 0 < number < float("inf"):
            raise UsageFault("E-CFG-003", option, f"must be a positive number, got {number}")
    done = []
    for path in sources:
        found = read_csv(path, time=time, unit_s=unit, fps=fps, start_s=start, columns=columns or (), max_gap_s=max_gap)
        target = out / f"{path.stem}.npz"
        write_sensor(target, found)
        rows, channels = found.values.shape
        done.append({"file": str(target), "rows": rows, "channels": channels, "fps": found.fps, "start": start})
        if not as_json:
            say(f"{target}: {rows} rows of {channels} channels at {found.fps:.3g} rows per second")
    if as_json:
        print_json(done)


def data_align(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder whose videos have sensor files.")],
    modality: Annotated[str, typer.Option(help="signal or grid.")] = "signal",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="If the clock is wrong: folder for corrected copies of the files."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that sensors run on the clock that their files state, by comparing motion in sensor and video.

    All recordings are taken to share one clock. Exits with an error if another rate or start fits clearly better.
    """
    from augrgb.annotations.dataset_file import load_dataset
    from augrgb.cli.output import print_json, say
    from augrgb.cli.progress import StageBars
    from augrgb.sensors.csv_import import write_sensor
    from augrgb.sensors.files import read_sensor
    from augrgb.workflows.align import check_clock, corrected

    if modality not in ("signal", "grid"):
        raise UsageFault("E-CFG-023", "--modality", f"{modality!r} is not that of a sensor file", "Use signal or grid.")
    videos = load_dataset(dataset).videos.values()
    with StageBars() as bars:
        check = check_clock(videos, modality, progress=bars.counter("comparing motion"))
    if check is None:
        problem = f"no video has a usable {modality} file"
        raise InputRefused("E-VID-008", dataset, problem, f"Give them: augrgb init --{modality} FOLDER.")
    found, fault = check.found, check.fault(dataset)
    written = []
    if out is not None and fault is not None:
        for record in videos:
            if (path := record.source(modality)) is not None:
                write_sensor(out / path.name, corrected(read_sensor(path, modality), found))
                written.append(str(out / path.name))
    if as_json:
        print_json(
            {
                "verdict": found.verdict,
                "recordings": check.recordings,
                "rate": found.rate,
                "fps": check.fps * found.rate,
                "offset_s": found.offset_s,
                "correlation_stated": found.stated,
                "correlation_best": found.best,
                "chance": found.chance,
                "error_s": found.error_s,
                "written": written,
            }
        )
    else:
        say(check.sentence)
        if out is not None:
            what = f"{len(written)} corrected files in {out}" if written else "nothing to correct"
            say(what)
    if fault is not None and not written:
        raise fault
