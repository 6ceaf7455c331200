"""`metrics.jsonl`: one line per logged step, appended; survives a kill in the middle of a line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augrgb.core.files import disk_faults, write_bytes


class History:
    """Append-only lines of JSON, each with a `step`.

    Args:
        path: The file; created with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, values: Mapping[str, Any]) -> None:
        """Add one line and sync it, so that no checkpoint is newer than its history."""
        with disk_faults(self.path), open(self.path, "a", encoding="utf-8") as handle:
            handle.write(json.dumps(values, sort_keys=True, allow_nan=False) + "\n")
            handle.flush()
            os.fsync(handle.fileno())

    def read(self) -> list[dict[str, Any]]:
        """All complete lines, without a torn last one."""
        return [json.loads(line) for line in self._whole_lines()]

    def cut_after(self, step: int) -> None:
        """Drop a torn last line and everything later than `step`."""
        if not self.path.exists():
            return
        kept = [line for line in self._whole_lines() if json.loads(line)["step"] <= step]
        content = "".join(line + "\n" for line in kept).encode()
        if content != self.path.read_bytes():
            write_bytes(self.path, content)

    def _whole_lines(self) -> list[str]:
        if not self.path.exists():
            return []
        return [line for line in self.path.read_text("utf-8", "replace").split("\n")[:-1] if line]
