"""A TCP proxy that misbehaves on demand: it stalls, resets, trickles, refuses, talks nonsense."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator


class FaultProxy:
    """Between a client and a server on the loopback.

    Set `mode` at any time: `pass`; `stall` (connections stay, nothing goes through); `trickle` (a few bytes a second);
    `refuse` (new connections are reset at once); `garbage` or an answer in `answer` for every new connection.
    """

    def __init__(self, target_port: int) -> None:
        self.mode = "pass"
        self.answer = b"\x00\xffnonsense" * 200
        self.connections = 0
        self.bytes_per_s = 200
        self._target = target_port
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """End every connection with a reset."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            _abort(end)

    def close(self) -> None:
        """Stop."""
        self._closing = True
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.mode == "refuse":
                _abort(client)
            elif self.mode == "garbage":
                client.settimeout(5.0)
                with contextlib.suppress(OSError):
                    while client.recv(1000):
                        client.sendall(self.answer)
                client.close()
            else:
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            _abort(client)
            return
        ends = {client: server, server: client}
        with self._lock:
            self._open |= set(ends)
        try:
            while True:
                if self.mode == "stall":
                    time.sleep(0.02)
                    if client.fileno() < 0 or server.fileno() < 0:
                        return
                    continue
                ready, _, _ = select.select(list(ends), [], [], 0.2)
                for end in ready:
                    data = end.recv(self.bytes_per_s // 10 if self.mode == "trickle" else 65536)
                    if not data:
                        return
                    if self.mode == "trickle":
                        time.sleep(0.1)
                    ends[end].sendall(data)
        except (OSError, ValueError):
            return
        finally:
            with self._lock:
                self._open -= set(ends)
            for end in ends:
                end.close()


def _abort(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextlib.contextmanager
def fault_proxy(target_port: int) -> Iterator[FaultProxy]:
    """A proxy that is closed afterwards."""
    proxy = FaultProxy(target_port)
    try:
        yield proxy
    finally:
        proxy.close()
