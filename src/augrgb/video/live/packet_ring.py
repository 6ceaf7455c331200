"""The last seconds of a stream as packets, from which clips are cut without encoding anything again."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import cv2
from av.codec.context import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from augrgb.core.files import atomic_path, write_bytes

_CODECS = {"h264", "hevc", "mjpeg", "mpeg4"}
"""What an MP4 file can hold as it comes from a camera."""


class NoClip(Exception):
    """Why there is no clip."""


@dataclass(frozen=True, slots=True)
class _Format:
    codec: str
    extradata: bytes
    width: int
    height: int
    rate: int
    time_base: Fraction


@dataclass(frozen=True, slots=True)
class _Kept:
    data: bytes
    pts: int
    dts: int
    key: bool
    time_s: float
    format: _Format


class PacketRing:
    """Packets of the last seconds; one thread adds, others cut clips.

    Args:
        seconds: How far back it reaches.
        most_bytes: And how much it may hold at most.
    """

    def __init__(self, seconds: float, most_bytes: int = 2**28) -> None:
        self._seconds, self._most_bytes = seconds, most_bytes
        self._held: deque[_Kept] = deque()
        self._bytes = 0
        self._format: _Format | None = None
        self._lock = threading.Lock()

    @property
    def newest_s(self) -> float:
        """Time of the newest packet."""
        with self._lock:
            return self._held[-1].time_s if self._held else float("-inf")

    def connect(self, stream: VideoStream) -> None:
        """What comes now is of another connection."""
        context = stream.codec_context
        rate = round(float(stream.average_rate or stream.guessed_rate or 25)) or 25
        base = stream.time_base or Fraction(1, 90000)
        extradata = bytes(context.extradata or b"")
        self._format = _Format(context.name, extradata, context.width, context.height, rate, base)

    def add(self, packet: Packet[Any], time_s: float) -> None:
        """Keep a packet that arrived at a second of the session."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        if self._format is None or stamp is None:  # before the first time stamp nothing can be placed
            return
        dts = packet.dts if packet.dts is not None else stamp
        kept = _Kept(bytes(packet), stamp, dts, packet.is_keyframe, time_s, self._format)
        with self._lock:
            self._held.append(kept)
            self._bytes += len(kept.data)
            while self._held and (self._bytes > self._most_bytes or self._held[0].time_s < time_s - self._seconds):
                self._bytes -= len(self._held.popleft().data)

    def write_clip(self, path: Path, from_s: float, to_s: float) -> tuple[float, float]:
        """Write an MP4 file of a stretch of time, from the key frame before it.

        Returns:
            The stretch that it has.

        Raises:
            NoClip: Nothing of it is held any more, or MP4 cannot hold this codec.
            AugrgbError: The file cannot be written.
        """
        packets = self._packets(from_s, to_s)
        form = packets[0].format
        if form.codec not in _CODECS:
            raise NoClip(f"an MP4 file cannot hold {form.codec}")
        if form.extradata[:1] == b"\x01":
            raise NoClip(f"its {form.codec} is not in the form that cameras send (Annex B)")
        first = min(packet.dts for packet in packets)
        with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as output:
            stream = output.add_mux_stream(
                form.codec, rate=form.rate, width=form.width, height=form.height, time_base=form.time_base
            )
            last = -1
            for number, kept in enumerate(packets):
                # The headers of the stream go before its first frame, where the MP4 writer looks for them.
                head = form.extradata if number == 0 and form.codec in ("h264", "hevc") else b""
                packet: Packet[Any] = Packet(head + kept.data)
                packet.stream, packet.time_base, packet.is_keyframe = stream, form.time_base, kept.key
                last = max(last + 1, kept.dts - first)
                packet.dts, packet.pts = last, max(last, kept.pts - first)
                output.mux(packet)
        return packets[0].time_s, packets[-1].time_s

    def write_still(self, path: Path, at_s: float) -> None:
        """Write the frame at a second of the session as JPEG.

        Raises:
            NoClip: It is not held any more, or cannot be decoded.
            AugrgbError: The file cannot be written.
        """
        packets = self._packets(at_s, at_s)
        form = packets[0].format
        context: Any = CodecContext.create(form.codec, "r")
        assert isinstance(context, VideoCodecContext)
        context.extradata = form.extradata or None
        found: VideoFrame | None = None
        try:
            for kept in packets:
                for frame in context.decode(Packet(kept.data)):
                    found = frame
            for frame in context.decode(None):
                found = frame
        except (av.error.FFmpegError, OSError) as error:
            raise NoClip(f"cannot be decoded ({error})") from error
        if found is None:
            raise NoClip("there is no frame")
        done, jpeg = cv2.imencode(".jpg", found.to_ndarray(format="bgr24"))
        if not done:
            raise NoClip("the frame cannot be encoded")
        write_bytes(path, jpeg.tobytes())

    def _packets(self, from_s: float, to_s: float) -> list[_Kept]:
        """The packets of the connection that has most of a stretch, from a key frame on."""
        with self._lock:
            held = list(self._held)
        best: list[_Kept] = []
        for form in dict.fromkeys(id(kept.format) for kept in held):
            own = [kept for kept in held if id(kept.format) == form]
            if own[-1].time_s < from_s:
                continue
            own = [kept for kept in own if kept.time_s <= to_s]
            keys = [number for number, kept in enumerate(own) if kept.key]
            before = [number for number in keys if own[number].time_s <= from_s]
            if keys:
                own = own[before[-1] if before else keys[0] :]
                best = own if len(own) >= len(best) else best
        if not best:
            raise NoClip("these seconds are not held any more")
        return best
