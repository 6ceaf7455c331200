"""`augrgb detect`: actions in video files, as a table and as files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from augrgb.cli.options import DeviceOption, JsonOption, PartialOption

_MOST_NAMED = 12


def detect(
    model: Annotated[Path, typer.Option("--model", "-m", help="Run folder, bundle or exported model to detect with.")],
    videos: Annotated[
        list[Path] | None, typer.Argument(help="Video files, folders, or patterns in quotes.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for JSON, CSV and timelines.")] = Path("detections"),
    min_score: Annotated[
        float | None,
        typer.Option("--min-score", "--on", min=0, max=1, help="Score that an event must reach; default: the model's."),
    ] = None,
    off: Annotated[
        float | None, typer.Option(min=0, max=1, help="Lower score at which an event ends; default: the model's.")
    ] = None,
    min_duration: Annotated[float | None, typer.Option(min=0, help="Leave out events shorter than this (s).")] = None,
    min_gap: Annotated[float | None, typer.Option(min=0, help="Join events at most this far apart (s).")] = None,
    pad_before: Annotated[float | None, typer.Option(min=0, help="Seconds to add before each event.")] = None,
    pad_after: Annotated[float | None, typer.Option(min=0, help="Seconds to add after each event.")] = None,
    cooldown: Annotated[
        float | None, typer.Option(min=0, help="After an event, let none of its class start for this long (s).")
    ] = None,
    partial_video: PartialOption = "refuse",
    srt: Annotated[bool, typer.Option("--srt", help="Also write SRT subtitles for each video.")] = False,
    vtt: Annotated[bool, typer.Option("--vtt", help="Also write WebVTT subtitles for each video.")] = False,
    eaf: Annotated[bool, typer.Option("--eaf", help="Also write an ELAN file for each video.")] = False,
    pku: Annotated[
        bool, typer.Option("--pku", help="Also write PKU-MMD text for each video (frames counted at 30 per second).")
    ] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also write a copy of each video with labels on the frames (H.264).")
    ] = False,
    runtime: Annotated[
        Literal["auto", "torch", "onnx"],
        typer.Option("--runtime", help="What the model must run on. auto: onnx for exported models, else torch."),
    ] = "auto",
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Instead: test an exported model with the sample that it keeps.")
    ] = False,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Detect actions in videos from RGB alone, and write JSON (ActivityNet style), CSV and HTML timelines."""
    from augrgb.cli.output import print_json, say, stdout, warn
    from augrgb.cli.progress import StageBars
    from augrgb.core.fault_lines import fault_lines
    from augrgb.detection.writers import activitynet
    from augrgb.report.numbers import counted
    from augrgb.report.terminal import detections_table
    from augrgb.workflows.detect import EXTRA_FILES, detect_videos

    _check_runtime(model, runtime)
    if self_test:
        _self_test(model, as_json)
        return
    chosen = {"srt": srt, "vtt": vtt, "eaf": eaf, "pku": pku, "overlay": overlay}
    extra = [kind for kind in EXTRA_FILES if chosen[kind]]
    values = {
        "off": off,
        "min_duration": min_duration,
        "min_gap": min_gap,
        "pad_before": pad_before,
        "pad_after": pad_after,
        "cooldown": cooldown,
    }
    with StageBars() as bars:
        outcome = detect_videos(
            videos or [],
            model,
            out,
            min_score=min_score,
            rule={name: value for name, value in values.items() if value is not None},
            partial=partial_video,
            extra=extra,
            device=device,
            progress=bars.counter("detect"),
        )
    if as_json:
        found = [detection for video in outcome.videos for detection in video.detections]
        faults = [str(fault) for fault in outcome.faults]
        starts = {video.name: video.first_frame_s for video in outcome.videos}
        videos_found = activitynet(found, list(starts), first_frames_s=starts)
        print_json({**videos_found, "files": list(outcome.files), "faults": faults})
    for video in outcome.videos:
        if not as_json:
            stdout().print(f"{video.name} ({video.duration_s:.1f} s)", style="bold", highlight=False)
            stdout().print(detections_table(video.detections, limit=40))
        for text in video.warnings:
            warn(f"{video.name}: {text}")
    if outcome.files and not as_json:
        count = sum(len(video.detections) for video in outcome.videos)
        say(f"{counted(count, 'detection')} in {counted(len(outcome.videos), 'video')}")
        say(f"Written: {_listed(outcome.files, out)}")
    if outcome.faults:
        for line in fault_lines(outcome.faults):
            warn(line)
        alone = len(outcome.faults) == 1 and not outcome.videos
        raise typer.Exit(outcome.faults[0].exit_code if alone else 4)


def _listed(files: Sequence[Path], out: Path) -> str:
    """The files by name; of many, the first two (all detections) and how many of each kind there are."""
    if len(files) <= _MOST_NAMED:
        return ", ".join(map(str, files))
    kinds = Counter(
        "".join(path.suffixes[-2:]) if path.stem.endswith(".overlay") else path.suffix for path in files[2:]
    )
    more = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f"{', '.join(map(str, files[:2]))} and in {out}: {more}"


def _self_test(model: Path, as_json: bool) -> None:
    from augrgb.cli.output import print_json, say
    from augrgb.inference.export.self_test import run_self_test
    from augrgb.report.numbers import counted

    passed = run_self_test(model)
    if as_json:
        print_json({"snippets": passed.snippets, "events": passed.events, "difference": passed.difference})
        return
    say(f"The model works here: {passed.snippets} snippets, {counted(passed.events, 'event')} as on the machine that")
    say(f"exported it; largest difference of a score {passed.difference:.1g}")


def _check_runtime(model: Path, runtime: str) -> None:
    from augrgb.core.errors import UsageFault
    from augrgb.inference.export.folder import is_export

    if runtime == "onnx" and not is_export(model):
        raise UsageFault(
            "E-CFG-013", "--runtime onnx", f"{model} is not an exported model", "Run `augrgb export` first."
        )
    if runtime == "torch" and is_export(model):
        raise UsageFault("E-CFG-013", "--runtime torch", f"{model} is an exported model", "Give the bundle itself.")
