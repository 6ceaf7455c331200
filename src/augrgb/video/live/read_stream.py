"""In the child: a webcam or an RTSP stream, read for days. It reconnects, and says what is wrong with the source."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from augrgb.core.errors import AugrgbError
from augrgb.video.decode import DecodeReport, FrameSampler, FrameTarget
from augrgb.video.live.backoff import Backoff
from augrgb.video.live.image_health import ImageHealth
from augrgb.video.live.live_clock import LiveClock
from augrgb.video.live.messages import Beat, ClipReady, ClipRequest, Frame, Health, HealthKind, Message
from augrgb.video.live.open_stream import PROBE_S, StreamFault, open_stream, stream_fault
from augrgb.video.live.packet_ring import NoClip, PacketRing
from augrgb.video.live.source import Source
from augrgb.video.view import WHOLE, View

_AUTH_LEAST_S = 60.0
_BEAT_S = 0.5
_CLIP_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a stream is read.

    Args:
        transport: `tcp` or `udp`, of RTSP.
        open_s, read_s: Seconds that opening and any later read may take before the connection is given up.
        stalled_s: Without a frame for so long the source is said to be stalled.
        max_age_s: A frame stays on screen for so long; after that there is a gap.
        max_lag_s: A decoder so far behind skips to the next key frame.
        black_s, frozen_s: See `ImageHealth`.
        backoff_first_s, backoff_most_s, good_s: See `Backoff`.
        probe_s: See `open_stream`.
        ring_s: Seconds of packets to hold for clips; 0 = none.
        view: The part of the image that counts; clips and stills show all of it.
    """

    transport: str = "tcp"
    open_s: float = 10.0
    read_s: float = 10.0
    stalled_s: float = 5.0
    max_age_s: float = 0.5
    max_lag_s: float = 5.0
    black_s: float = 10.0
    frozen_s: float = 30.0
    backoff_first_s: float = 1.0
    backoff_most_s: float = 60.0
    good_s: float = 60.0
    probe_s: float = PROBE_S
    ring_s: float = 0.0
    view: View = WHOLE


class StreamReader:
    """Reads one stream until the process ends.

    Args:
        source: What to read.
        fps: Sampled frames per second.
        size: (width, height) to scale to.
        settings: Limits.
        started_s: Second 0 of the session on the monotonic clock.
        send: Takes the messages.
    """

    def __init__(
        self,
        source: Source,
        fps: float,
        size: tuple[int, int],
        settings: StreamSettings,
        started_s: float,
        send: Callable[[Message], None],
    ) -> None:
        self._source, self._fps, self._settings, self._send = source, fps, settings, send
        self._started_s = started_s
        self._clock, self._images = LiveClock(), ImageHealth(settings.black_s, settings.frozen_s)
        self._report = DecodeReport()
        self._sampler = FrameSampler(fps, (FrameTarget(size, view=settings.view),), Path(source.name), self._report)
        self._interval_s = 1.0 / fps
        self._last_s: float | None = None  # of the last frame
        self._heard_s = time.monotonic()  # when it came
        self._reading = self._stalled = False
        self._down: str | None = "at the start"  # why there is no connection
        self._skipped = self._damaged = 0
        self._skipping = False
        self._last_beat_s = 0.0
        self._stop = threading.Event()
        self.ring = PacketRing(settings.ring_s) if settings.ring_s else None

    def run(self) -> None:
        """Connect, read, reconnect; does not return until `stop`."""
        settings = self._settings
        backoff = Backoff(settings.backoff_first_s, settings.backoff_most_s, good_s=settings.good_s)
        threading.Thread(target=self._watch_for_stalls, daemon=True).start()
        while not self._stop.is_set():
            begun_s = time.monotonic()
            try:
                self._connect_and_read()
            except StreamFault as fault:
                self._reading = False
                backoff.lasted(self._heard_s - begun_s)
                wait_s = backoff.next_s(least_s=_AUTH_LEAST_S if fault.kind == "auth" else 0.0)
                values = {"cause": fault.kind, "retry_s": round(wait_s, 1), "attempt": backoff.attempts}
                self._down = fault.kind
                self._health("disconnected", fault.text, **values)
                self._sleep(wait_s)

    def cut(self, request: ClipRequest) -> ClipReady:
        """Wait until the wanted seconds are over, and write them; called in another thread."""
        ring, late_s = self.ring, request.to_s + _CLIP_PATIENCE_S
        if ring is None:
            return ClipReady(request.id, problem="clips are off")
        while ring.newest_s < request.to_s and time.monotonic() - self._started_s < late_s:
            if self._stop.wait(0.1):
                break
        clip = still = None
        from_s = to_s = 0.0
        problems = []
        try:
            from_s, to_s = ring.write_clip(request.clip, request.from_s, request.to_s)
            clip = request.clip
        except (NoClip, AugrgbError, av.error.FFmpegError, OSError) as error:
            problems.append(f"no clip: {error}")
        try:
            ring.write_still(request.still, request.still_s)
            still = request.still
        except (NoClip, AugrgbError, av.error.FFmpegError, OSError) as error:
            problems.append(f"no still: {error}")
        return ClipReady(request.id, clip, still, from_s, to_s, "; ".join(problems))

    def stop(self) -> None:
        """Let `run` return after the current read."""
        self._stop.set()

    def _connect_and_read(self) -> None:
        self._beat(force=True)
        begun_s = time.monotonic()
        settings = self._settings
        container, stream = open_stream(
            self._source,
            open_s=settings.open_s,
            read_s=settings.read_s,
            transport=settings.transport,
            probe_s=settings.probe_s,
        )
        opened_s = time.monotonic() - begun_s
        self._clock.connect()
        if self.ring is not None:
            self.ring.connect(stream)
        self._skipping = False
        self._heard_s, self._reading = time.monotonic(), True
        try:
            first = True
            for packet in self._packets(container, stream):
                for frame in self._decoded(packet):
                    if first:
                        first = False
                        self._connected(stream, frame, opened_s, time.monotonic() - begun_s)
                    self._take(frame)
        finally:
            self._reading = False
            container.close()
        raise StreamFault("ended", "the source ended the stream")

    def _packets(self, container: InputContainer, stream: VideoStream) -> Any:
        packets = container.demux(stream)
        while not self._stop.is_set():
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                raise stream_fault(self._source, error) from None
            if packet is None or packet.size == 0:
                return
            self._beat()
            if self.ring is not None:
                self.ring.add(packet, time.monotonic() - self._started_s)
            yield packet

    def _decoded(self, packet: Packet[Any]) -> list[VideoFrame]:
        """The frames of a packet; none while the decoder skips to a key frame to catch up."""
        if self._skipping:
            if not packet.is_keyframe:
                self._skipped += 1
                return []
            self._skipping = False
        try:
            return [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
        except (av.error.FFmpegError, OSError):
            self._damaged += 1  # until the next key frame; the gap says the rest
            return []

    def _take(self, frame: VideoFrame) -> None:
        now_s = time.monotonic() - self._started_s
        stamp_s = float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base else None
        jumps = self._clock.jumps
        time_s = self._clock.time_of(stamp_s, now_s)
        if self._clock.jumps > jumps:
            self._health("clock_jump", "the time stamps of the source jumped; the clock of this machine counts")
        self._recover()
        self._heard_s = time.monotonic()
        if self._last_s is not None:
            self._step(time_s - self._last_s, time_s)
        else:
            self._sampler.next_index = math.ceil(time_s * self._fps)
        self._sampler.show(frame)
        self._last_s = time_s
        if now_s - time_s > self._settings.max_lag_s and not self._skipping:
            self._skipping = True
            self._health("overloaded", "decoding is too slow; skipping to the next key frame", lag_s=now_s - time_s)

    def _step(self, step_s: float, time_s: float) -> None:
        """Emit the frame on screen up to the next one, or as long as it may stay there."""
        last_s = self._last_s or 0.0
        oldest_s = max(self._settings.max_age_s, 3 * self._interval_s)
        if step_s > oldest_s:
            self._emit(last_s + self._interval_s)
            self._images.forget()
            values = {"from_s": round(last_s, 3), "to_s": round(time_s, 3), "seconds": round(step_s, 3)}
            self._health("gap", f"no frames for {step_s:.1f} s", skipped=self._skipped, damaged=self._damaged, **values)
            self._skipped = self._damaged = 0
            self._sampler.next_index = max(self._sampler.next_index, math.ceil(time_s * self._fps))
            self._sampler.on_screen = None
            return
        self._interval_s += 0.05 * (step_s - self._interval_s)
        self._emit(time_s)

    def _emit(self, until_s: float) -> None:
        for (image,) in self._sampler.advance_to(until_s):
            index = self._sampler.next_index
            at_s = index / self._fps
            if not self._images.faulty:
                self._send(Frame(index, image, self._started_s + at_s))
            for state, begins, since_s in self._images.look(image, at_s):
                if begins:
                    self._health(state, f"the image is {state}", since_s=round(since_s, 3))
                else:
                    self._health("recovered", f"the image is no longer {state}", after=state)

    def _connected(self, stream: VideoStream, frame: VideoFrame, opened_s: float, first_s: float) -> None:
        values = {
            "opened_s": round(opened_s, 2),
            "first_frame_s": round(first_s, 2),
            "width": frame.width,
            "height": frame.height,
            "fps": round(float(stream.average_rate or stream.guessed_rate or 0), 3),
            "codec": stream.codec_context.name,
        }
        after, self._down = self._down, None
        self._health("connected", "", after=after, **values)

    def _recover(self) -> None:
        if self._stalled:
            self._stalled = False
            self._health("recovered", "frames arrive again", after="stalled")

    def _watch_for_stalls(self) -> None:
        """In a thread: a blocked read cannot say that it is blocked."""
        while not self._stop.wait(0.1):
            silent_s = time.monotonic() - self._heard_s
            if self._reading and not self._stalled and silent_s > self._settings.stalled_s:
                self._stalled = True
                self._health("stalled", f"no frame for {silent_s:.1f} s")

    def _health(self, kind: HealthKind, detail: str, **values: Any) -> None:
        self._send(Health(kind, time.monotonic() - self._started_s, detail, values))

    def _beat(self, *, force: bool = False) -> None:
        now_s = time.monotonic()
        if force or now_s - self._last_beat_s > _BEAT_S:
            self._last_beat_s = now_s
            self._send(Beat())

    def _sleep(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0 and not self._stop.wait(min(left_s, _BEAT_S)):
            self._beat()
