"""The page: its files, and no others."""

from __future__ import annotations

import importlib.resources

from fastapi import FastAPI
from fastapi.responses import Response

from augrgb.core.errors import InputRefused

_PAGE = importlib.resources.files("augrgb.server") / "page"
_PAGE_FILES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def add_page(app: FastAPI) -> None:
    """Answer with the page's files."""
    files = {entry.name: entry for entry in _PAGE.iterdir() if entry.name.endswith(tuple(_PAGE_FILES))}

    @app.get("/", include_in_schema=False)
    def index() -> Response:
        return _page_file("index.html")

    @app.get("/page/{name}", include_in_schema=False)
    def page_file(name: str) -> Response:
        return _page_file(name)

    def _page_file(name: str) -> Response:
        if name not in files:
            raise InputRefused("E-SRV-004", "page", "no such file")
        kind = _PAGE_FILES[name[name.rindex(".") :]]
        headers = {"Cache-Control": "no-cache"}
        return Response(files[name].read_bytes(), media_type=f"{kind}; charset=utf-8", headers=headers)
