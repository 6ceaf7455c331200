"""`augrgb watch`: events of a live source, as they happen."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from augrgb.cli.options import DeviceOption
from augrgb.core.errors import UsageFault

if TYPE_CHECKING:
    from augrgb.watching.sink import Sink

_END_WITHIN_S = 0.7


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
    frozen: Annotated[
        float, typer.Option(min=0, help="Report an image that does not change for this long (s); 0 = never.")
    ] = 30.0,
    black: Annotated[float, typer.Option(min=0, help="Report black images for this long (s); 0 = never.")] = 10.0,
    stalled: Annotated[float, typer.Option(min=0.1, help="Report that no frame has come for this long (s).")] = 5.0,
    give_up: Annotated[
        float, typer.Option(min=0.1, help="Connect again when nothing has come for this long (s).")
    ] = 10.0,
    crop: Annotated[
        str | None,
        typer.Option(help="Look at this part only, as shares of the image.", metavar="LEFT,TOP,WIDTH,HEIGHT"),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            "--mask", help="Ignore this polygon; shares of the image. May be repeated.", metavar="'X,Y X,Y ...'"
        ),
    ] = None,
    transport: Annotated[Literal["tcp", "udp"], typer.Option(help="Of RTSP.")] = "tcp",
    webhook: Annotated[
        list[str] | None, typer.Option("--webhook", help="Also post every message to this address.", metavar="URL")
    ] = None,
    webhook_secrets: Annotated[
        Path | None, typer.Option("--webhook-secrets", help="File of secrets that sign webhooks, one per line.")
    ] = None,
    webhook_private: Annotated[
        bool, typer.Option("--webhook-private", help="Allow webhooks to this machine and its networks.")
    ] = False,
    spool: Annotated[Path, typer.Option(help="Folder of webhook and MQTT messages that wait.")] = Path("watch_spool"),
    mqtt: Annotated[
        str | None, typer.Option("--mqtt", help="Also publish to this broker, such as mqtt://HOST:1883.", metavar="URL")
    ] = None,
    mqtt_site: Annotated[str, typer.Option("--mqtt-site", help="Name of this machine in MQTT topics.")] = "home",
    mqtt_discovery: Annotated[
        bool, typer.Option("--mqtt-discovery", help="Announce a sensor for each class to Home Assistant.")
    ] = False,
    clips: Annotated[
        Path | None, typer.Option("--clips", help="Keep a clip and a still of each event here. Default: none are kept.")
    ] = None,
    clip_before: Annotated[float, typer.Option(min=0, max=600, help="Seconds of a clip before the event.")] = 5.0,
    clip_after: Annotated[float, typer.Option(min=0, max=600, help="Seconds of a clip after the event.")] = 5.0,
    clip_most: Annotated[float, typer.Option(min=1, max=600, help="Seconds of the event in a clip, at most.")] = 60.0,
    keep_days: Annotated[float, typer.Option(min=0, help="Delete clips after this many days.")] = 7.0,
    keep_gib: Annotated[
        float, typer.Option(min=0, max=1e9, help="Delete the oldest clips above this many GiB.")
    ] = 10.0,
    device: DeviceOption = "auto",
) -> None:
    """Follow a live source and report events as they are decided, one JSON object per line."""
    from augrgb.cli.output import warn
    from augrgb.core.files import check_output_folder, file_name_of
    from augrgb.core.shown import printable
    from augrgb.inference.stepping import StepModel
    from augrgb.video.live.read_stream import StreamSettings
    from augrgb.video.live.source import source_of, with_variables
    from augrgb.video.view import view_of
    from augrgb.watching.clips import ClipSettings
    from augrgb.watching.sink import JsonLines
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
    shown_name = printable(name or wanted.name, newlines=False)
    sinks: list[Sink] = [JsonLines(out)]
    sinks += _webhooks(webhook or [], webhook_secrets, spool / file_name_of(shown_name), webhook_private)
    if mqtt is None and (mqtt_site != "home" or mqtt_discovery):
        option = "--mqtt-site" if mqtt_site != "home" else "--mqtt-discovery"
        raise UsageFault("E-CFG-015", option, "has no effect without --mqtt")
    if mqtt is not None:
        from augrgb.watching.mqtt import Mqtt, MqttSettings
        from augrgb.watching.payload import event_id

        broker = MqttSettings(
            with_variables(mqtt), shown_name, causal.classes, mqtt_site, discovery=mqtt_discovery, model=causal.checksum
        )
        waiting = spool / file_name_of(shown_name) / f"mqtt-{event_id(mqtt, mqtt_site)}"
        sinks.append(Mqtt(broker, warn, spool=waiting))
    limits = StreamSettings(
        transport,
        open_s=give_up,
        read_s=give_up,
        stalled_s=stalled,
        black_s=black,
        frozen_s=frozen,
        view=view_of(crop, mask or []),
    )
    kept = None
    if clips is not None:
        check_output_folder(clips)
        kept = ClipSettings(clips, clip_before, clip_after, clip_most, keep_days, int(keep_gib * 2**30))
    settings = WatchSettings(
        name=shown_name,
        speed=speed,
        max_per_minute=max_per_minute,
        update_every_s=update_every,
        stream=limits,
        watchdog_s=max(20.0, 2 * give_up),
        clips=kept,
    )
    watcher = Watcher(
        causal,
        wanted,
        rules,
        sinks,
        settings,
        on_health=lambda health: warn(f"{wanted.shown}: {health.kind} {health.detail}".rstrip()),
        on_stop=_end_soon,
    )
    try:
        report = watcher.run()
    finally:
        for sink in sinks:
            sink.close(0.3)
    for text in report.warnings:
        warn(f"{wanted.shown}: {text}")
    warn(
        f"{report.snippets} snippets, {report.events} events; latency {1000 * report.latency_s(0.5):.0f} ms (median), "
        f"{1000 * report.latency_s(0.95):.0f} ms (95 %); {report.dropped} snippets dropped, {report.missing} missing"
    )
    if report.without_clip:
        warn(f"{report.without_clip} of {report.events} events have no clip or no still")
    if report.fault is not None:
        raise report.fault


def _webhooks(urls: list[str], secrets: Path | None, spool: Path, private: bool) -> list[Sink]:
    from augrgb.cli.output import warn
    from augrgb.video.live.source import with_variables
    from augrgb.watching.payload import event_id
    from augrgb.watching.signatures import read_secrets
    from augrgb.watching.webhook import Webhook, WebhookSettings

    if not urls:
        given = [option for option, value in (("--webhook-secrets", secrets), ("--webhook-private", private)) if value]
        if given:
            raise UsageFault("E-CFG-015", given[0], "has no effect without --webhook")
        return []
    known = read_secrets(secrets) if secrets is not None else ()
    made: list[Sink] = []
    for text in dict.fromkeys(urls):
        url = with_variables(text)
        made.append(Webhook(WebhookSettings(url, spool / event_id(text), known, private), warn))
    return made


def _end_soon(stopped: BaseException) -> None:
    """Ctrl-C ends the program in any case, even where a library does not return or takes long to clean up."""
    number = stopped.args[0] if stopped.args and isinstance(stopped.args[0], int) else signal.SIGINT

    def end() -> None:
        time.sleep(_END_WITHIN_S)
        os._exit(128 + number)

    threading.Thread(target=end, daemon=True).start()
