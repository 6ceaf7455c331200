"""What is said about a file or folder, and how damage becomes a part of that."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.plain_data import read_json

_LISTED = 12


@dataclass(frozen=True)
class Info:
    """What something is.

    Args:
        kind: In a few words.
        facts: (name, value), in order.
        faults: What is wrong with it, as messages with codes.
        next: What to type next, most useful first.
    """

    kind: str
    facts: tuple[tuple[str, str], ...] = ()
    faults: tuple[str, ...] = ()
    next: tuple[str, ...] = field(default=())


Describe = Callable[[Path], Info | None]
"""Looks into a file or folder; None = it is not of this kind."""


def guarded(path: Path, describe: Describe) -> Info | None:
    """A description; what cannot be read is a fault of it, not of the question."""
    try:
        return describe(path)
    except AugrgbError as fault:
        return Info("damaged or unfinished", faults=tuple(str(fault).splitlines()), next=(explained(fault),))


def explained(fault: AugrgbError) -> str:
    """The command that says more about a fault."""
    return f"augrgb explain {fault.code}"


def json_object(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        InputRefused: E-FILE-001/002/010; E-FILE-018, it is something else.
    """
    found = read_json(path, what)
    if not isinstance(found, dict):
        raise InputRefused("E-FILE-018", path, f"this {what} is {type(found).__name__}, not an object")
    return found


def listed(names: Sequence[str]) -> str:
    """How many, and the first of them."""
    return f"{len(names)}: {', '.join(names[:_LISTED])}"


def typed(path: Path) -> str:
    """A path as it is typed in a shell.

    >>> typed(Path("my videos/fit"))
    "'my videos/fit'"
    """
    return shlex.quote(str(path))
