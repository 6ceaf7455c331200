"""The one payload of `augrgb watch`: what JSON lines, webhooks and MQTT carry.

docs/watch.md describes every field. Readers ignore fields that they do not know.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

SCHEMA = "augrgb.event/1"
MessageType = Literal["start", "update", "end", "clip_ready", "health"]


@dataclass(frozen=True, slots=True)
class Payload:
    """One message.

    Args:
        type: What it says.
        source: Name of the source.
        id: The same from the start of an event to its clip; a new one for each health message.
        values: The other fields.
    """

    type: MessageType
    source: str
    id: str
    values: dict[str, Any]

    def to_json(self, seq: int) -> dict[str, Any]:
        """All fields, in a fixed order."""
        head = {"schema": SCHEMA, "type": self.type, "id": self.id, "seq": seq, "source": self.source}
        return head | self.values


def iso(seconds: float) -> str:
    """Seconds since 1970 as UTC with milliseconds.

    >>> iso(0.0)
    '1970-01-01T00:00:00.000Z'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_id(*parts: object) -> str:
    """Stable for the same source, class, start and model.

    >>> event_id("hall", "fall", 3.2) == event_id("hall", "fall", 3.2)
    True
    """
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()[:20]
