"""`augrgb watch`: events of a live source, as they happen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augrgb.cli.options import DeviceOption


def watch(
    source: Annotated[
        str, typer.Argument(help="A file, a webcam (/dev/video0 or 0), or rtsp://HOST/PATH; ${NAME} is a variable.")
    ],
    model: Annotated[Path, typer.Option("--model", "-m", help="Bundle or exported model with a causal filter.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Append JSON lines to this file. Default: standard output.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the source in messages.")] = None,
    speed: Annotated[
        float, typer.Option(min=0, help="Of a file: seconds of video per second; 0 = as fast as possible.")
    ] = 1.0,
    on: Annotated[
        float | None, typer.Option("--min-score", "--on", min=0, max=1, help="Score that an event must reach.")
    ] = None,
    off: Annotated[float | None, typer.Option(min=0, max=1, help="Lower score at which an event ends.")] = None,
    min_duration: Annotated[float | None, typer.Option(min=0, help="Leave out events shorter than this (s).")] = None,
    min_gap: Annotated[float | None, typer.Option(min=0, help="Join events at most this far apart (s).")] = None,
    pad_before: Annotated[float | None, typer.Option(min=0, help="Seconds to add before each event.")] = None,
    pad_after: Annotated[float | None, typer.Option(min=0, help="Seconds to add after each event.")] = None,
    cooldown: Annotated[
        float | None, typer.Option(min=0, help="After an event, let none of its class start for this long (s).")
    ] = None,
    max_per_minute: Annotated[
        int, typer.Option(min=1, help="Events that may start in a minute; more are counted, not sent.")
    ] = 60,
    update_every: Annotated[
        float, typer.Option(min=0, help="Report events that go on, this often (s); 0 = never.")
    ] = 0.0,
    device: DeviceOption = "auto",
) -> None:
    """Follow a live source and report events as they are decided, one JSON object per line."""
    from augrgb.cli.output import warn
    from augrgb.inference.stepping import StepModel
    from augrgb.video.live.source import source_of
    from augrgb.watching.sinks import JsonLines
    from augrgb.watching.watcher import Watcher, WatchSettings

    values = {
        "off": off,
        "min_duration": min_duration,
        "min_gap": min_gap,
        "pad_before": pad_before,
        "pad_after": pad_after,
        "cooldown": cooldown,
    }
    wanted = source_of(source)
    causal = StepModel(model, device)
    rules = causal.detector.changed_rules({key: value for key, value in values.items() if value is not None}, on)
    sinks = [JsonLines(out)]
    settings = WatchSettings(name=name, speed=speed, max_per_minute=max_per_minute, update_every_s=update_every)
    watcher = Watcher(causal, wanted, rules, sinks, settings)
    try:
        report = watcher.run()
    finally:
        for sink in sinks:
            sink.close(1.0)
    for text in report.warnings:
        warn(f"{wanted.shown}: {text}")
    warn(
        f"{report.snippets} snippets, {report.events} events; latency {1000 * report.latency_s(0.5):.0f} ms (median), "
        f"{1000 * report.latency_s(0.95):.0f} ms (95 %); {report.dropped} snippets dropped, {report.missing} missing"
    )
    if report.fault is not None:
        raise report.fault
