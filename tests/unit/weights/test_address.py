"""Weights from an address: a server on this machine that breaks off, ignores ranges, or has another file."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from augrgb.core.errors import EnvironmentFault, InputRefused
from augrgb.weights import AddressSource, WeightsEntry
from augrgb.weights import address as address_module
from augrgb.weights.address import fetch_from_address
from augrgb.weights.cache import entry_file, kept_file

CONTENT = np.random.default_rng(0).bytes(3_000_000)


@dataclass
class Server:
    """What the server does, and what it was asked for."""

    url: str = ""
    content: bytes = CONTENT
    breaks_after: int | None = None
    knows_ranges: bool = True
    fails: int = 0
    redirect: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            state.asked.append(asked)
            if state.redirect:
                self.send_response(302)
                self.send_header("Location", state.redirect)
                self.end_headers()
                return
            if state.fails:
                state.fails -= 1
                self.send_error(503)
                return
            if self.path != "/net.bin2":
                self.send_error(404)
                return
            begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.knows_ranges else 0
            if begin and begin >= len(state.content):
                self.send_error(416)
                return
            rest = state.content[begin:]
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(rest)))
            if begin:
                last = len(state.content) - 1
                self.send_header("Content-Range", f"bytes {begin}-{last}/{len(state.content)}")
            self.end_headers()
            if state.breaks_after is not None:
                rest, state.breaks_after = rest[: state.breaks_after], None
            self.wfile.write(rest)

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(address_module.time, "sleep", lambda _: None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{running.server_port}/net.bin2"
        yield state
        running.shutdown()
        thread.join()


@pytest.fixture
def entry(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsEntry:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return WeightsEntry("net", "a test", "MIT", AddressSource(server.url), sha256, len(CONTENT))


def test_fetched_checked_and_kept(entry: WeightsEntry, server: Server) -> None:
    path = entry_file(entry)
    assert path.read_bytes() == CONTENT and kept_file(entry) == path
    assert entry_file(entry) == path and server.asked == [""]


def test_an_interrupted_download_goes_on(entry: WeightsEntry, server: Server) -> None:
    server.breaks_after = 1_000_000
    assert entry_file(entry).read_bytes() == CONTENT
    assert server.asked == ["", "bytes=1000000-"]


def test_a_later_run_goes_on(entry: WeightsEntry, server: Server, tmp_path: Path) -> None:
    part = tmp_path / "augrgb" / "weights" / f".{entry.sha256[:16]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:2_000_000])
    assert entry_file(entry).read_bytes() == CONTENT
    assert server.asked == ["bytes=2000000-"]
    assert not part.exists()


def test_a_server_without_ranges_sends_all(entry: WeightsEntry, server: Server) -> None:
    server.breaks_after, server.knows_ranges = 1_000_000, False
    assert entry_file(entry).read_bytes() == CONTENT


@pytest.mark.parametrize("size", [1_000, len(CONTENT)])
def test_a_beginning_of_another_file_is_thrown_away(
    entry: WeightsEntry, server: Server, tmp_path: Path, size: int
) -> None:
    part = tmp_path / "augrgb" / "weights" / f".{entry.sha256[:16]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * size)
    assert entry_file(entry).read_bytes() == CONTENT


def test_busy_servers_are_asked_again_and_refusals_not(entry: WeightsEntry, server: Server, tmp_path: Path) -> None:
    server.fails = 2
    assert entry_file(entry).read_bytes() == CONTENT
    server.asked.clear()
    with pytest.raises(EnvironmentFault, match=r"E-MOD-091.*404"):
        fetch_from_address(AddressSource(f"{server.url}x"), tmp_path / "part", limit=10)
    assert len(server.asked) == 1


def test_another_file_is_refused(entry: WeightsEntry, server: Server) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(InputRefused, match="E-MOD-003"):
        entry_file(entry)
    server.content = CONTENT + b"more"
    with pytest.raises(InputRefused, match="E-FILE-003"):
        entry_file(entry)
    server.content = CONTENT
    assert entry_file(entry).read_bytes() == CONTENT


def test_only_https_even_after_a_redirect(entry: WeightsEntry, server: Server, tmp_path: Path) -> None:
    for url in ("http://example.org/net", "ftp://example.org/net", (tmp_path / "x").as_uri()):
        with pytest.raises(EnvironmentFault, match=r"E-MOD-091.*https"):
            fetch_from_address(AddressSource(url), tmp_path / "part", limit=10)
    server.redirect = "http://example.org/net"
    with pytest.raises(EnvironmentFault, match=r"E-MOD-091.*https"):
        entry_file(entry)
