"""Parts of files by HTTP range (RFC 9110, section 14): what a player asks for when somebody seeks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio
from fastapi.responses import Response, StreamingResponse

_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.ASCII)
_PIECE = 2**18


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `first` up to before `stop`."""

    first: int
    stop: int


class Unsatisfiable(Exception):
    """No byte of the file is in the range."""


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The range that a header asks for; None = the whole file, as for headers that are no single range of bytes.

    Raises:
        Unsatisfiable: It lies behind the end.

    >>> parse_range("bytes=2-5", 10), parse_range("bytes=-3", 10), parse_range("bytes=0-1,4-5", 10)
    (ByteRange(first=2, stop=6), ByteRange(first=7, stop=10), None)
    """
    found = _ONE_RANGE.fullmatch(header or "")
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        if length == 0:
            raise Unsatisfiable
        return ByteRange(size - length, size)
    first = int(found[1])
    stop = min(int(found[2]) + 1, size) if found[2] else size
    if found[2] and int(found[2]) < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return ByteRange(first, stop)


def file_response(path: Path, header: str | None, media_type: str) -> Response:
    """A file, or the part of it that a range header asks for."""
    size = path.stat().st_size
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    try:
        part = parse_range(header, size)
    except Unsatisfiable:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    if part is None:
        headers["Content-Length"] = str(size)
        return StreamingResponse(_pieces(path, 0, size), 200, headers, media_type)
    headers["Content-Length"] = str(part.stop - part.first)
    headers["Content-Range"] = f"bytes {part.first}-{part.stop - 1}/{size}"
    return StreamingResponse(_pieces(path, part.first, part.stop), 206, headers, media_type)


async def _pieces(path: Path, first: int, stop: int) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        await file.seek(first)
        while first < stop:
            piece = await file.read(min(_PIECE, stop - first))
            if not piece:
                return
            first += len(piece)
            yield piece
