"""Logging in, and what the page needs to know about a server."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from augrgb import __version__
from augrgb.core.errors import InputRefused
from augrgb.server.annotations.documents import Strict
from augrgb.server.annotations.exports import writable_formats
from augrgb.server.review.orders import ORDERS, USUAL_ORDER
from augrgb.server.security.guard import COOKIE, LoginLimit, same, session_of
from augrgb.server.service import Service


class Login(Strict):
    """A token."""

    token: Annotated[str, Field(max_length=500)]


def add_session(app: FastAPI, service: Service) -> None:
    """Answer logins, and say what this server is."""
    settings, limit = service.settings, LoginLimit()

    @app.get("/api/health", tags=["server"])
    async def health() -> dict[str, str]:
        """Whether the server answers."""
        return {"status": "ok"}

    @app.post("/api/login", tags=["server"])
    def login(request: Request, given: Login) -> Response:
        """Exchange the token for a cookie of this browser session."""
        limit.check()
        if settings.token is None:
            return JSONResponse({"status": "no token is needed"})
        if not same(session_of(given.token), session_of(settings.token)):
            limit.failed()
            raise InputRefused("E-SRV-007", "token", "the token is wrong", "Copy it from the server's terminal.")
        response = JSONResponse({"status": "logged in"})
        secure = request.headers.get("origin", "").startswith("https:")
        response.set_cookie(COOKIE, session_of(settings.token), httponly=True, samesite="strict", secure=secure)
        return response

    @app.get("/api/state", tags=["server"])
    def state() -> dict[str, Any]:
        """What the page needs to know about this server."""
        return {
            "version": __version__,
            "classes": service.classes,
            "formats": writable_formats(),
            "upload_bytes": settings.limits.upload_bytes,
            "project": settings.project is not None,
            "loop": service.loop is not None,
            "order": USUAL_ORDER,
            "orders": [one for one in ORDERS if one != "disagreement" or settings.second_opinion],
        }
