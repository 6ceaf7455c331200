"""The server under load: uploads from many slow clients at once, and its memory after thousands of connections.

    python benchmarks/server_load.py [--uploads 100] [--connections 10000]

A real server process with real sockets; the detector is a stand-in, so the server itself is measured. Every upload
comes in pieces over two seconds, beside clients that never end their request. Counted is what is lost: uploads that
were refused or are not there afterwards byte by byte, and jobs that did not run. Of the connections, half read the list
of videos, half vanish in the middle of a download.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

PIECES, SECONDS = 10, 2.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uploads", type=int, default=100)
    parser.add_argument("--connections", type=int, default=10_000)
    given = parser.parse_args()

    from support.server_client import wait_for
    from support.server_process import ServerProcess
    from support.video_samples import square_frames, write_video

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = write_video(folder / "film.mp4", square_frames(300, 320, 180), fps=10).read_bytes()
        server = ServerProcess(folder, silence_s=20.0)
        client: Any = server.start()
        try:
            _uploads(server, client, data, given.uploads, wait_for)
            _connections(server, client, given.connections)
        finally:
            server.kill()


def _uploads(server: Any, client: Any, data: bytes, count: int, wait_for: Any) -> None:
    import httpx

    def pieces() -> Iterator[bytes]:
        for place in range(PIECES):
            yield data[place * len(data) // PIECES : (place + 1) * len(data) // PIECES]
            time.sleep(SECONDS / PIECES)

    def one(number: int) -> int:
        with httpx.Client(base_url=str(client.base_url), timeout=120) as own:
            return own.post("/api/videos", params={"name": f"{number}.mp4"}, content=pieces()).status_code

    stuck = [server.connect() for _ in range(20)]
    for wire in stuck:
        wire.sendall(b"POST /api/videos HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never: ")
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        waits = [pool.submit(one, number) for number in range(count)]
        slowest = 0.0
        while not all(wait.done() for wait in waits):
            asked = time.monotonic()
            client.get("/api/health")
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.1)
        codes = [wait.result() for wait in waits]
    spent = time.monotonic() - began
    for wire in stuck:
        wire.close()
    wanted = hashlib.sha256(data).hexdigest()
    whole = [hashlib.sha256(path.read_bytes()).hexdigest() == wanted for path in server.folder.glob("work/uploads/*")]
    wait_for(lambda: all(job["state"] == "done" for job in client.get("/api/jobs").json()), 300)
    done = len(client.get("/api/jobs").json())
    print(f"{count} uploads of {len(data) / 2**20:.1f} MiB, {SECONDS:g} s each, at once, beside 20 that never end:")
    print(f"  taken {codes.count(201)}, on disk byte by byte {sum(whole)}, jobs done {done}; lost {count - sum(whole)}")
    print(f"  {spent:.1f} s in all; slowest answer to another client meanwhile {1000 * slowest:.0f} ms")


def _connections(server: Any, client: Any, count: int) -> None:
    import psutil

    process = psutil.Process(server.process.pid)
    video = client.get("/api/videos").json()[0]["id"]
    host = "Host: 127.0.0.1\r\n"
    requests = [
        f"GET /api/videos HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode(),
        f"GET /api/videos/{video}/media HTTP/1.1\r\n{host}\r\n".encode(),
    ]
    sizes = []
    for number in range(count + 1):
        if number in (count // 10, count):
            time.sleep(2)
            sizes.append((number, process.memory_info().rss / 2**20, process.num_fds(), process.num_threads()))
        with server.connect() as wire:
            wire.sendall(requests[number % 2])
            if number % 2 == 0:
                while wire.recv(2**16):
                    pass
    for number, size, files, threads in sizes:
        print(f"after {number} connections: {size:.0f} MiB, {files} files, {threads} threads")


if __name__ == "__main__":
    main()
