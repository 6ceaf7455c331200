"""`augrgb data concatenate`: short clips to untrimmed streams."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from augrgb.cli.options import JsonOption, WorkersOption, size_of
from augrgb.core.errors import UsageFault


def data_concatenate(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder of short clips.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Dataset folder to write.")],
    clips: Annotated[int, typer.Option(min=1, help="Clips in a stream, at most.")] = 8,
    gap: Annotated[
        str, typer.Option(metavar="SHORTEST,LONGEST", help="Seconds before, between and after clips, drawn at random.")
    ] = "0.5,2",
    gap_image: Annotated[
        Literal["hold", "black"], typer.Option(help="What gaps show: the frames beside them, held, or nothing.")
    ] = "hold",
    together: Annotated[
        Literal["any", "subject", "camera"], typer.Option(help="What the clips of a stream must share.")
    ] = "any",
    seed: Annotated[int, typer.Option(help="Of the order of clips and the lengths of gaps.")] = 0,
    fps: Annotated[float | None, typer.Option(min=0.01, help="Frame rate. Default: that of most clips.")] = None,
    size: Annotated[
        str | None, typer.Option(help="WIDTHxHEIGHT of the streams; clips are stretched. Default: that of most clips.")
    ] = None,
    quality: Annotated[int, typer.Option(min=0, max=51, help="Constant rate factor of H.264. Lower is better.")] = 20,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """String short clips into untrimmed streams, as detection needs them. Splits stay as they are; resumes.

    A stream holds only clips that have the same role in every split. Poses are strung together too.
    """
    from augrgb.annotations.clip_streams import StreamRules
    from augrgb.cli.output import print_json, say, stdout
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import dataset_json, dataset_table
    from augrgb.parallel.workers import available_cores
    from augrgb.workflows.concatenate import concatenate

    rules = StreamRules(clips, _gap_of(gap), seed, together)
    with StageBars() as bars:
        report = concatenate(
            dataset,
            out,
            rules,
            gap_image=gap_image,
            fps=fps,
            size=size_of(size),
            quality=quality,
            workers=workers or available_cores(),
            progress=bars.counter("streams"),
        )
    if as_json:
        print_json(dataset_json(report.dataset) | {"folder": out, "clips": report.clips})
        return
    stdout().print(dataset_table(report.dataset))
    width, height = report.size
    streams = len(report.dataset.videos)
    say(f"{report.clips} clips in {streams} streams of {width} x {height} pixels at {report.fps:g} frames per second")
    if report.sensors_left_out:
        say(f"Sensor files are not strung together: those of {report.sensors_left_out} clips were left out.")


def _gap_of(text: str) -> tuple[float, float]:
    """`0.5,2` -> (0.5, 2.0); one number stands for both.

    Raises:
        UsageFault: E-CFG-004.
    """
    try:
        numbers = [float(word) for word in text.split(",")]
        low, high = numbers if len(numbers) == 2 else (numbers[0], numbers[0])
        if len(numbers) > 2:
            raise ValueError
    except ValueError as error:
        raise UsageFault("E-CFG-004", f"--gap {text}", "expected SHORTEST,LONGEST in seconds, such as 0.5,2") from error
    return low, high
