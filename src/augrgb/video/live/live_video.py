"""This side of a live source: starts the process that reads it, and replaces it when it falls silent."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

from augrgb.core.errors import InputRefused
from augrgb.parallel.workers import spawn, start_worker
from augrgb.video.live.backoff import Backoff
from augrgb.video.live.messages import ClipRequest, Ended, Health, Message
from augrgb.video.live.read_stream import StreamReader, StreamSettings
from augrgb.video.live.source import Source


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How a source is read.

    Args:
        fps: Sampled frames per second.
        size: (width, height) to scale to.
        speed: Of a file: seconds of video per second; 0 = as fast as it is taken.
        stream: Of webcams and streams; of a file only its view.
        watchdog_s: The process that reads a webcam or stream is replaced when it says nothing for so long.
    """

    fps: float
    size: tuple[int, int]
    speed: float = 1.0
    stream: StreamSettings = field(default_factory=StreamSettings)
    watchdog_s: float = 20.0


class LiveVideo:
    """Messages of a live source, read in a child process. A context manager.

    Args:
        source: What to read.
        settings: How.
        started_s: Second 0 of the session on the monotonic clock.
    """

    def __init__(self, source: Source, settings: LiveSettings, started_s: float) -> None:
        self._source, self._settings, self._started_s = source, settings, started_s
        self._waiting: deque[Message] = deque()
        self._backoff = Backoff()
        self._again_s: float | None = None  # when to start a new process
        self._ended = False

    def __enter__(self) -> LiveVideo:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def receive(self, timeout_s: float) -> Message | None:
        """The next message; None if there is none for so long. Call it again and again: it also watches the process."""
        if self._waiting:
            return self._waiting.popleft()
        if self._again_s is not None:
            time.sleep(min(timeout_s, max(0.0, self._again_s - time.monotonic())))
            if time.monotonic() < self._again_s:
                return None
            self._begin()
        try:
            if self._connection.poll(timeout_s):
                message: Message = self._connection.recv()
                self._heard_s = time.monotonic()
                self._ended |= isinstance(message, Ended)
                return message
        except (EOFError, OSError):
            return self._died("the process that reads it has ended")
        if self._source.kind != "file" and time.monotonic() - self._heard_s > self._settings.watchdog_s:
            return self._died(f"the process that reads it said nothing for {self._settings.watchdog_s:.0f} s")
        return None

    def request(self, clip: ClipRequest) -> None:
        """Ask for a clip; the answer is a message. None comes if the process is replaced meanwhile."""
        with contextlib.suppress(OSError):
            self._connection.send(clip)

    def kill(self) -> None:
        """End the process that reads; `receive` says nothing more about it."""
        self._ended = True
        self._process.kill()

    def _died(self, problem: str) -> Message | None:
        if self._ended:
            return None
        if self._source.kind == "file":
            self._ended = True
            return Ended(None, fault=InputRefused("E-JOB-001", self._source.shown, problem, "Encode it again."))
        self._backoff.lasted(time.monotonic() - self._begun_s)
        self._end()
        wait_s = self._backoff.next_s()
        self._again_s = time.monotonic() + wait_s
        values = {"cause": "hung", "retry_s": round(wait_s, 1), "attempt": self._backoff.attempts}
        return Health("disconnected", time.monotonic() - self._started_s, problem, values)

    def _begin(self) -> None:
        self._again_s = None
        self._process, self._connection = spawn(_serve, self._source, self._settings, self._started_s)
        self._begun_s = self._heard_s = time.monotonic()

    def _end(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()


def _cut_clips(connection: Connection, reader: StreamReader, send: Callable[[Message], None]) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            request: ClipRequest = connection.recv()
            send(reader.cut(request))


def _cut_file(connection: Connection, path: Path, send: Callable[[Message], None]) -> None:
    from augrgb.video.live.file_clips import cut_file

    with contextlib.suppress(EOFError, OSError):
        while True:
            send(cut_file(path, connection.recv()))


def _serve(connection: Connection, source: Source, settings: LiveSettings, started_s: float) -> None:
    start_worker(one_core=True)
    lock = threading.Lock()

    def send(message: Message) -> None:
        try:
            with lock:
                connection.send(message)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)  # the parent wants no more

    if source.kind == "file":
        from augrgb.video.live.read_file import read_file

        cutting = None
        if settings.stream.ring_s:
            cutting = threading.Thread(target=_cut_file, args=(connection, Path(source.address), send), daemon=True)
            cutting.start()
        path, view = Path(source.address), settings.stream.view
        read_file(path, settings.fps, settings.size, settings.speed, send, view=view)
        if cutting is not None:
            cutting.join()  # until the other side has its clips
    else:
        reader = StreamReader(source, settings.fps, settings.size, settings.stream, started_s, send)
        threading.Thread(target=_cut_clips, args=(connection, reader, send), daemon=True).start()
        reader.run()
    os._exit(0)
