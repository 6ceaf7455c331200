"""A bounded queue of messages on disk: what was put in is there after a crash, and comes out in order."""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.files import make_folder, remove_leftovers, write_json
from augrgb.core.plain_data import read_json
from augrgb.core.searching import search, tell

SCHEMA = "augrgb.spool/1"
_NAME = re.compile(r"\d{12}\.message\.json")


@dataclass(frozen=True, slots=True)
class Spooled:
    """One message: its id, equal on every attempt, when it was made (seconds since 1970), and its text."""

    id: str
    made: int
    body: str


class Spool:
    """Messages in a folder, one file each, in order; one process at a time may use a folder.

    Args:
        folder: Made if it does not exist.
        most: Messages that may wait; then the oldest are dropped and counted.

    Raises:
        AugrgbError: The folder cannot be written.
    """

    def __init__(self, folder: Path, most: int = 10_000) -> None:
        self._folder, self._most = folder, most
        make_folder(folder)
        remove_leftovers(folder)
        found = search(folder, lambda name: _NAME.fullmatch(name) is not None)
        tell(found)
        self._names: deque[str] = deque(path.name for path in found.files)
        taken = [int(path.name.split(".")[0]) for path in (*found.files, *(one.path for one in found.skipped))]
        self._next = max(taken, default=-1) + 1
        self._changed = threading.Condition()
        self.dropped = 0

    def __len__(self) -> int:
        with self._changed:
            return len(self._names)

    def put(self, message: Spooled) -> None:
        """Keep a message; it is on disk when this returns."""
        with self._changed:
            name = f"{self._next:012d}.message.json"
            self._next += 1
            values = {"schema": SCHEMA, "id": message.id, "made": message.made, "body": message.body}
            write_json(self._folder / name, values)
            self._names.append(name)
            while len(self._names) > self._most:
                self._remove(self._names[0])
                self.dropped += 1
            self._changed.notify_all()

    def first(self, timeout_s: float) -> tuple[str, Spooled] | None:
        """The oldest message with its name in the spool; None if there is none for so long. It stays until `done`."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._names), timeout_s)
            while self._names:
                name = self._names[0]
                try:
                    raw = read_json(self._folder / name, "message")
                    return name, Spooled(str(raw["id"]), int(raw["made"]), str(raw["body"]))
                except Exception:  # noqa: BLE001 - a damaged file must not stop the others
                    self._remove(name)
                    self.dropped += 1
            return None

    def done(self, name: str) -> None:
        """Forget a message: it was delivered, or never can be."""
        with self._changed:
            if name in self._names:
                self._remove(name)

    def _remove(self, name: str) -> None:
        self._names.remove(name)
        (self._folder / name).unlink(missing_ok=True)
