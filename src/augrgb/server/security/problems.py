"""Faults as answers: a status, a code and a text; never a path or a traceback."""

from __future__ import annotations

import logging
import sqlite3
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from augrgb.core.errors import AugrgbError, EnvironmentFault, FaultList
from augrgb.server.security.plain_faults import plain

_log = logging.getLogger(__name__)
STATUS: Final = {
    "E-SRV-001": 413,
    "E-SRV-002": 429,
    "E-SRV-003": 408,
    "E-SRV-004": 404,
    "E-SRV-005": 409,
    "E-SRV-006": 403,
    "E-SRV-007": 401,
    "E-SRV-008": 422,
    "E-SRV-009": 507,
    "E-SRV-014": 409,
    "E-SRV-015": 429,
    "E-SRV-016": 409,
}
_KINDS_OF_FILES = ("E-VID-", "E-FILE-", "E-JOB-")


def answer(fault: AugrgbError) -> JSONResponse:
    """The answer to a request that met a fault."""
    if isinstance(fault, FaultList):
        fault = fault.faults[0]
    status = STATUS.get(fault.code, 422)
    if isinstance(fault, EnvironmentFault):
        status = 507
    elif fault.code.startswith(_KINDS_OF_FILES):
        status = 415
    headers = {"Retry-After": "5"} if status == 429 else {}
    return problem(status, fault.code, plain(fault), headers)


def problem(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An answer with a code and a text."""
    return JSONResponse({"code": code, "message": message}, status, headers)


def install(app: FastAPI) -> None:
    """Answer all faults of an application in one form."""

    async def on_fault(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, AugrgbError)
        return answer(error)

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:6])
        return problem(422, "E-SRV-008", f"{where}: {first['msg']}"[:300])

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = {404: "E-SRV-004", 413: "E-SRV-001"}.get(error.status_code, "E-SRV-008")
        return problem(error.status_code, code, str(error.detail)[:300])

    async def on_database(request: Request, error: Exception) -> JSONResponse:
        _log.error("database: %s", error)
        return problem(503, "E-SRV-009", "The server's database cannot be written. Is the disk full?")

    async def on_bug(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return problem(500, "E-BUG-001", "This is a bug in augrgb; the server's terminal shows more.")

    app.add_exception_handler(AugrgbError, on_fault)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(sqlite3.OperationalError, on_database)
    app.add_exception_handler(Exception, on_bug)
