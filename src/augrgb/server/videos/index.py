"""The videos that the server knows, by random ids: no path of a client is ever opened."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augrgb.core.errors import InputRefused
from augrgb.core.opening import resolved
from augrgb.core.plain_data import parse_json
from augrgb.server.database import Database, note

NAME_CHARACTERS = 120
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Video:
    """A video of the index.

    Args:
        video_id: 32 random hexadecimal digits.
        name: What people read; never used as a path.
        origin: `upload` or `folder`.
        file: Path below the folder of its origin.
        size: Bytes.
        info: What the file says about itself: width, height, fps, duration_s, codec, container.
        added_s: When, as Unix time of the server.
    """

    video_id: str
    name: str
    origin: str
    file: str
    size: int
    info: Mapping[str, Any]
    added_s: float


class VideoIndex:
    """Adds, finds and removes videos.

    Args:
        database: Where they are listed.
        roots: The folder of each origin.
    """

    def __init__(self, database: Database, roots: Mapping[str, Path]) -> None:
        self._database, self._roots = database, {origin: resolved(root) for origin, root in roots.items()}

    def add(self, database: sqlite3.Connection, video: Video) -> None:
        """List a video, inside a transaction."""
        values = (video.video_id, video.name, video.origin, video.file, video.size, json.dumps(dict(video.info)))
        database.execute("INSERT INTO videos VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, video.added_s))
        note(database, video.added_s, f"added by {video.origin}", video.video_id)

    def all(self) -> list[Video]:
        """Every video, in the order in which they came."""
        with self._database.reading() as database:
            return [_video(row) for row in database.execute("SELECT * FROM videos ORDER BY added_s, name, id")]

    def count(self) -> tuple[int, int]:
        """How many videos there are, and the bytes of the uploaded ones."""
        query = "SELECT count(*), coalesce(sum(CASE origin WHEN 'upload' THEN size END), 0) FROM videos"
        with self._database.reading() as database:
            row = database.execute(query).fetchone()
        return int(row[0]), int(row[1])

    def get(self, video_id: str) -> Video:
        """A video by its id.

        Raises:
            InputRefused: E-SRV-004: there is none.
        """
        row = None
        if _ID.fullmatch(video_id):
            with self._database.reading() as database:
                row = database.execute("SELECT * FROM videos WHERE id = ?", (video_id,)).fetchone()
        if row is None:
            raise InputRefused("E-SRV-004", "video", "no such video", "Load the list again.")
        return _video(row)

    def path_of(self, video: Video) -> Path:
        """The file behind a video.

        Raises:
            InputRefused: E-SRV-004: it is gone, or no longer a plain file inside its folder.
        """
        root = self._roots.get(video.origin)
        path = root / video.file if root is not None else None
        if path is None or path.is_symlink() or not path.is_file() or not resolved(path).is_relative_to(root or path):
            raise InputRefused("E-SRV-004", "video", "its file is no longer there", "Put it back, or delete the entry.")
        return path

    def remove(self, video_id: str) -> None:
        """Forget a video with its jobs and annotations; the audit log says so."""
        with self._database.transaction() as database:
            if database.execute("DELETE FROM videos WHERE id = ?", (video_id,)).rowcount:
                note(database, time.time(), "deleted", video_id)


def new_id() -> str:
    """A random id that nobody can guess."""
    return secrets.token_hex(16)


def shown_name(name: str) -> str:
    r"""A client's file name as text to show: its last part, without control characters, of bounded length.

    >>> shown_name("../../etc/passwd"), shown_name("C:\\films\\a\x00b.mp4"), shown_name("..")
    ('passwd', 'ab.mp4', 'video')
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name[:4096]))[-1]
    shown = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    shown = " ".join(shown.split())[:NAME_CHARACTERS]
    return shown if shown.strip(". ") else "video"


def _video(row: sqlite3.Row) -> Video:
    values = dict(row)
    return Video(video_id=values.pop("id"), **{**values, "info": parse_json(values["info"], "video information")})
