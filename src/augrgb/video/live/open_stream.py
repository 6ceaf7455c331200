"""Opening a webcam or an RTSP stream, and the kinds of faults that this meets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import av
import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from augrgb.video.container import LIMITS, reason
from augrgb.video.live.source import Source

FaultKind = Literal[
    "auth", "not_found", "refused", "timeout", "tls", "codec", "ended", "reset", "not_a_stream", "network", "hung"
]
PROTOCOLS = "rtsp,rtp,tcp,udp,tls,crypto"
"""What a stream may make FFmpeg open; files and web pages are not among it."""
PROBE_S = 1.0
_PROBE_BYTES = 2**20
WEBCAM_FORMAT = "v4l2"
"""FFmpeg's input of webcams on Linux."""


@dataclass(frozen=True, slots=True)
class StreamFault(Exception):
    """Why a stream cannot be opened or went away.

    Args:
        kind: What to do about it depends on this.
        text: One sentence without passwords.
    """

    kind: FaultKind
    text: str


def open_stream(
    source: Source, *, open_s: float, read_s: float, transport: str = "tcp", probe_s: float = PROBE_S
) -> tuple[InputContainer, VideoStream]:
    """Open a webcam or an RTSP stream; the caller closes the container.

    Args:
        source: What to open.
        open_s: Seconds that opening may take.
        read_s: Seconds that any later read may take.
        transport: `tcp` or `udp`, of RTSP.
        probe_s: Seconds of an RTSP stream that are looked at before it is open, at most.

    Raises:
        StreamFault: It cannot be opened, or has no video that can be decoded.
    """
    options = {"max_pixels": str(LIMITS.max_pixels)}
    if source.kind == "rtsp":
        options |= {
            "rtsp_transport": transport,
            "protocol_whitelist": PROTOCOLS,
            "analyzeduration": str(int(probe_s * 1e6)),
            "probesize": str(_PROBE_BYTES),
            "fflags": "nobuffer",
            "user_agent": "augrgb",
        }
    try:
        container = av.open(
            source.address,
            format=WEBCAM_FORMAT if source.kind == "webcam" else None,
            options=options,
            timeout=(open_s, read_s),
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise stream_fault(source, error) from None
    try:
        if not container.streams.video:
            raise StreamFault("codec", "it has no video")
        stream = container.streams.video[0]
        if stream.codec_context is None or not stream.codec_context.is_decoder:
            raise StreamFault("codec", "there is no decoder for its video")
        stream.codec_context.thread_count = 1
    except StreamFault:
        container.close()
        raise
    return container, stream


def stream_fault(source: Source, error: Exception) -> StreamFault:
    """The kind of an error of FFmpeg."""
    text = source.without_secrets(reason(error))
    kinds: tuple[tuple[tuple[type[Exception], ...], FaultKind], ...] = (
        ((av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, PermissionError), "auth"),
        ((av.error.HTTPNotFoundError, FileNotFoundError), "not_found"),
        ((ConnectionRefusedError,), "refused"),
        ((ConnectionResetError, BrokenPipeError), "reset"),
        ((av.error.ExitError, TimeoutError), "timeout"),
        ((av.error.EOFError,), "ended"),
        ((av.error.DecoderNotFoundError,), "codec"),
        ((av.error.InvalidDataError, av.error.ProtocolNotFoundError, ValueError), "not_a_stream"),
    )
    if any(word in text.lower() for word in ("tls", "ssl", "certificate")):
        return StreamFault("tls", text)
    for types, kind in kinds:
        if isinstance(error, types):
            return StreamFault(kind, "no answer in time" if kind == "timeout" else text)
    return StreamFault("network", text)
