"""In which encoding a text file is: byte-order marks, UTF-16, what an XML declaration names, UTF-8, Windows-1252."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.opening import open_regular

HEAD = 8192
_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*\bencoding=["']([A-Za-z0-9._-]+)["']""")
_WESTERN = ("windows-1252", "latin-1")
_REMEDY = "Save it as UTF-8, or name its encoding: --set encoding=cp932."
_named: ContextVar[str | None] = ContextVar("encoding", default=None)


@contextmanager
def read_as(encoding: object) -> Iterator[None]:
    """Inside, text is in this encoding whatever it looks like; None = decided by its bytes.

    Raises:
        UsageFault: E-CFG-003: no encoding of text has this name.
    """
    if encoding is not None:
        try:
            "".encode(str(encoding))
        except (LookupError, ValueError) as error:
            expected = "Expected a name such as utf-16-le, cp932, gb18030 or latin-1."
            raise UsageFault("E-CFG-003", "--set encoding", f"is {encoding!r}", expected) from error
    token = _named.set(None if encoding is None else str(encoding))
    try:
        yield
    finally:
        _named.reset(token)


def encoding_of(path: Path) -> str:
    """The encoding of a text file, decided by its bytes; the whole file is read, in pieces.

    UTF-8 is proven by decoding. What is not UTF-8 and has no other sign is taken for Windows-1252 (or Latin-1, where
    that has no such byte), which `is_assumed` tells apart: a reader of the names should know.

    Raises:
        InputRefused: E-FILE-002: no text, or UTF-8 that breaks off or is damaged, with the line.
    """
    with open_regular(path, "text file") as handle:
        head = handle.read(HEAD)
    named = _named.get()
    if named is not None:
        _prove(path, named)
        return named
    known = encoding_of_head(head)
    if known is None:
        raise InputRefused("E-FILE-002", path, "not a text file (it has zero bytes)", _REMEDY)
    if known not in ("utf-8", "utf-8-sig"):
        _prove(path, known)
        return known
    fault = _first_fault(path)
    if fault is None:
        return known
    place, line, beyond_ascii = fault
    if known == "utf-8-sig" or beyond_ascii:  # the rest is UTF-8, so this is damage and no other encoding
        raise InputRefused("E-FILE-002", path, f"UTF-8 that is damaged at byte {place} (line {line})", _REMEDY)
    return _western(path)


def encoding_of_head(head: bytes) -> str | None:
    """The encoding that the first kilobytes show: "utf-8" where nothing speaks against it, None for what is no text.

    >>> encoding_of_head("video".encode("utf-16-le")), encoding_of_head(b"video"), encoding_of_head(bytes(8))
    ('utf-16-le', 'utf-8', None)
    """
    named = _named.get()
    if named is not None:
        return named
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        pairs = len(head) // 2
        zeros = {"utf-16-be": head[: 2 * pairs : 2].count(0), "utf-16-le": head[1 : 2 * pairs : 2].count(0)}
        most, least = max(zeros, key=zeros.__getitem__), min(zeros.values())
        return most if zeros[most] > 0.4 * pairs and least <= 0.05 * pairs else None
    declared = _DECLARED.match(head)
    if declared:
        try:
            "".encode(declared[1].decode())  # a LookupError also for codecs that are not of text, such as zlib
            name = codecs.lookup(declared[1].decode()).name
        except (LookupError, ValueError):
            return "utf-8"
        return name if not name.startswith("utf") else "utf-8"
    return "utf-8"


def is_assumed(encoding: str) -> bool:
    """Whether nothing in the file says that this is its encoding."""
    return encoding in _WESTERN and _named.get() is None


def decoded_head(head: bytes) -> str:
    """The first kilobytes as text with `\\n` at the end of each line; "" for what is no text."""
    known = encoding_of_head(head)
    if known is None:
        return ""
    text = head.decode(known, errors="replace" if known in ("utf-8", "utf-8-sig") else "ignore")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _prove(path: Path, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with open_regular(path, "text file") as handle:
            while piece := handle.read(_CHUNK):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        said = "was said" if _named.get() else "it seems"
        raise InputRefused("E-FILE-002", path, f"not {encoding.upper()} as {said} ({error})", _REMEDY) from error


def _first_fault(path: Path) -> tuple[int, int, bool] | None:
    """Byte and line of the first fault of UTF-8, and whether a character beyond ASCII was read up to there."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    at, line, beyond_ascii = 0, 1, False
    with open_regular(path, "text file") as handle:
        while True:
            piece = handle.read(_CHUNK)
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                before = error.object[: error.start]
                beyond_ascii = beyond_ascii or not before.isascii()
                return at - held + error.start, line + before.count(b"\n"), beyond_ascii
            beyond_ascii = beyond_ascii or not text.isascii()
            at += len(piece)
            line += text.count("\n")
            if not piece:
                return None


def _western(path: Path) -> str:
    try:
        _prove(path, _WESTERN[0])
    except InputRefused:
        return _WESTERN[1]
    return _WESTERN[0]
