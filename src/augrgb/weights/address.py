"""Download a file from an https address, going on where an interrupted download stopped."""

from __future__ import annotations

import http.client
import logging
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import urlparse

from augrgb.core.errors import EnvironmentFault, InputRefused
from augrgb.core.files import disk_faults
from augrgb.weights.entry import AddressSource

_PIECE = 2**18
_ATTEMPTS = 4
_TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_log = logging.getLogger(__name__)


def fetch_from_address(
    source: AddressSource, part: Path, *, limit: int, timeout_s: float = 60.0, pause_s: float = 1.0
) -> None:
    """Write a file to `part`; what is there already is taken for its beginning.

    The server is asked for the rest alone; if it sends the whole file, that replaces the beginning. Whether the result
    is the right file only its hash can say. What has arrived stays when the download fails.

    Args:
        source: The address; https, or http on this machine.
        part: Is continued or written. Its folder must exist.
        limit: Bytes that the file may have.
        timeout_s: How long the server may be silent.
        pause_s: Before the second attempt; doubled for each further one.

    Raises:
        EnvironmentFault: E-MOD-091 (the address cannot be reached or refuses), E-ENV-001 (the disk is full).
        InputRefused: E-FILE-003, the file is too large.
    """
    opener = urllib.request.build_opener(_SafeRedirects())
    for attempt in range(_ATTEMPTS):
        try:
            return _continue(opener, source, part, limit, timeout_s)
        except (OSError, http.client.HTTPException) as error:
            status = error.code if isinstance(error, urllib.error.HTTPError) else None
            if attempt == _ATTEMPTS - 1 or (status is not None and status not in _TEMPORARY):
                remedy = "Check the connection, then run the command again: it goes on where it stopped."
                raise EnvironmentFault("E-MOD-091", source, f"cannot be downloaded: {error}", remedy) from error
            _log.warning("%s: %s; trying again", source, error)
            time.sleep(pause_s * 2**attempt)


def _continue(
    opener: urllib.request.OpenerDirector, source: AddressSource, part: Path, limit: int, timeout_s: float
) -> None:
    """One attempt."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(_safe(source.url), headers={"User-Agent": "augrgb", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = opener.open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing after the beginning: it is whole, or of another file
            return
        raise
    with response:
        begin = have if response.status == 206 and _starts_at(response.headers.get("Content-Range", ""), have) else 0
        if have and not begin and response.status == 206:
            raise http.client.HTTPException("the server sent another part than asked for")
        with disk_faults(part):
            file = open(part, "ab" if begin else "wb")  # noqa: SIM115 - closed below
        with file:
            _copy(response, file, part, begin, limit, source)


def _copy(response: IO[bytes], file: IO[bytes], part: Path, size: int, limit: int, source: AddressSource) -> None:
    while piece := response.read(_PIECE):
        size += len(piece)
        if size > limit:
            raise InputRefused(
                "E-FILE-003", source, f"sends more than {limit} bytes", "It is another file than the catalog knows."
            )
        with disk_faults(part):
            file.write(piece)
    with disk_faults(part):
        file.flush()
    expected = getattr(response, "length", None)
    if expected:  # bytes that were announced and did not come
        raise http.client.IncompleteRead(b"", expected)


def _starts_at(content_range: str, begin: int) -> bool:
    """Whether a Content-Range header such as `bytes 100-199/200` begins there."""
    return content_range.removeprefix("bytes").strip().startswith(f"{begin}-")


def _safe(url: str) -> str:
    parts = urlparse(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise EnvironmentFault("E-MOD-091", url, "is not an https address", "Weights are fetched by https alone.")
    return url


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https addresses only."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        return super().redirect_request(req, fp, code, msg, headers, _safe(newurl))
