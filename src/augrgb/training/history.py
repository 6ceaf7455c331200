"""`metrics.jsonl`: one line per logged step, appended; survives a kill in the middle of a line."""

from __future__ import annotations

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

    def append(self, values: Mapping[str, Any]) -> None:
        """Add one line and sync it, so that no checkpoint is newer than its history."""
        append_line(self.path, json.dumps(values, sort_keys=True, allow_nan=False))

    def read(self) -> list[dict[str, Any]]:
        """All complete lines, without a torn last one."""
        return [values for _, values in self._whole_lines()]

    def cut_after(self, step: int) -> None:
        """Drop a torn last line and everything later than `step`."""
        if not is_file(self.path):
            return
        kept = [line for line, values in self._whole_lines() if values["step"] <= step]
        content = "".join(line + "\n" for line in kept).encode()
        if content != read_bytes(self.path, "history"):
            write_bytes(self.path, content)

    def _whole_lines(self) -> list[tuple[str, dict[str, Any]]]:
        """The lines and what they say, up to the first that is torn or damaged.

        A disk error or a full disk tears lines elsewhere than at the end. What follows is written again from the last
        checkpoint on, or is lost: it is named, and never believed.
        """
        if not is_file(self.path):
            return []
        found: list[tuple[str, dict[str, Any]]] = []
        for number, line in enumerate(read_bytes(self.path, "history").decode("utf-8", "replace").split("\n")[:-1], 1):
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
