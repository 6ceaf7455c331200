"""The queue of detection jobs: first come, first served, and still there after a restart.

A job is `queued`, `running`, `done`, `failed` or `cancelled`. One that was running when the server stopped is queued
again; after too many such starts it fails, so a video that takes the whole machine down cannot do so for ever.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import asdict, dataclass
from typing import Any

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.server.database import Database, note
from augrgb.server.security.plain_faults import plain


@dataclass(frozen=True, slots=True)
class Job:
    """A job as clients see it."""

    id: int
    video: str
    state: str
    progress: float
    code: str
    message: str
    attempts: int
    created_s: float
    ended_s: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class JobQueue:
    """Jobs in the database.

    Args:
        database: Where they are.
        limit: How many may wait.
        attempts: How often one is started.
    """

    def __init__(self, database: Database, *, limit: int, attempts: int) -> None:
        self._database, self._limit, self._attempts = database, limit, attempts

    def recover(self) -> int:
        """Queue jobs again that a stopped server left running; returns how many. Call it once, at the start."""
        message = "The server stopped while it worked on this video, several times."
        with self._database.transaction() as database:
            database.execute(
                "UPDATE jobs SET state = 'failed', code = ?, message = ?, ended_s = ? "
                "WHERE state = 'running' AND attempts >= ?",
                ("E-SRV-013", message, time.time(), self._attempts),
            )
            return database.execute("UPDATE jobs SET state = 'queued', progress = 0 WHERE state = 'running'").rowcount

    def check_room(self) -> None:
        """Refuse what would only wait behind too many others.

        Raises:
            InputRefused: E-SRV-002.
        """
        with self._database.reading() as database:
            self._refuse_if_full(database)

    def add(self, database: sqlite3.Connection, video_id: str, *, again: bool = False) -> int:
        """Queue a video, inside a transaction; a job that already waits or runs is taken instead of a second one.

        Args:
            database: The transaction.
            video_id: Which video.
            again: Queue it also behind a job that runs, such as when the model has changed.

        Raises:
            InputRefused: E-SRV-002: too many are waiting.
        """
        query = "SELECT id, state FROM jobs WHERE video = ? AND state IN ('queued', 'running') ORDER BY id DESC LIMIT 1"
        row = database.execute(query, (video_id,)).fetchone()
        if row is not None and not (again and row["state"] == "running"):
            return int(row[0])
        self._refuse_if_full(database)
        inserted = "INSERT INTO jobs (video, state, created_s) VALUES (?, 'queued', ?)"
        return int(database.execute(inserted, (video_id, time.time())).lastrowid or 0)

    def take(self) -> Job | None:
        """The next job, now running; None if nothing waits."""
        with self._database.transaction() as database:
            row = database.execute("SELECT id FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 1").fetchone()
            if row is None:
                return None
            database.execute("UPDATE jobs SET state = 'running', attempts = attempts + 1 WHERE id = ?", (row[0],))
            return _job(database.execute("SELECT * FROM jobs WHERE id = ?", (row[0],)).fetchone())

    def report(self, job_id: int, fraction: float) -> None:
        """Note progress."""
        with self._database.transaction() as database:
            done = min(max(fraction, 0.0), 1.0)
            database.execute("UPDATE jobs SET progress = ? WHERE id = ? AND state = 'running'", (done, job_id))

    def finish(self, job_id: int, fault: AugrgbError | None = None) -> bool:
        """End a running job; False if it was cancelled or its video deleted in the meantime."""
        values = ("done", 1.0, "", "") if fault is None else ("failed", 0.0, fault.code, plain(fault))
        with self._database.transaction() as database:
            query = (
                "UPDATE jobs SET state = ?, progress = ?, code = ?, message = ?, ended_s = ? "
                "WHERE id = ? AND state = 'running'"
            )
            return database.execute(query, (*values, time.time(), job_id)).rowcount > 0

    def is_over(self, job_id: int) -> bool:
        """Whether nobody waits for a job any more: it was cancelled, or its video deleted."""
        with self._database.reading() as database:
            row = database.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return row is None or row[0] != "running"

    def is_gone(self, job_id: int) -> bool:
        """Whether a job was deleted with its video."""
        with self._database.reading() as database:
            return database.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone() is None

    def cancel(self, job_id: int) -> Job:
        """Cancel a job that has not ended.

        Raises:
            InputRefused: E-SRV-004: there is none.
        """
        with self._database.transaction() as database:
            query = "UPDATE jobs SET state = 'cancelled', ended_s = ? WHERE id = ? AND state IN ('queued', 'running')"
            database.execute(query, (time.time(), job_id))
            row = database.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise InputRefused("E-SRV-004", "job", "no such job", "Load the list again.")
            note(database, time.time(), "job cancelled", row["video"])
            return _job(row)

    def of_videos(self) -> dict[str, Job]:
        """The newest job of every video."""
        query = "SELECT * FROM jobs WHERE id IN (SELECT max(id) FROM jobs GROUP BY video)"
        with self._database.reading() as database:
            return {row["video"]: _job(row) for row in database.execute(query)}

    def newest(self, count: int = 200) -> list[Job]:
        """The last jobs, newest first."""
        with self._database.reading() as database:
            return [_job(row) for row in database.execute("SELECT * FROM jobs ORDER BY id DESC LIMIT ?", (count,))]

    def _refuse_if_full(self, database: sqlite3.Connection) -> None:
        waiting = database.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()[0]
        if waiting >= self._limit:
            raise InputRefused("E-SRV-002", "queue", f"{waiting} jobs are waiting already", "Try again later.")


def _job(row: sqlite3.Row) -> Job:
    return Job(**dict(row))
