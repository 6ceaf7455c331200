"""This side of a live source: starts the process that reads it, and ends it when it falls silent."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

from augrgb.parallel.workers import spawn, start_worker
from augrgb.video.live.messages import Message
from augrgb.video.live.source import Source


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How a source is read.

    Args:
        fps: Sampled frames per second.
        size: (width, height) to scale to.
        speed: Of a file: seconds of video per second; 0 = as fast as it is taken.
        watchdog_s: The reading process is replaced when it says nothing for so long.
    """

    fps: float
    size: tuple[int, int]
    speed: float = 1.0
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

    def __enter__(self) -> LiveVideo:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def receive(self, timeout_s: float) -> Message | None:
        """The next message; None if there is none for so long.

        Raises:
            EOFError: The process ended without a word (a file that crashes its decoder).
        """
        if not self._connection.poll(timeout_s):
            return None
        message: Message = self._connection.recv()
        return message

    def _begin(self) -> None:
        self._process, self._connection = spawn(_serve, self._source, self._settings, self._started_s)

    def _end(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()


def _serve(connection: Connection, source: Source, settings: LiveSettings, started_s: float) -> None:
    start_worker(one_core=True)
    lock = threading.Lock()

    def send(message: Message) -> None:
        try:
            with lock:
                connection.send(message)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)  # the parent wants no more

    _reader(source, settings, started_s)(send)
    os._exit(0)


def _reader(source: Source, settings: LiveSettings, started_s: float) -> Callable[[Callable[[Message], None]], None]:
    from augrgb.video.live.read_file import read_file

    return functools.partial(_call, read_file, Path(source.address), settings)


def _call(read: Callable[..., None], path: Path, settings: LiveSettings, send: Callable[[Message], None]) -> None:
    read(path, settings.fps, settings.size, settings.speed, send)
