"""Messages by HTTP POST, at least once, signed; what cannot be delivered waits on disk."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from augrgb.core.errors import UsageFault
from augrgb.watching.addresses import Forbidden, check_public, public_addresses, split_address
from augrgb.watching.payload import event_id
from augrgb.watching.signatures import signature
from augrgb.watching.sink import Sink
from augrgb.watching.spool import Spool, Spooled

RETRY_S = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Waits between attempts; the last one again and again."""
_AGAIN = {408, 429}
_GONE = 410


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where messages go.

    Args:
        url: `https://...` or `http://...`.
        spool: Folder of the messages that wait.
        secrets: They sign every message, see `read_secrets`; none = not signed.
        allow_private: Allow addresses of this machine and its networks.
        timeout_s: For connecting, and for the answer.
        most: Messages that may wait.
        retry_s: See `RETRY_S`.
    """

    url: str = field(repr=False)
    spool: Path
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    allow_private: bool = False
    timeout_s: float = 10.0
    most: int = 10_000
    retry_s: tuple[float, ...] = RETRY_S


class Webhook(Sink):
    """Posts every message to one address, in order. Redirects are not followed.

    A 2xx answer is success. Network errors, 408, 429 and 5xx are tried again; any other answer means that the message
    is refused, and 410 that no more are wanted.

    Args:
        settings: Where to.
        warn: Called with a sentence when something is lost or the address fails.

    Raises:
        UsageFault: E-CFG-027, an address to which nothing may be sent.
        AugrgbError: The spool cannot be written.
    """

    def __init__(self, settings: WebhookSettings, warn: Callable[[str], object] = lambda text: None) -> None:
        self._settings, self._warn = settings, warn
        self._url = _checked(settings)
        self.shown = f"{self._url.scheme}://{self._url.netloc}"  # many services have the secret in the path
        self._tls = ssl.create_default_context() if self._url.scheme == "https" else None
        self._spool = Spool(settings.spool, settings.most)
        self._closing = threading.Event()
        self._disabled = False
        self.delivered = self.refused = 0
        self._thread = threading.Thread(target=self._deliver, daemon=True)
        self._thread.start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Keep the message on disk; a thread delivers it."""
        if self._disabled:
            self.refused += 1
            return
        body = json.dumps(message, ensure_ascii=False, allow_nan=False)
        name = "msg_" + event_id(body)
        self._spool.put(Spooled(name, int(time.time()), body))

    @property
    def waiting(self) -> int:
        """Messages that are not delivered yet."""
        return len(self._spool)

    @property
    def dropped(self) -> int:
        """Messages that were given up because too many waited."""
        return self._spool.dropped

    def close(self, patience_s: float) -> None:
        """Deliver what waits, for so long at most; the rest is kept for the next start."""
        until_s = time.monotonic() + patience_s
        while len(self._spool) and time.monotonic() < until_s and not self._disabled:
            time.sleep(0.02)
        self._closing.set()
        self._thread.join(max(0.1, until_s - time.monotonic()))

    def _deliver(self) -> None:
        """In a thread."""
        attempt = 0
        while not self._closing.is_set():
            found = self._spool.first(0.2)
            if found is None:
                continue
            name, message = found
            problem, final = self._post(message)
            if not problem:
                self.delivered += 1
                attempt = 0
            elif final:
                self.refused += 1
                attempt = 0
                self._warn(f"{self.shown}: {problem}; the message is given up")
            else:
                wait_s = self._settings.retry_s[min(attempt, len(self._settings.retry_s) - 1)]
                wait_s *= random.uniform(0.8, 1.2)
                if attempt == 0:
                    self._warn(f"{self.shown}: {problem}; messages wait in {self._settings.spool}")
                attempt += 1
                self._closing.wait(wait_s)
                continue
            self._spool.done(name)
            if self._disabled:
                return

    def _post(self, message: Spooled) -> tuple[str, bool]:
        """What went wrong ("" = delivered), and whether trying again is pointless."""
        body, now = message.body.encode(), int(time.time())
        headers = {"content-type": "application/json", "user-agent": "augrgb", "webhook-id": message.id}
        headers["webhook-timestamp"] = str(now)
        if self._settings.secrets:
            headers["webhook-signature"] = signature(self._settings.secrets, message.id, now, body)
        try:
            status = self._answer(body, headers)
        except Forbidden as error:
            return str(error), False  # a name may lead elsewhere for a while
        except (OSError, http.client.HTTPException, ssl.SSLError, UnicodeError) as error:
            return f"cannot be reached ({type(error).__name__}: {error})", False
        if 200 <= status < 300:
            return "", False
        if status == _GONE:
            self._disabled = True
            return "answered 410: no more messages are wanted", True
        return f"answered {status}", not (status in _AGAIN or status >= 500)

    def _answer(self, body: bytes, headers: Mapping[str, str]) -> int:
        url, settings = self._url, self._settings
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = public_addresses(host, port, allow_private=settings.allow_private)
        raw = _connected(addresses, port, settings.timeout_s)
        with contextlib.closing(raw):
            connection = http.client.HTTPConnection(host, port, timeout=settings.timeout_s)
            connection.sock = self._tls.wrap_socket(raw, server_hostname=host) if self._tls is not None else raw
            try:
                target = (url.path or "/") + (f"?{url.query}" if url.query else "")
                connection.request("POST", target, body, {**headers, "connection": "close"})
                return connection.getresponse().status
            finally:
                connection.close()


def _connected(addresses: Sequence[str], port: int, timeout_s: float) -> socket.socket:
    """A connection to the first address that takes one.

    Raises:
        OSError: None does; that of the last one.
    """
    for address in addresses[:-1]:  # such as an IPv6 address where there is no IPv6
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), timeout_s)
    return socket.create_connection((addresses[-1], port), timeout_s)


def _checked(settings: WebhookSettings) -> SplitResult:
    remedy = "Write it like https://HOST/PATH."
    url = split_address(settings.url, "--webhook", ("http", "https"), remedy)
    host = url.netloc.rpartition("@")[2]
    if "@" in url.netloc or url.hostname is None:
        raise UsageFault("E-CFG-027", f"--webhook {host}", "has a user name, which is not sent", remedy)
    if not settings.allow_private:
        with contextlib.suppress(ValueError):  # a name: checked at every connection
            try:
                check_public([url.hostname])
            except Forbidden as error:
                raise UsageFault("E-CFG-027", f"--webhook {host}", str(error), "Add --webhook-private.") from None
        if url.hostname.lower() == "localhost":
            raise UsageFault("E-CFG-027", f"--webhook {host}", "is this machine", "Add --webhook-private.")
    return url
