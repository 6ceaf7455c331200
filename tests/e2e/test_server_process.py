"""What only real sockets and signals show: a killed server, slow and vanishing clients, what the log says."""

from __future__ import annotations

import concurrent.futures
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from support.server_client import upload, video_bytes, wait_for, wait_for_job
from support.server_process import SILENCE_S, ServerProcess

TOKEN = "a token that nobody may read in a log"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    found = ServerProcess(tmp_path_factory.mktemp("server"), TOKEN)
    found.start().close()
    yield found
    found.kill()


@pytest.fixture
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=30) as found:
        yield found


def reply_to(server: ServerProcess, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """Everything that the server says before it closes the connection."""
    said = b""
    with server.connect() as wire:
        for piece in pieces:
            wire.sendall(piece)
            time.sleep(pause_s)
        with contextlib.suppress(ConnectionResetError):
            while part := wire.recv(65536):
                said += part
    return said


def test_killed_in_the_middle_of_a_job_nothing_is_lost(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    (tmp_path / "hold").touch()
    client: Any = server.start()
    try:
        videos = [upload(client, video_bytes(tmp_path), f"{n}.mp4") for n in range(3)]
        wait_for_job(client, videos[0]["id"], "running")
        path = f"/api/videos/{videos[0]['id']}/annotations"
        assert client.put(path, json={"based_on": 0, "document": {"reviewed": [[0.0, 0.5]]}}).status_code == 200
        with server.connect() as wire:  # an upload is coming in
            head = f"POST /api/videos HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 2000000\r\n\r\n"
            wire.sendall(head.encode() + b"x" * 1_500_000)
            wait_for(lambda: len(list((tmp_path / "work" / "uploads").iterdir())) == 4)
            server.kill()
        (tmp_path / "hold").unlink()
        client = server.start()
        assert [wait_for_job(client, one["id"])["attempts"] for one in videos] == [2, 1, 1]
        assert client.get(path).json()["version"] == 1
        assert len(list((tmp_path / "work" / "uploads").iterdir())) == 3  # the half one is gone
        assert [one["name"] for one in client.get("/api/videos").json()] == ["0.mp4", "1.mp4", "2.mp4"]
    finally:
        server.kill()


def test_slow_clients_are_let_go_and_hold_up_nobody(server: ServerProcess, client: httpx.Client) -> None:
    host = f"Host: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
    slow = {
        "half a header": [b"GET /api/health HTTP/1.1\r\nX-A: "],
        "half an upload": [b"POST /api/videos HTTP/1.1\r\nContent-Length: 1000\r\n" + host + b"\r\n", b"half"],
        "half a body": [b"POST /api/login HTTP/1.1\r\nContent-Length: 99\r\n" + host + b"\r\n", b"{"],
    }
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(slow)) as pool:
        waiting = {name: pool.submit(reply_to, server, *pieces) for name, pieces in slow.items()}
        assert client.get("/api/videos").status_code == 200
        said = {name: one.result() for name, one in waiting.items()}
    assert time.monotonic() - began < 15 * SILENCE_S
    assert said["half a header"] == b""
    assert b"408" in said["half an upload"] and b"E-SRV-003" in said["half an upload"]
    assert b"408" in said["half a body"]
    assert list((server.folder / "work" / "uploads").iterdir()) == []


def test_a_slow_but_steady_upload_is_taken(server: ServerProcess, client: httpx.Client, tmp_path: Path) -> None:
    data = video_bytes(tmp_path)

    def drops() -> Iterator[bytes]:
        for place in range(8):
            time.sleep(SILENCE_S / 4)  # slower in all than one silence may last
            yield data[place * len(data) // 8 : (place + 1) * len(data) // 8]

    response = client.post("/api/videos", params={"name": "slow.mp4"}, content=drops())
    assert response.status_code == 201, response.text
    client.delete(f"/api/videos/{response.json()['id']}")


def test_a_header_without_end_is_refused(server: ServerProcess) -> None:
    said = reply_to(server, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: " + b"a" * 200_000 + b"\r\n")
    assert said == b"" or said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))


@pytest.mark.parametrize("attack", [b"X: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"X: a\x00b\r\n"])
def test_ambiguous_or_broken_headers_never_reach_the_application(server: ServerProcess, attack: bytes) -> None:
    said = reply_to(
        server, b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\n" + attack + b"\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"
    )
    assert b"200 OK" not in said


def test_clients_that_vanish_leave_nothing_behind(server: ServerProcess, client: httpx.Client, tmp_path: Path) -> None:
    video = upload(client, video_bytes(tmp_path, 600), "long.mp4")  # type: ignore[arg-type]
    assert server.process is not None
    process = psutil.Process(server.process.pid)

    def vanish(count: int) -> None:
        for number in range(count):
            with server.connect() as wire:
                path = "/media" if number % 2 else "/result"
                line = f"GET /api/videos/{video['id']}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                wire.sendall(f"{line}Authorization: Bearer {TOKEN}\r\n\r\n".encode())

    vanish(200)  # until the pool of threads is full
    wait_for(lambda: len(process.net_connections()) <= 3)
    files, memory = process.num_fds(), process.memory_info().rss
    vanish(300)
    wait_for(lambda: len(process.net_connections()) <= 3)
    wait_for(lambda: process.num_fds() <= files + 2)
    assert process.memory_info().rss - memory < 24 * 2**20
    client.delete(f"/api/videos/{video['id']}")


def test_the_log_has_neither_tokens_nor_names(server: ServerProcess, client: httpx.Client, tmp_path: Path) -> None:
    video = upload(client, video_bytes(tmp_path), "Private Person.mp4")  # type: ignore[arg-type]
    client.post("/api/login", json={"token": "a guess that is wrong"})
    client.get("/api/videos", params={"token": TOKEN})
    client.get("/api/videos/%0d%0aSet-Cookie:%20x=1")
    client.delete(f"/api/videos/{video['id']}")
    log = (server.folder / "log").read_text()
    for secret in (TOKEN, "Private Person", "a guess"):
        assert secret not in log
