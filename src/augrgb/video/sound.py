"""The sound track of a video, re-encoded for a copy of it whose frames are made anew."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from augrgb.video.container import open_video

_RATE = 48_000


class SoundTrack:
    """The first sound track of a file as AAC, moved so that 0 is the file's first frame.

    Sound before the first frame is left out; gaps and late starts keep their times. A track that cannot be decoded ends
    where it breaks off: `complete` is then False.

    Args:
        path: The video file.
        start_s: Time stamp of its first frame, seconds.
    """

    def __init__(self, path: Path, start_s: float) -> None:
        self._path, self._start_s = path, start_s
        self._packets: Iterator[tuple[float, list[Packet[AudioStream]]]] = iter(())
        self._ahead: tuple[float, list[Packet[AudioStream]]] | None = None
        self.complete = True

    def begin(self, target: OutputContainer) -> None:
        """Add the track to a file that is being written."""
        stream = target.add_stream("aac", rate=_RATE)
        stream.layout = "stereo"
        self._packets = self._encoded(stream)

    def until(self, time_s: float) -> list[Packet[AudioStream]]:
        """The packets of sound that starts before a time, in order."""
        due: list[Packet[AudioStream]] = []
        while True:
            if self._ahead is None:
                self._ahead = next(self._packets, None)
            if self._ahead is None or self._ahead[0] >= time_s:
                return due
            due += self._ahead[1]
            self._ahead = None

    def _encoded(self, stream: AudioStream) -> Iterator[tuple[float, list[Packet[AudioStream]]]]:
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=_RATE)
        at_s = 0.0
        next_pts = 0
        with contextlib.closing(self._decoded()) as frames:
            for at_s, frame in frames:
                for piece in resampler.resample(frame):
                    pts = max(next_pts, round(at_s * _RATE)) if abs(at_s * _RATE - next_pts) > _RATE // 20 else next_pts
                    piece.pts, piece.time_base = pts, Fraction(1, _RATE)
                    next_pts = pts + piece.samples
                    yield at_s, stream.encode(piece)
        yield at_s, stream.encode(None)

    def _decoded(self) -> Generator[tuple[float, AudioFrame], None, None]:
        with open_video(self._path) as (container, _):
            for packet in container.demux(container.streams.audio[0]):
                try:
                    frames = packet.decode()
                except (av.error.FFmpegError, OSError):
                    self.complete = False
                    return
                for frame in frames:
                    if isinstance(frame, AudioFrame) and frame.time is not None and frame.time >= self._start_s - 1e-3:
                        yield frame.time - self._start_s, frame
