"""Text that others wrote: byte-order marks, encodings, repeated keys of JSON; faults with their line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from augrgb.core.errors import InputRefused

WHOLE_FILE_LIMIT = 1 << 30
_HEAD = 8192


def head_of(path: Path) -> str:
    """The first kilobytes of a file as text, for guessing its format; "" for a folder or what is no text."""
    try:
        with open(path, "rb") as handle:
            return handle.read(_HEAD).decode("utf-8-sig", errors="ignore")
    except OSError:
        return ""


def files_below(path: Path, *suffixes: str) -> list[Path]:
    """The file itself, or the files of a folder (at any depth) with one of the suffixes, sorted by path.

    Raises:
        InputRefused: E-FILE-001: nothing there; E-FILE-006: no such file in the folder; E-FILE-009: not a file.
    """
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
        if not found:
            raise InputRefused("E-FILE-006", path, f"no {' or '.join(suffixes)} file in this folder")
        return found
    if not path.exists():
        raise InputRefused("E-FILE-001", path, "no such annotation file")
    if not path.is_file():
        raise InputRefused("E-FILE-009", path, "not a file or folder")
    return [path]


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open UTF-8 text (with or without byte-order mark) to be streamed line by line, however large.

    Raises:
        InputRefused: E-FILE-001 missing; E-FILE-002 another encoding.
    """
    files_below(path)
    with open(path, "rb") as handle:
        _refuse_utf16(path, handle.read(_HEAD))
    try:
        with open(path, encoding="utf-8-sig", newline="") as text:
            yield text
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 ({error.object[error.start : error.start + 1]!r} cannot be read)"
        raise InputRefused("E-FILE-002", path, problem, "Save it as UTF-8.") from error


def read_text(path: Path) -> str:
    """A whole UTF-8 file without its byte-order mark.

    Raises:
        InputRefused: E-FILE-001 missing; E-FILE-002 another encoding; E-FILE-003 larger than 1 GiB.
    """
    files_below(path)
    size = path.stat().st_size
    if size > WHOLE_FILE_LIMIT:
        problem = f"{size / 2**30:.1f} GiB; this format is read whole and may have 1 GiB"
        raise InputRefused("E-FILE-003", path, problem, "Split it, or use CSV, which is streamed.")
    data = path.read_bytes()
    _refuse_utf16(path, data[:_HEAD])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"not UTF-8 at byte {error.start} (line {line})"
        raise InputRefused("E-FILE-002", path, problem, "Save it as UTF-8.") from error


class RepeatedKey(Exception):
    """An object names a key (the argument) twice."""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For `json`'s `object_pairs_hook`: an object, or `RepeatedKey`."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise RepeatedKey(twice)
    return found


def _refuse_utf16(path: Path, head: bytes) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
        what = "UTF-16 text" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "text in UTF-16, or no text at all"
        raise InputRefused("E-FILE-002", path, f"this is {what}, expected UTF-8", "Save it as UTF-8.")
