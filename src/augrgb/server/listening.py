"""Run the application with uvicorn: bounded connections, and none that sends nothing for long."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from augrgb.server.settings import ServerSettings

HEADER_S = 20.0
_HEADER_BYTES = 32 * 1024


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose request has no complete header `HEADER_S` seconds after its first byte.

    A new connection counts from its beginning. Between two requests uvicorn's own time limit holds.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_S, self.transport.close)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and self._is_between_requests():
            self._deadline = self.loop.call_later(HEADER_S, self.transport.close)
        super().data_received(data)
        if not self._is_between_requests():
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def listen(app: FastAPI, settings: ServerSettings) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=PatientProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.limits.connections,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=_HEADER_BYTES,
    )
    uvicorn.Server(config).run()
