"""Where messages go. A sink must never hold up the watching: slow ones keep their own queue."""

from __future__ import annotations

import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augrgb.core.files import append_line, make_folder
from augrgb.core.opening import open_regular


class Sink(ABC):
    """Takes messages, see `augrgb.watching.payload`."""

    @abstractmethod
    def send(self, message: Mapping[str, Any]) -> None:
        """Take one message; returns at once."""

    def stats(self, values: Mapping[str, Any]) -> None:  # noqa: B027 - most do not show them
        """Take counters, about once a minute."""

    def close(self, patience_s: float) -> None:  # noqa: B027 - most have nothing to do
        """Nothing comes any more; send what waits, for so long at most."""


class JsonLines(Sink):
    """One JSON object per line, written at once, to standard output or appended to a file.

    Args:
        path: The file; None = standard output.

    Raises:
        AugrgbError: See `append_line`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        if path is not None:
            make_folder(path.parent)
            if path.exists() and not _ends_with_newline(path):  # torn by a crash
                append_line(path, "")

    def send(self, message: Mapping[str, Any]) -> None:
        """Write one line."""
        line = json.dumps(message, ensure_ascii=False, allow_nan=False)
        if self._path is not None:
            append_line(self._path, line)
        else:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def _ends_with_newline(path: Path) -> bool:
    with open_regular(path) as handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(0, size - 1))
        return handle.read(1) in (b"", b"\n")
