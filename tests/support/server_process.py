"""A server in a process, with a detector that needs no model: for what only real sockets and signals show.

Run as `python -m support.server_process FOLDER PORT SILENCE_S [TOKEN]`. A job waits while `FOLDER/hold` exists.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from support.places import ROOT

SILENCE_S = 1.0


class ServerProcess:
    """Starts, kills and talks to a server whose files are below a folder."""

    def __init__(self, folder: Path, token: str | None = None, *, silence_s: float = SILENCE_S) -> None:
        self.folder, self.token, self.silence_s = folder, token, silence_s
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> httpx.Client:
        """A client of the server, once it answers."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", self.port))
            self.port = int(probe.getsockname()[1])
        paths = [str(ROOT / "src"), str(ROOT / "tests")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        words = [sys.executable, "-m", "support.server_process", str(self.folder), str(self.port), str(self.silence_s)]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                words + ([self.token] if self.token else []), env=environment, stdout=log, stderr=log
            )
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=30)
        until = time.monotonic() + 240
        while True:
            try:
                assert client.get("/api/health").status_code == 200
                return client
            except httpx.TransportError:
                assert self.process.poll() is None and time.monotonic() < until, (self.folder / "log").read_text()
                time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def connect(self) -> socket.socket:
        """A raw connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def serve(folder: Path, port: int, silence_s: float, token: str | None) -> None:
    """In the process: listen until killed."""
    from augrgb.server import listening
    from augrgb.server.app import create_app
    from support.server_client import FakeDetector, make_settings

    class HeldDetector(FakeDetector):
        def __call__(self, path: Path, on_progress: Callable[[float], object]) -> Any:
            while (folder / "hold").exists():
                on_progress(0.5)
                time.sleep(0.02)
            return super().__call__(path, on_progress)

    listening.HEADER_S = silence_s
    settings = make_settings(folder, port=port, token=token, limits={"silence_s": silence_s})
    listening.listen(create_app(settings, HeldDetector()), settings)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None)
