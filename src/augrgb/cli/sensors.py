"""`augrgb data sensor` and `augrgb data align`: time series from CSV, and whether sensors run on their stated clock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import JsonOption
from augrgb.core.errors import InputRefused


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
    from augrgb.core.errors import UsageFault
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
    as_json: JsonOption = False,
) -> None:
    """Check that sensors run on the clock that their files state, by comparing motion in sensor and video.

    All recordings are taken to share one clock. Exits with an error if another rate or start fits clearly better.
    """
    from augrgb.annotations.dataset_file import load_dataset
    from augrgb.cli.output import print_json, say
    from augrgb.cli.progress import StageBars
    from augrgb.sensors.alignment import alignment, sensor_energy, video_energy
    from augrgb.sensors.files import read_sensor

    records = load_dataset(dataset).videos.values()
    pairs, fps = [], 0.0
    chosen = [record for record in records if record.file is not None and record.source(modality) is not None]
    with StageBars() as bars:
        count = bars.counter("comparing motion")
        for number, record in enumerate(chosen, 1):
            path = record.source(modality)
            if path is not None and record.file is not None:
                sensor = read_sensor(path, modality)
                pairs.append((video_energy(record.file), sensor_energy(sensor), sensor.fps, sensor.start_s))
                fps = sensor.fps
            count(number, len(chosen))
    if not pairs:
        raise InputRefused("E-VID-008", dataset, f"no video has a {modality} file", f"Give them: init --{modality}.")
    found = alignment(pairs)
    facts = {
        "verdict": found.verdict,
        "recordings": len(pairs),
        "rate": found.rate,
        "fps": fps * found.rate,
        "offset_s": found.offset_s,
        "correlation_stated": found.stated,
        "correlation_best": found.best,
        "chance": found.chance,
        "error_s": found.error_s,
    }
    if as_json:
        print_json(facts)
    else:
        say(
            f"{len(pairs)} recordings: correlation {found.stated:.2f} as stated, {found.best:.2f} at {found.rate:.4g} "
            f"times the stated fps and {found.offset_s:+.1f} s (chance: {found.chance:.2f}): {found.verdict}"
        )
    if found.verdict == "off":
        problem = f"{modality} does not fit the videos as stated: up to {found.error_s:.1f} s off"
        remedy = f"fps {fps * found.rate:.4g} and start {found.offset_s:+.1f} s fit; correct the files."
        raise InputRefused("E-SEN-009", dataset, problem, remedy)
