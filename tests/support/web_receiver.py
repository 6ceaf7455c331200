"""A small HTTP server on the loopback that answers as it is told and keeps what it got."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """`answers` are used up one after another, then `answer` holds."""

    def __init__(self) -> None:
        self.answer = 200
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes, int]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.answers.pop(0) if receiver.answers else receiver.answer
                receiver.got.append(({key.lower(): value for key, value in self.headers.items()}, body, status))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def delivered(self) -> list[tuple[dict[str, str], bytes]]:
        """What was answered with success."""
        return [(headers, body) for headers, body, status in self.got if 200 <= status < 300]

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """A server that is closed afterwards."""
    found = Receiver()
    try:
        yield found
    finally:
        found.close()
