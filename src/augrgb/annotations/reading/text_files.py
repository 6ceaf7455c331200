"""Text that others wrote, in whatever encoding and with whatever line ends; repeated keys of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from augrgb.annotations.reading.encodings import HEAD, decoded_head, encoding_of
from augrgb.core.errors import InputRefused

WHOLE_FILE_LIMIT = 1 << 30


def head_of(path: Path) -> str:
    """The first kilobytes of a file as text, for guessing its format; "" for a folder or what is no text.

    Lines end with `\\n`, whatever the file has.
    """
    try:
        with open(path, "rb") as handle:
            return decoded_head(handle.read(HEAD))
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
    """Open text of any encoding to be streamed line by line, however large; lines may end in LF, CRLF or CR.

    Raises:
        InputRefused: E-FILE-001 missing; E-FILE-002 no text, or damaged.
    """
    files_below(path)
    with open(path, encoding=encoding_of(path), newline="") as text:
        yield text


def read_text(path: Path) -> str:
    """A whole text file without its byte-order mark.

    Raises:
        InputRefused: E-FILE-001 missing; E-FILE-002 no text, or damaged; E-FILE-003 larger than 1 GiB.
    """
    files_below(path)
    size = path.stat().st_size
    if size > WHOLE_FILE_LIMIT:
        problem = f"{size / 2**30:.1f} GiB; this format is read whole and may have 1 GiB"
        raise InputRefused("E-FILE-003", path, problem, "Split it, or use CSV, which is streamed.")
    return path.read_bytes().decode(encoding_of(path))


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
