"""Clips and stills of events: when to ask for them, where they lie, and how long they are kept."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.core.files import file_name_of
from augrgb.video.live.messages import ClipReady, ClipRequest
from augrgb.watching.payload import Payload

_OURS = re.compile(r".+-[0-9a-f]{20}\.(mp4|jpg)")
_TIDY_EVERY_S = 600.0
_MOST_ASKED = 1000  # a process that was replaced never answers
_DECISION_S = 30.0  # an event may be known so long after it was over


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """What is kept of events.

    Args:
        folder: One folder a day in it.
        before_s, after_s: Around the event.
        most_s: Of an event, from its start.
        keep_days: Older files are deleted.
        keep_bytes: The oldest files are deleted when all together are larger.
    """

    folder: Path
    before_s: float = 5.0
    after_s: float = 5.0
    most_s: float = 60.0
    keep_days: float = 7.0
    keep_bytes: int = 10 * 2**30

    @property
    def ring_s(self) -> float:
        """Seconds of packets to hold."""
        return self.before_s + self.most_s + self.after_s + _DECISION_S


class Clips:
    """Follows the messages of a source, and asks for a clip of each event.

    Args:
        settings: What is kept.
    """

    def __init__(self, settings: ClipSettings) -> None:
        self._settings = settings
        self._open: dict[str, Payload] = {}
        self._asked: dict[str, Payload] = {}
        self._tidy_due_s = float("-inf")

    def follow(self, payload: Payload, seen_s: float) -> Iterator[ClipRequest]:
        """Requests due with a message, or with the time that the source has come to."""
        if payload.type == "start":
            self._open[payload.id] = payload
        elif payload.type == "end" and self._open.pop(payload.id, None) is not None:
            yield self._request(payload, payload.values["end_s"])
        elif payload.type == "end" and payload.id in self._asked:
            self._asked[payload.id] = payload
        yield from self.pass_time(seen_s)

    def pass_time(self, seen_s: float) -> Iterator[ClipRequest]:
        """Requests for events that go on for longer than a clip may."""
        for name, payload in list(self._open.items()):
            if seen_s >= payload.values["start_s"] + self._settings.most_s:
                del self._open[name]
                yield self._request(payload, seen_s)

    def ready(self, answer: ClipReady) -> Payload | None:
        """The message about a finished clip."""
        event = self._asked.pop(answer.id, None)
        if event is None:
            return None
        shown = {"clip": _text(answer.clip), "snapshot": _text(answer.still), "detail": answer.problem}
        times = {"clip_from_s": round(answer.from_s, 3), "clip_to_s": round(answer.to_s, 3)}
        return Payload("clip_ready", event.source, event.id, event.values | shown | (times if answer.clip else {}))

    @property
    def waiting(self) -> int:
        """Clips that were asked for and are not there yet."""
        return len(self._asked)

    def tidy(self, *, now: float | None = None) -> int:
        """Delete what is too old or too much, now and then; how many files that were."""
        due_s = time.monotonic()
        if due_s < self._tidy_due_s:
            return 0
        self._tidy_due_s = due_s + _TIDY_EVERY_S
        oldest = (time.time() if now is None else now) - 86400 * self._settings.keep_days
        found = []
        for path in self._settings.folder.glob("*/*"):
            try:
                state = path.lstat()
            except OSError:
                continue
            if _OURS.fullmatch(path.name):
                found.append((state.st_mtime, state.st_size, path))
        count, total = 0, 0
        for changed, size, path in sorted(found, reverse=True):
            total += size
            if changed < oldest or total > self._settings.keep_bytes:
                path.unlink(missing_ok=True)
                count += 1
        return count

    def _request(self, payload: Payload, end_s: float) -> ClipRequest:
        settings, start_s = self._settings, float(payload.values["start_s"])
        self._asked[payload.id] = payload
        while len(self._asked) > _MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        end_s = min(end_s, start_s + settings.most_s)
        start = str(payload.values["start"])
        name = f"{start[11:19].replace(':', '')}-{payload.source}-{payload.values['class']}"
        stem = f"{file_name_of(name[:100])[:160]}-{payload.id}"
        folder = settings.folder / start[:10]
        return ClipRequest(
            payload.id,
            start_s - settings.before_s,
            end_s + settings.after_s,
            start_s + min(1.0, 0.5 * (end_s - start_s)),
            folder / f"{stem}.mp4",
            folder / f"{stem}.jpg",
        )


def _text(path: Path | None) -> Any:
    return None if path is None else str(path)
