"""Corrected events of videos: a version for every save, and nothing overwritten by somebody who saw an older one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from augrgb.core.errors import InputRefused
from augrgb.core.types import Event
from augrgb.server.database import Database

Seconds = Annotated[float, Field(ge=0, le=1e7)]
Stretch = Annotated[list[Seconds], Field(min_length=2, max_length=2)]
Label = Annotated[str, Field(min_length=1, max_length=500)]


class Strict(BaseModel):
    """What clients send: no unknown fields, no other types, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class MachineEvent(Strict):
    """An event as the model found it."""

    label: Label
    start_s: Seconds
    end_s: Seconds
    score: Annotated[float, Field(ge=0, le=1)]


class Drawn(Strict):
    """A suggestion that was drawn by chance and judged by somebody who was not shown what the model thinks.

    Args:
        shown: Whether the model shows it as an event, or it stays below the threshold.
        job: The detection that found it.
    """

    shown: bool
    job: Annotated[int, Field(ge=0)]


class EditedEvent(Strict):
    """An event as a person sees it; what the machine said is kept beside it."""

    id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,40}$")]
    label: Label
    start_s: Seconds
    end_s: Seconds
    state: Literal["unreviewed", "accepted", "corrected", "rejected", "unsure"]
    machine: MachineEvent | None = None
    drawn: Drawn | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> EditedEvent:
        if not self.end_s > self.start_s:
            raise ValueError("end_s must be after start_s")
        return self


class Document(Strict):
    """The annotations of a video.

    Args:
        events: All of them; rejected ones too.
        reviewed: Stretches of time in which nothing else happens.
        thresholds: The scores that a person chose, by class.
        found_by: The job whose result the unreviewed events are from; 0 = not known.
    """

    events: Annotated[list[EditedEvent], Field(max_length=50_000)] = []
    reviewed: Annotated[list[Stretch], Field(max_length=10_000)] = []
    thresholds: Annotated[dict[str, Annotated[float, Field(ge=0, le=1)]], Field(max_length=10_000)] = {}
    found_by: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _ids_differ(self) -> Document:
        if len({event.id for event in self.events}) != len(self.events):
            raise ValueError("two events have one id")
        if any(stop <= start for start, stop in self.reviewed):
            raise ValueError("a reviewed stretch ends before it starts")
        return self


class Documents:
    """Saved documents.

    Args:
        database: Where they are.
        keep: Versions of each video that are kept.
    """

    def __init__(self, database: Database, *, keep: int) -> None:
        self._database, self._keep = database, keep
        self._parsed: dict[str, tuple[int, Document]] = {}

    def latest(self, video_id: str) -> tuple[int, Document | None]:
        """The newest version and its number; 0 and None before the first."""
        query = "SELECT version, body FROM documents WHERE video = ? ORDER BY version DESC LIMIT 1"
        with self._database.reading() as database:
            row = database.execute(query, (video_id,)).fetchone()
        return (0, None) if row is None else (int(row[0]), Document.model_validate_json(row[1]))

    def save(self, video_id: str, document: Document, *, based_on: int) -> int:
        """Save a new version that was made from version `based_on`; returns its number.

        Raises:
            InputRefused: E-SRV-005: there is a newer one already.
        """
        with self._database.transaction() as database:
            query = "SELECT coalesce(max(version), 0) FROM documents WHERE video = ?"
            newest = int(database.execute(query, (video_id,)).fetchone()[0])
            if newest != based_on:
                problem = f"somebody saved version {newest} while this was made from version {based_on}"
                raise InputRefused(
                    "E-SRV-005", "annotations", problem, "Load the newest version, and repeat the change."
                )
            values = (video_id, newest + 1, time.time(), document.model_dump_json())
            database.execute("INSERT INTO documents VALUES (?, ?, ?, ?)", values)
            old = "DELETE FROM documents WHERE video = ? AND version <= ?"
            database.execute(old, (video_id, newest + 1 - self._keep))
            return newest + 1

    def saved_since(self, since_s: float) -> list[float]:
        """When documents were saved, by the server's clock, in order."""
        query = "SELECT saved_s FROM documents WHERE saved_s > ? ORDER BY saved_s"
        with self._database.reading() as database:
            return [float(row[0]) for row in database.execute(query, (since_s,))]

    def all_latest(self) -> dict[str, tuple[int, Document]]:
        """The newest version of every video that has one; pages ask often, so a version is parsed once."""
        query = "SELECT video, max(version), body FROM documents GROUP BY video"  # the body is that of the newest
        parsed, known = {}, self._parsed
        with self._database.reading() as database:
            for video, version, body in database.execute(query):
                same = known.get(video, (0, None))[0] == version
                parsed[video] = known[video] if same else (int(version), Document.model_validate_json(body))
        self._parsed = parsed
        return dict(parsed)

    def versions(self) -> dict[str, int]:
        """The number of the newest version of every video that has one."""
        with self._database.reading() as database:
            return dict(database.execute("SELECT video, max(version) FROM documents GROUP BY video").fetchall())


def true_events(events: Sequence[EditedEvent], *, unreviewed: bool = False) -> tuple[Event, ...]:
    """The events that a person vouches for, by start: accepted and corrected ones, and on request unreviewed ones."""
    wanted = {"accepted", "corrected"} | ({"unreviewed"} if unreviewed else set())
    kept = [Event(event.label, event.start_s, event.end_s) for event in events if event.state in wanted]
    return tuple(sorted(kept, key=lambda event: (event.start_s, event.end_s, event.label)))
