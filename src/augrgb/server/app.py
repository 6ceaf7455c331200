"""The API and the page as one FastAPI application; its OpenAPI description is at `/api/openapi.json`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import FastAPI

from augrgb import __version__
from augrgb.server.api.annotations import add_annotations
from augrgb.server.api.page_files import add_page
from augrgb.server.api.project import add_project
from augrgb.server.api.results import add_results
from augrgb.server.api.session import add_session
from augrgb.server.api.videos import add_videos
from augrgb.server.jobs.detecting import Detecting
from augrgb.server.security import problems
from augrgb.server.security.guard import Guard
from augrgb.server.service import Service
from augrgb.server.settings import ServerSettings
from augrgb.server.teaching.rounds import Fitting


def create_app(settings: ServerSettings, detect: Detecting | None = None, fitting: Fitting | None = None) -> FastAPI:
    """The application; it holds the work folder and runs jobs from its start to its end.

    Args:
        settings: See `ServerSettings`.
        detect: Detects in a file; default: the model in a child process.
        fitting: Fits a round; default: `augrgb fit` in a child process.

    Raises:
        AugrgbError: See `Service`.
    """
    service = Service(settings, detect, fitting)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(service.start)
        yield
        await anyio.to_thread.run_sync(service.stop)

    app = FastAPI(
        title="augrgb",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,
    )
    app.state.service = service
    problems.install(app)
    app.add_middleware(Guard, settings=settings)
    add_page(app)
    add_session(app, service)
    add_videos(app, service)
    add_results(app, service)
    add_annotations(app, service)
    add_project(app, service)
    return app
