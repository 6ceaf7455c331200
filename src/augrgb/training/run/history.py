"""`metrics.jsonl`: one line per logged step, appended; survives a kill in the middle of a line."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augrgb.core.errors import AugrgbError
from augrgb.core.files import append_line, write_bytes
from augrgb.core.opening import is_file, read_bytes
from augrgb.core.plain_data import parse_json

_log = logging.getLogger(__name__)


class History:
    """Append-only lines of JSON, each with a `step`.

    Args:
        path: The file; created with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size, self._hash = 0, hashlib.sha256()
        self._counted = False

    def append(self, values: Mapping[str, Any]) -> None:
        """Add one line and sync it, so that no checkpoint is newer than its history."""
        line = json.dumps(values, sort_keys=True, allow_nan=False)
        self.mark()
        append_line(self.path, line)
        self._count(f"{line}\n".encode())

    def mark(self) -> dict[str, Any]:
        """Length and hash of what is written so far; for `check`. Read once, then kept up to date."""
        if not self._counted:
            self._counted = True
            self._count(self._content())
        return {"size": self._size, "sha256": self._hash.hexdigest()}

    def check(self, mark: Mapping[str, Any]) -> None:
        """Refuse a history that no longer begins with what was written up to a mark.

        Raises:
            ValueError: It was damaged, or lines are missing.
        """
        data = self._content()
        if len(data) < mark["size"] or hashlib.sha256(data[: mark["size"]]).hexdigest() != mark["sha256"]:
            raise ValueError(f"the history {self.path.name} was changed or damaged since")

    def cut_to(self, mark: Mapping[str, Any]) -> None:
        """Drop everything after a mark; see `check`."""
        self._keep(self._content()[: mark["size"]])

    def _count(self, data: bytes) -> None:
        self._size += len(data)
        self._hash.update(data)

    def read(self) -> list[dict[str, Any]]:
        """All complete lines, without a torn last one."""
        return [values for _, values in self._whole_lines()]

    def cut_after(self, step: int) -> None:
        """Drop a torn last line and everything later than `step`."""
        kept = [line for line, values in self._whole_lines() if values["step"] <= step]
        self._keep("".join(line + "\n" for line in kept).encode())

    def _content(self) -> bytes:
        return read_bytes(self.path, "history") if is_file(self.path) else b""

    def _keep(self, content: bytes) -> None:
        """Make this the whole history."""
        self._size, self._hash, self._counted = len(content), hashlib.sha256(content), True
        if content != self._content():
            write_bytes(self.path, content)

    def _whole_lines(self) -> list[tuple[str, dict[str, Any]]]:
        """The lines and what they say, up to the first that is torn or damaged.

        A disk error or a full disk tears lines elsewhere than at the end. What follows is written again from the last
        checkpoint on, or is lost: it is named, and never believed.
        """
        found: list[tuple[str, dict[str, Any]]] = []
        for number, line in enumerate(self._content().decode("utf-8", "replace").split("\n")[:-1], 1):
            if not line:
                continue
            try:
                values = parse_json(line, self.path)
            except AugrgbError:
                values = None
            if not isinstance(values, dict) or not isinstance(values.get("step"), int):
                _log.error("%s is damaged at line %d; what follows it is left out", self.path, number)
                break
            found.append((line, values))
        return found
