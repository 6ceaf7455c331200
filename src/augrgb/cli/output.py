"""Where the command line writes: results to stdout, progress and warnings to stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from augrgb.core.shown import printable


class _Console(Console):
    """A console to which no text brings control codes of its own: names of files and classes may hold some."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of something, their text printable."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def stdout() -> Console:
    """The console for results. Of several processes (torchrun) only rank 0 prints."""
    return _Console(quiet=not _first_rank())


def stderr() -> Console:
    """The console for warnings."""
    return _Console(stderr=True)


def say(text: str) -> None:
    """Print a line to stdout as it is, without markup, colors or breaks."""
    stdout().print(text, markup=False, highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """Print a line to stderr as it is, without markup, colors or breaks."""
    stderr().print(text, markup=False, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as one JSON document to stdout; numbers that are not finite become null."""
    if _first_rank():
        sys.stdout.write(json.dumps(_plain(value), indent=2, ensure_ascii=False) + "\n")


def _first_rank() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
