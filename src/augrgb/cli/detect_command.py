"""`augrgb detect`: actions in video files, as a table and as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def detect(
    videos: Annotated[list[Path], typer.Argument(help="Video files or folders.")],
    model: Annotated[Path, typer.Option("--model", "-m", help="A stream's run folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where JSON, CSV and timelines go.")] = Path("detections"),
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Detections below are left out.")] = 0.3,
    partial_video: Annotated[
        Literal["refuse", "keep-prefix"], typer.Option(help="What to do with a video that breaks off.")
    ] = "refuse",
    srt: Annotated[bool, typer.Option("--srt", help="Also write subtitles for each video.")] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also write each video with the labels on the frames (H.264, no sound).")
    ] = False,
    device: Annotated[
        str, typer.Option(help="Where networks run: auto (a GPU if there is one), cpu, cuda or cuda:N.")
    ] = "auto",
) -> None:
    """Detect actions in videos from RGB alone: table, JSON (ActivityNet style), CSV, HTML timelines."""
    from augrgb.cli.progress import StageBars
    from augrgb.cli.tables import stderr, stdout
    from augrgb.report.terminal import detections_table
    from augrgb.workflows.detect import detect_videos

    with StageBars() as bars:
        outcome = detect_videos(
            videos,
            model,
            out,
            min_score=min_score,
            partial=partial_video,
            srt=srt,
            overlay=overlay,
            device=device,
            progress=bars.counter("detect"),
        )
    for video in outcome.videos:
        stdout().print(f"{video.name} ({video.duration_s:.1f} s)", style="bold", highlight=False)
        stdout().print(detections_table(video.detections, limit=40))
        for note in video.notes:
            stderr().print(f"{video.name}: {note.text}", markup=False, highlight=False, soft_wrap=True)
    if outcome.files:
        stdout().print(f"Written: {', '.join(map(str, outcome.files))}", highlight=False, soft_wrap=True)
    if outcome.faults:
        for fault in outcome.faults:
            stderr().print(str(fault), markup=False, highlight=False, soft_wrap=True)
        alone = len(outcome.faults) == 1 and not outcome.videos
        raise typer.Exit(outcome.faults[0].exit_code if alone else 4)
