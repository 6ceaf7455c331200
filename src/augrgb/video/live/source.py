"""What is watched: a file, a webcam or an RTSP stream; and how it is named without its password."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit, urlunsplit

from augrgb.core.errors import UsageFault
from augrgb.core.hosts import is_host
from augrgb.core.shown import printable, shown

Kind = Literal["file", "webcam", "rtsp"]
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Source:
    """A source of live video.

    Args:
        kind: How it is opened.
        address: A path or an address; it may hold a password, so it is not part of the text of a `Source`.
        shown: The address for messages.
    """

    kind: Kind
    address: str = field(repr=False)
    shown: str

    @property
    def name(self) -> str:
        """A short name for payloads."""
        if self.kind == "file":
            return printable(Path(self.address).stem, newlines=False)
        if self.kind == "webcam":
            return Path(self.address).name
        return urlsplit(self.shown).hostname or "rtsp"

    def without_secrets(self, text: str) -> str:
        """A message of a library, without the address and its password."""
        if self.kind != "rtsp":
            return text
        parts = urlsplit(self.address)
        text = text.replace(self.address, self.shown)
        for secret in (parts.netloc.rpartition("@")[0], parts.password):
            if secret:
                text = text.replace(secret, "***")
        return text


def source_of(text: str) -> Source:
    """Read a source as a user writes it.

    `rtsp://` and `rtsps://` are streams, where `${NAME}` stands for a variable of the environment; `/dev/video0` or a
    number is a webcam; everything else is a file.

    Raises:
        UsageFault: E-CFG-026, another kind of address; E-CFG-014, the variable is not set.

    >>> source_of("rtsp://me:secret@10.0.0.7/hall")
    Source(kind='rtsp', shown='rtsp://***@10.0.0.7/hall')
    >>> source_of("0").address
    '/dev/video0'
    """
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("rtsp", "rtsps"):
        address = with_variables(text)
        parts = _parts(address)
        host = parts.netloc.rpartition("@")[2]
        user = "***@" if "@" in parts.netloc else ""
        query = "..." if parts.query else ""
        return Source("rtsp", address, urlunsplit((parts.scheme, user + host, parts.path, query, "")))
    if scheme:
        problem = f"{scheme}:// is not a source that can be watched"
        raise UsageFault("E-CFG-026", "SOURCE", problem, "Give a file, a webcam such as /dev/video0, or rtsp://...")
    if text.isdecimal():
        return Source("webcam", f"/dev/video{text}", f"/dev/video{text}")
    if re.fullmatch(r"/dev/(video\d+|v4l/.+)", text):
        return Source("webcam", text, text)
    return Source("file", text, text)


def _parts(address: str) -> SplitResult:
    """The parts of an RTSP address that can exist: any other would be tried again and again for ever."""
    remedy = "Write it like rtsp://HOST/PATH."
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        usable = is_host(host) and parts.port != 0 and address.isprintable()
    except ValueError:  # a port that is no number below 65536, or an unclosed bracket
        host, usable = "", False
    if not usable:
        problem = (
            f"{shown(host)} is not the name or address of a machine" if host else "has no host, or no possible port"
        )
        raise UsageFault("E-CFG-026", "SOURCE", problem, remedy)
    return parts


def with_variables(text: str) -> str:
    """`${NAME}` replaced by variables of the environment: so passwords need not stand in a command.

    Raises:
        UsageFault: E-CFG-014, one is not set.
    """
    return _VARIABLE.sub(lambda found: _variable(found[1]), text)


def _variable(name: str) -> str:
    if name not in os.environ:
        raise UsageFault("E-CFG-014", f"${{{name}}}", "the variable is not set in the environment", "Set it.")
    return os.environ[name]
