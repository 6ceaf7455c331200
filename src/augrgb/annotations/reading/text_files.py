"""Text that others wrote, in whatever encoding and with whatever line ends; repeated keys of JSON."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from augrgb.annotations.reading.encodings import HEAD, decoded_head, encoding_of
from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.opening import is_folder, open_regular, read_bytes, regular_file
from augrgb.core.searching import files_in

WHOLE_FILE_LIMIT = 1 << 30


def head_of(path: Path) -> str:
    """The first kilobytes of a file as text, for guessing its format; "" for a folder or what is no text.

    Lines end with `\\n`, whatever the file has.
    """
    try:
        with open_regular(path) as handle:
            return decoded_head(handle.read(HEAD))
    except AugrgbError:
        return ""


def files_below(path: Path, *suffixes: str) -> list[Path]:
    """The file itself, or the files of a folder (at any depth) with one of the suffixes, sorted by path.

    Raises:
        InputRefused: E-FILE-001: nothing there; E-FILE-006: no such file in the folder; E-FILE-009: not a file.
    """
    if is_folder(path):
        found = files_in(path, *suffixes, deep=True)
        if not found:
            raise InputRefused("E-FILE-006", path, f"no {' or '.join(suffixes)} file in this folder")
        return found
    return [regular_file(path, "annotation file")]


def first_below(path: Path, *suffixes: str) -> Path:
    """The first file of a folder with one of the suffixes, to see by what its files are; else the path itself."""
    if not is_folder(path):
        return path
    return next(iter(files_in(path, *suffixes, deep=True)), path)


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open text of any encoding to be streamed line by line, however large; lines may end in LF, CRLF or CR.

    Raises:
        InputRefused: E-FILE-001 missing; E-FILE-002 no text, or damaged.
    """
    files_below(path)
    encoding = encoding_of(path)
    with (
        open_regular(path, "annotation file") as handle,
        io.TextIOWrapper(handle, encoding=encoding, newline="") as text,
    ):
        yield text


def read_text(path: Path) -> str:
    """A whole text file without its byte-order mark.

    Raises:
        InputRefused: E-FILE-001 missing; E-FILE-002 no text, or damaged; E-FILE-003 larger than 1 GiB.
    """
    files_below(path)
    data = read_bytes(path, "annotation file", WHOLE_FILE_LIMIT)
    return data.decode(encoding_of(path))


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
