"""One SQLite file with videos, jobs, saved annotations and the audit log.

Every change is one transaction that is on the disk before the client hears of it (WAL, full synchronization). Each call
opens a connection, so threads share nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from augrgb.core.errors import InputRefused
from augrgb.core.files import make_folder

_VERSION = 1
_TABLES = """
CREATE TABLE videos (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, origin TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
    info TEXT NOT NULL, added_s REAL NOT NULL, UNIQUE (origin, file));
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, video TEXT NOT NULL REFERENCES videos ON DELETE CASCADE,
    state TEXT NOT NULL, progress REAL NOT NULL DEFAULT 0, code TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
    created_s REAL NOT NULL, ended_s REAL);
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_video ON jobs (video, id);
CREATE TABLE documents (
    video TEXT NOT NULL REFERENCES videos ON DELETE CASCADE, version INTEGER NOT NULL, saved_s REAL NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (video, version));
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_s REAL NOT NULL, action TEXT NOT NULL, video TEXT NOT NULL);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
"""


class Database:
    """Opens the file, and makes it if it is absent.

    Raises:
        InputRefused: E-SRV-012: the file is damaged, or of a newer augrgb.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        make_folder(path.parent)
        try:
            with self.transaction() as database:
                found = int(database.execute("PRAGMA user_version").fetchone()[0])
                if found == 0:
                    for statement in _statements(_TABLES):
                        database.execute(statement)
                    database.execute(f"PRAGMA user_version = {_VERSION}")
            with self._connected() as database:
                database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.DatabaseError as error:
            remedy = "Restore it, or start with another --work folder."
            raise InputRefused("E-SRV-012", path, f"cannot be used ({error})", remedy) from error
        if found > _VERSION:
            problem = f"was written by a newer augrgb (version {found}, this one knows {_VERSION})"
            raise InputRefused("E-SRV-012", path, problem, "Update augrgb, or choose another --work folder.")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All changes inside, or none."""
        with self._connected() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """For queries only."""
        with self._connected() as database:
            yield database

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path, timeout=60.0, isolation_level=None)
        try:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA foreign_keys = ON")
            yield database
        finally:
            database.close()


def note(database: sqlite3.Connection, at_s: float, action: str, video: str) -> None:
    """A line in the audit log: what was done to which video, without names or content."""
    database.execute("INSERT INTO audit (at_s, action, video) VALUES (?, ?, ?)", (at_s, action, video))


def _statements(script: str) -> Iterator[str]:
    held = ""
    for line in script.splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            yield held
            held = ""
