"""What every request must pass: the name it calls us by, where it comes from, the token, and how much it sends."""

from __future__ import annotations

import asyncio
import collections
import hashlib
import hmac
import ipaddress
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.server.security.problems import answer
from augrgb.server.settings import ServerSettings, is_loopback

COOKIE = "augrgb_session"
UPLOAD_PATH = "/api/videos"
_OPEN_PATHS = ("/api/health", "/api/login")
_READING = ("GET", "HEAD")
_LENGTH_DIGITS = 18
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app, self._settings = app, settings
        self._session = session_of(settings.token) if settings.token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                more = [(key.lower().encode(), value.encode()) for key, value in _HEADERS.items()]
                if b"cache-control" not in present:
                    more.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check_origin(scope, headers)
            self._check_token(scope, headers)
            if not (scope["method"] == "POST" and scope["path"] == UPLOAD_PATH):
                receive = await self._whole_body(headers, receive)
        except AugrgbError as fault:
            await answer(fault)(scope, receive, protected)
            return
        await self._app(scope, receive, protected)

    def _check_origin(self, scope: Scope, headers: dict[str, str]) -> None:
        host = headers.get("host", "")
        if sum(name == b"host" for name, _ in scope["headers"]) != 1 or not self._is_our_name(host):
            remedy = "Use the address that the server printed, or start it with --allow-host NAME."
            raise InputRefused("E-SRV-006", "host", "this server does not go by that name", remedy)
        origin = headers.get("origin")
        other = origin is not None and _netloc(origin) != host.lower()
        from_elsewhere = headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        opening = scope["path"] == "/" and scope["method"] in _READING
        if (other or from_elsewhere) and not opening:
            raise InputRefused(
                "E-SRV-006", "origin", "the request comes from another page", "Use the server's own page."
            )

    def _is_our_name(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        try:
            address = ipaddress.ip_address(name)
            return address.is_loopback or not is_loopback(self._settings.host)  # an address cannot be rebound
        except ValueError:
            return name in ("localhost", *(known.lower() for known in self._settings.allowed_hosts))

    def _check_token(self, scope: Scope, headers: dict[str, str]) -> None:
        if self._session is None or not scope["path"].startswith("/api/") or scope["path"] in _OPEN_PATHS:
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and same(session_of(given.strip()), self._session):
            return
        cookie = SimpleCookie()
        try:
            cookie.load(headers.get("cookie", ""))
        except CookieError:
            cookie = SimpleCookie()
        if COOKIE not in cookie or not same(cookie[COOKIE].value, self._session):
            raise InputRefused("E-SRV-007", "token", "the token is missing or wrong", "Log in with the server's token.")

    async def _whole_body(self, headers: dict[str, str], receive: Receive) -> Receive:
        limits = self._settings.limits
        if declared_bytes(headers.get("content-length")) > limits.json_bytes:
            raise _too_large(limits.json_bytes)
        body = bytearray()
        more = "content-length" in headers or "transfer-encoding" in headers
        deadline = time.monotonic() + limits.silence_s
        while more:
            try:
                message = await asyncio.wait_for(receive(), max(0.01, deadline - time.monotonic()))
            except TimeoutError:
                raise InputRefused("E-SRV-003", "request", "the request came too slowly", "Try again.") from None
            if message["type"] == "http.disconnect":
                break
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limits.json_bytes:
                raise _too_large(limits.json_bytes)
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        return replay


class LoginLimit:
    """At most so many failed logins per minute, from all clients together."""

    def __init__(self, most: int = 20, seconds: float = 60.0) -> None:
        self._most, self._seconds = most, seconds
        self._failed: collections.deque[float] = collections.deque()

    def check(self) -> None:
        """Before a login.

        Raises:
            InputRefused: E-SRV-015: too many have failed.
        """
        now = time.monotonic()
        while self._failed and now - self._failed[0] > self._seconds:
            self._failed.popleft()
        if len(self._failed) >= self._most:
            raise InputRefused("E-SRV-015", "login", "too many logins have failed", "Wait a minute.")

    def failed(self) -> None:
        """After a login with a wrong token."""
        self._failed.append(time.monotonic())


def declared_bytes(header: str | None) -> int:
    """What a request says about the length of its body; 0 where it says nothing that can be true.

    >>> declared_bytes("12"), declared_bytes(None), declared_bytes("²"), declared_bytes("9" * 5000) > 10**17
    (12, 0, 0, True)
    """
    digits = header or ""
    return int(digits[:_LENGTH_DIGITS]) if digits.isascii() and digits.isdigit() else 0


def _netloc(origin: str) -> str | None:
    """The host and port of an origin; None if it is no address."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def session_of(token: str) -> str:
    """The cookie of everybody who knows a token; the token cannot be found from it."""
    return hmac.new(token.encode("utf-8", "replace"), b"augrgb session", hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare secrets in a time that tells nothing about them."""
    return hmac.compare_digest(one.encode(), other.encode())


def _too_large(limit: int) -> InputRefused:
    return InputRefused("E-SRV-001", "request", f"more than {limit / 2**20:.0f} MiB", "Send less at a time.")
