"""The loop of `augrgb watch`: source -> windows -> scores -> events -> sinks."""

from __future__ import annotations

import logging
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from augrgb.core.errors import AugrgbError
from augrgb.core.shown import printable
from augrgb.detection.event_rule import EventRule
from augrgb.inference.stepping import StepModel
from augrgb.video.live.live_video import LiveSettings, LiveVideo
from augrgb.video.live.messages import ClipReady, Ended, Frame, Health
from augrgb.video.live.read_stream import StreamSettings
from augrgb.video.live.source import Source
from augrgb.watching.clips import Clips, ClipSettings
from augrgb.watching.cutter import Snippet, SnippetCutter
from augrgb.watching.live_events import EventSettings, LiveEvents
from augrgb.watching.payload import Payload, event_id, iso
from augrgb.watching.scorer import LiveScorer, ScoredRows
from augrgb.watching.sink import Sink
from augrgb.watching.snippet_queue import SnippetQueue
from augrgb.watching.timebase import Timebase

_log = logging.getLogger(__name__)
_POLL_S = 0.2
_LATENCIES = 4096
_STATS_EVERY_S = 60.0
_LAST_CLIPS_S = 60.0


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How a source is watched.

    Args:
        name: Of the source, in messages; None = from its address.
        speed: Of a file, see `LiveSettings`.
        begin: Time of day at which a file was recorded, seconds since 1970; None = now.
        max_waiting: Snippets that may wait for the model before the oldest is dropped.
        max_per_minute, update_every_s: See `EventSettings`.
        stream: Limits of webcams and streams, and the view of any source.
        watchdog_s: See `LiveSettings`.
        clips: Keep clips and stills of events.
    """

    name: str | None = None
    speed: float = 1.0
    begin: float | None = None
    max_waiting: int = 4
    max_per_minute: int = 60
    update_every_s: float = 0.0
    stream: StreamSettings = field(default_factory=StreamSettings)
    watchdog_s: float = 20.0
    clips: ClipSettings | None = None


@dataclass(slots=True)
class WatchReport:
    """What was seen so far.

    Args:
        snippets: Scored.
        dropped: Left out because the model was too slow.
        missing: Left out in all, with those that the source did not deliver.
        events: Started.
        suppressed: Above the limit per minute.
        messages: Sent.
        without_clip: Events whose clip or still could not be written.
        latencies_s: From the arrival of a snippet's last frame to its score, of the latest snippets.
        warnings: What was repaired while decoding.
        fault: Why the source ended before its end.
    """

    snippets: int = 0
    dropped: int = 0
    missing: int = 0
    events: int = 0
    suppressed: int = 0
    messages: int = 0
    without_clip: int = 0
    latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))
    warnings: tuple[str, ...] = ()
    fault: AugrgbError | None = None

    def latency_s(self, share: float) -> float:
        """The latency that so large a share of snippets stays below; 0 without any."""
        if len(self.latencies_s) < 2:
            return sum(self.latencies_s)
        cuts = statistics.quantiles(self.latencies_s, n=100, method="inclusive")
        return cuts[min(98, max(0, round(100 * share) - 1))]


class Watcher:
    """Watches one source with one model.

    Args:
        model: A causal model.
        source: What to watch.
        rules: The rule of each class.
        sinks: Where messages go.
        settings: How.
        on_rows: Called with the scores as they are decided.
        on_health: Called with what is wrong with the source, and when it is right again.
        on_stop: Called with what interrupts the watching (Ctrl-C), before anything else is done about it.
    """

    def __init__(
        self,
        model: StepModel,
        source: Source,
        rules: dict[str, EventRule],
        sinks: Sequence[Sink],
        settings: WatchSettings | None = None,
        *,
        on_rows: Callable[[ScoredRows], object] | None = None,
        on_health: Callable[[Health], object] | None = None,
        on_stop: Callable[[BaseException], object] | None = None,
    ) -> None:
        settings = settings or WatchSettings()
        self._clips = Clips(settings.clips) if settings.clips is not None else None
        if settings.clips is not None:
            settings = replace(settings, stream=replace(settings.stream, ring_s=settings.clips.ring_s))
        self.report = WatchReport()
        self._source, self._settings, self._sinks = source, settings, sinks
        self._on_rows, self._on_health, self._on_stop = on_rows, on_health, on_stop
        self._live = source.kind != "file"
        self._name = printable(settings.name or source.name, newlines=False)
        self._times = Timebase(settings.begin, live=self._live)
        self._scorer, self._cutter = LiveScorer(model), SnippetCutter(model.clock)
        self._queue = SnippetQueue(settings.max_waiting, drop=self._live)
        chosen = EventSettings(rules, settings.max_per_minute, settings.update_every_s)
        self._events = LiveEvents(model.clock, chosen, self._name, model.checksum[:16], self._times)
        self._model = model
        self._stopping = threading.Event()
        self._video: LiveVideo | None = None
        self._bug: Exception | None = None
        self._finished = False
        self._stats_due_s = self._times.started_s + _STATS_EVERY_S

    def run(self) -> WatchReport:
        """Watch until the source ends, or until whatever is raised in this thread (such as Ctrl-C).

        Events that are going on then end.
        """
        settings = self._settings
        reading = LiveSettings(
            self._model.clock.fps, self._model.size, settings.speed, settings.stream, settings.watchdog_s
        )
        with LiveVideo(self._source, reading, self._times.started_s) as video:
            self._video = video
            receiver = threading.Thread(target=self._receive, args=(video,), daemon=True)
            receiver.start()
            duration_s: float | None = None
            try:
                duration_s = self._follow()
                if self._clips is not None and not self._live:  # the file is still there to be cut
                    self._finish(duration_s)
                    self._await_clips()
            except BaseException as error:
                if not isinstance(error, Exception) and self._on_stop is not None:
                    self._on_stop(error)
                raise
            finally:
                self._stopping.set()
                video.kill()
                self._queue.close()
                self._finish(duration_s)
                receiver.join()
        return self.report

    def _receive(self, video: LiveVideo) -> None:
        """In a thread: messages of the source -> the queue."""
        try:
            self._pass_on(video)
        except Exception as error:  # noqa: BLE001 - `_follow` raises it; silence would look like a quiet source
            self._bug = error

    def _pass_on(self, video: LiveVideo) -> None:
        while not self._stopping.is_set():
            message = video.receive(_POLL_S)
            if isinstance(message, Frame):
                for snippet in self._cutter.push(message.index, message.image, message.captured_s):
                    self._queue.put(snippet)
            elif isinstance(message, Ended):
                for snippet in self._cutter.finish():
                    self._queue.put(snippet)
                self._queue.put(message)
                if self._clips is None or self._live:
                    return
            elif isinstance(message, Health | ClipReady):
                self._queue.put(message)

    def _follow(self) -> float | None:
        """Score and say until the source ends; its duration."""
        while True:
            self._show_stats()
            if self._clips is not None:
                self._clips.tidy()
            item = self._queue.get(_POLL_S)
            if isinstance(item, Snippet):
                self._say_rows(self._scorer.push(item.number, item.window))
                self.report.snippets += 1
                self.report.latencies_s.append(time.monotonic() - item.captured_s)
            elif isinstance(item, Health):
                self._say(self._health(item))
                if self._on_health is not None:
                    self._on_health(item)
            elif isinstance(item, ClipReady):
                self._say_clip(item)
            elif isinstance(item, Ended):
                self.report.warnings, self.report.fault = item.warnings, item.fault
                return item.duration_s
            elif self._bug is not None:
                raise self._bug

    def _show_stats(self) -> None:
        now_s = time.monotonic()
        if now_s < self._stats_due_s:
            return
        self._stats_due_s = now_s + _STATS_EVERY_S
        report = self.report
        values = {
            "schema": "augrgb.stats/1",
            "source": self._name,
            "running_s": round(now_s - self._times.started_s, 1),
            "snippets": report.snippets,
            "dropped": self._queue.dropped,
            "missing": report.missing,
            "events": report.events,
            "suppressed": report.suppressed,
            "messages": report.messages,
            "latency_s": round(report.latency_s(0.5), 4),
            "latency_95_s": round(report.latency_s(0.95), 4),
        }
        for sink in self._sinks:
            sink.stats(values)

    def _await_clips(self) -> None:
        """The last clips of a file."""
        assert self._clips is not None
        until_s = time.monotonic() + _LAST_CLIPS_S
        while self._clips.waiting and time.monotonic() < until_s:
            item = self._queue.get(_POLL_S)
            if isinstance(item, ClipReady):
                self._say_clip(item)

    def _say_clip(self, answer: ClipReady) -> None:
        payload = self._clips.ready(answer) if self._clips is not None else None
        if payload is None:
            return
        if answer.problem:
            if not self.report.without_clip:
                _log.warning("an event has no clip or no still: %s", answer.problem)
            self.report.without_clip += 1
        self._say(payload)

    def _finish(self, duration_s: float | None) -> None:
        if self._finished:
            return
        self._finished = True
        self._say_rows(self._scorer.close())
        for payload in self._events.close(duration_s):
            self._say(payload)
            self._ask(payload)
        self.report.dropped = self._queue.dropped

    def _say_rows(self, rows: Iterable[ScoredRows]) -> None:
        for some in rows:
            if self._on_rows is not None:
                self._on_rows(some)
            self.report.missing += len(some.scores) * some.missing
            for payload in self._events.push(some):
                self._say(payload)
                self._ask(payload)
            self._ask(None)
        self.report.events, self.report.suppressed = self._events.started, self._events.suppressed

    def _ask(self, payload: Payload | None) -> None:
        """Ask for the clips that are due."""
        if self._clips is None or self._video is None or self._stopping.is_set():
            return
        seen_s = self._events.seen_s
        due = self._clips.pass_time(seen_s) if payload is None else self._clips.follow(payload, seen_s)
        for request in due:
            self._video.request(request)

    def _say(self, payload: Payload) -> None:
        self.report.messages += 1
        message = payload.to_json(self.report.messages)
        for sink in self._sinks:
            sink.send(message)

    def _health(self, health: Health) -> Payload:
        at = iso(self._times.of(health.at_s))
        values = {
            "kind": health.kind,
            "at": at,
            "stream_time": round(health.at_s, 3),
            "detail": health.detail,
            "values": dict(health.values),
            "sent_at": iso(time.time()),
        }
        return Payload("health", self._name, event_id(self._name, health.kind, at, self.report.messages), values)
