"""Text, JSON and XML that others wrote: byte-order marks, encodings, repeated keys, bombs; faults with their line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

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
        InputRefused: E-FILE-001: nothing there.
    """
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
        if not found:
            raise InputRefused("E-FILE-001", path, f"no {' or '.join(suffixes)} file in this folder")
        return found
    if not path.exists():
        raise InputRefused("E-FILE-001", path, "no such annotation file")
    if not path.is_file():
        raise InputRefused("E-FILE-001", path, "not a file or folder")
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


def read_json_text(path: Path) -> Any:
    """Any JSON value; a key given twice in one object is refused, since one of the two would be lost.

    Raises:
        InputRefused: As `read_text`; E-FILE-002 with line and column; E-ID-001 with the lines of a repeated key.
    """
    text = read_text(path)

    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except json.JSONDecodeError as error:
        problem = f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        raise InputRefused("E-FILE-002", path, problem) from error
    except RepeatedKey as error:
        key = error.args[0]
        places = re.finditer(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:", text)
        lines = ", ".join(str(text.count("\n", 0, m.start()) + 1) for m in places)
        remedy = "Keep one of them."
        raise InputRefused("E-ID-001", path, f"the key {key!r} is given twice (line {lines})", remedy) from error
    except RecursionError as error:
        raise InputRefused("E-FILE-002", path, "not valid JSON: nested too deeply") from error
    except ValueError as error:
        raise InputRefused("E-FILE-002", path, f"not valid JSON: {error}") from error


def read_xml(path: Path) -> Element:
    """The root of an XML file. Document types, entities and external references are refused.

    Raises:
        InputRefused: As `read_text`; E-FILE-002 with line and column; E-FILE-004 for a DTD or an entity.
    """
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", read_text(path), count=1)  # the declared encoding is checked already
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except DefusedXmlException as error:
        problem = f"has a document type or an entity ({type(error).__name__})"
        raise InputRefused("E-FILE-004", path, problem, "Annotation tools write none; remove it.") from error
    except ParseError as error:
        line, column = error.position
        problem = f"not valid XML at line {line}, column {column + 1}: {str(error).split(':')[0]}"
        raise InputRefused("E-FILE-002", path, problem) from error
    return root


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
