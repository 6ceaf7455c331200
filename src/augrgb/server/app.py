"""The API and the page as one FastAPI application; its OpenAPI description is at `/api/openapi.json`."""

from __future__ import annotations

import contextlib
import functools
import importlib.resources
import mimetypes
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import quote

import anyio
import anyio.to_thread
from fastapi import Body, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from starlette.requests import ClientDisconnect

from augrgb import __version__
from augrgb.core.errors import InputRefused
from augrgb.server import problems
from augrgb.server.byte_ranges import file_response
from augrgb.server.detecting import Detecting
from augrgb.server.documents import Document, Label, Strict, true_events
from augrgb.server.exports import export, unique_names, writable_formats, write_corrections
from augrgb.server.guard import COOKIE, Guard, LoginLimit, same, session_of
from augrgb.server.jobs import Job
from augrgb.server.loop import Loop
from augrgb.server.review import ORDERS, USUAL_ORDER, Order
from augrgb.server.rounds import Fitting
from augrgb.server.service import Service
from augrgb.server.settings import ServerSettings
from augrgb.server.videos import Video, new_id, shown_name

_MEDIA = {
    "matroska,webm": "video/webm",
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
}
_PAGE = importlib.resources.files("augrgb.server") / "page"
_PAGE_FILES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Login(Strict):
    """A token."""

    token: Annotated[str, Field(max_length=500)]


class Threshold(Strict):
    """A class and the score from which its events are wanted."""

    label: Label
    threshold: Annotated[float, Field(ge=0, le=1)]


class Save(Strict):
    """Annotations, and the version that they were made from (0: the first)."""

    based_on: Annotated[int, Field(ge=0)]
    document: Document


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
    _add_page(app)
    _add_session(app, service)
    _add_videos(app, service)
    _add_results(app, service)
    _add_annotations(app, service)
    _add_project(app, service)
    return app


def _add_page(app: FastAPI) -> None:
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


def _add_session(app: FastAPI, service: Service) -> None:
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


def _add_videos(app: FastAPI, service: Service) -> None:
    # Uploads that are complete wait for a look at them here, and not in the threads that answer everybody else.
    looking: list[anyio.CapacityLimiter] = []
    decoding: list[anyio.CapacityLimiter] = []  # the same for stills

    def shown(video: Video, job: Job | None) -> dict[str, Any]:
        return {
            "id": video.video_id,
            "name": video.name,
            "origin": video.origin,
            "size": video.size,
            "added_s": video.added_s,
            "info": video.info,
            "job": job.to_json() if job is not None else None,
        }

    @app.get("/api/videos", tags=["videos"])
    def videos() -> list[dict[str, Any]]:
        """All videos with their newest job."""
        jobs = service.queue.of_videos()
        return [shown(video, jobs.get(video.video_id)) for video in service.videos.all()]

    @app.post("/api/videos", tags=["videos"], status_code=201, openapi_extra=_RAW_BODY)
    async def upload(request: Request, name: Annotated[str, Query(max_length=4096)] = "video") -> Response:
        """Upload a video as the raw body of the request, and queue it for detection."""
        declared = request.headers.get("content-length", "0")
        count, held = await anyio.to_thread.run_sync(service.videos.count)
        if count >= service.settings.limits.videos:
            raise InputRefused("E-SRV-009", "uploads", f"{count} videos are kept already", "Delete videos first.")
        service.gate.check(int(declared) if declared.isdigit() else 0, held)
        await anyio.to_thread.run_sync(service.queue.check_room)
        target = service.uploads_folder / new_id()
        try:
            size = await service.gate.receive(request.stream(), target)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        if not looking:
            looking.append(anyio.CapacityLimiter(2))
        add = functools.partial(service.add_upload, target, shown_name(name), size)
        video = await anyio.to_thread.run_sync(add, limiter=looking[0])
        job = (await anyio.to_thread.run_sync(service.queue.of_videos)).get(video.video_id)
        return JSONResponse(shown(video, job), 201)

    @app.get("/api/videos/{video_id}", tags=["videos"])
    def one_video(video_id: str) -> dict[str, Any]:
        """One video with its newest job."""
        video = service.videos.get(video_id)
        return shown(video, service.queue.of_videos().get(video_id))

    @app.delete("/api/videos/{video_id}", tags=["videos"])
    def delete(video_id: str) -> dict[str, str]:
        """Delete a video with all that was made of it; of a video of the server's folder the file itself stays."""
        service.delete(service.videos.get(video_id))
        return {"status": "deleted"}

    @app.get("/api/videos/{video_id}/media", tags=["videos"], response_class=Response)
    def media(request: Request, video_id: str) -> Response:
        """The video file, or a range of it."""
        video = service.videos.get(video_id)
        container = str(video.info.get("container", ""))
        kind = _MEDIA.get(container, "video/mp4")
        return file_response(service.videos.path_of(video), request.headers.get("range"), kind)

    @app.get("/api/videos/{video_id}/still", tags=["videos"], response_class=Response)
    async def still(video_id: str, time: Annotated[float, Query(ge=0, le=1e7, allow_inf_nan=False)]) -> Response:
        """The frame at a time in seconds from the first, decoded here: of any codec, and exact."""
        if not decoding:
            decoding.append(anyio.CapacityLimiter(1))
        data = await anyio.to_thread.run_sync(service.still, video_id, time, limiter=decoding[0])
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    @app.post("/api/videos/{video_id}/detect", tags=["jobs"], status_code=202)
    def detect_again(video_id: str) -> dict[str, int]:
        """Queue a video for detection."""
        return {"job": service.detect(service.videos.get(video_id))}

    @app.get("/api/jobs", tags=["jobs"])
    def jobs() -> list[dict[str, Any]]:
        """The newest 200 jobs."""
        return [job.to_json() for job in service.queue.newest()]

    @app.post("/api/jobs/{job_id}/cancel", tags=["jobs"])
    def cancel(job_id: int) -> dict[str, Any]:
        """Cancel a job that waits or runs."""
        job = service.queue.cancel(job_id)
        service.worker.wake()
        return job.to_json()


def _add_results(app: FastAPI, service: Service) -> None:
    @app.get("/api/videos/{video_id}/result", tags=["results"])
    def result(video_id: str) -> dict[str, Any]:
        """Events, thresholds and clock; times in seconds from the first frame."""
        video = service.videos.get(video_id)
        found = service.results.read(video_id)
        truth = service.true_events(video)
        held_out = service.loop is not None and service.loop.is_held_out(video)
        return {
            "job": found.job,
            "duration_s": found.duration_s,
            "classes": found.classes,
            "snippets": len(found.scores),
            "stride_s": found.clock.stride_s,
            "first_cell_s": float(found.clock.cells_s(0)[0]),
            "thresholds": [rule.on for rule in found.rules],
            "first_frame_s": found.first_frame_s,
            "variable_rate": found.variable_rate,
            "events": [_event(one.label, one.start_s, one.end_s, one.score) for one in found.events],
            "truth": None if truth is None else [_event(one.label, one.start_s, one.end_s) for one in truth],
            "warnings": found.warnings,
            "held_out": held_out,
        }

    @app.get("/api/videos/{video_id}/scores", tags=["results"], response_class=Response)
    def scores(video_id: str) -> Response:
        """Scores as bytes, 0 to 255: every snippet of the first class, then of the second, and so on."""
        service.videos.get(video_id)
        return Response(service.results.read(video_id).eight_bit(), media_type="application/octet-stream")

    @app.get("/api/videos/{video_id}/times", tags=["results"], response_class=Response)
    def times(video_id: str) -> Response:
        """When each frame is shown, as float64 seconds (little-endian) from the first; empty at a constant rate."""
        service.videos.get(video_id)
        return Response(service.results.times(video_id), media_type="application/octet-stream")

    @app.get("/api/videos/{video_id}/strip", tags=["results"])
    def strip(video_id: str) -> list[str]:
        """Small frames, evenly spaced, as JPEG data URIs."""
        service.videos.get(video_id)
        return service.results.strip(video_id)

    @app.post("/api/videos/{video_id}/events", tags=["results"])
    def events_at(video_id: str, wanted: Threshold) -> list[dict[str, Any]]:
        """Events of one class at another threshold, by the model's own event rule."""
        service.videos.get(video_id)
        found = service.results.read(video_id).events_at(wanted.label, wanted.threshold)
        return [_event(one.label, one.start_s, one.end_s, one.score) for one in found]


def _add_annotations(app: FastAPI, service: Service) -> None:
    @app.get("/api/videos/{video_id}/annotations", tags=["annotations"])
    def annotations(video_id: str) -> dict[str, Any]:
        """The newest annotations; `document` is null and `version` 0 before the first save."""
        service.videos.get(video_id)
        version, document = service.documents.latest(video_id)
        return {"version": version, "document": None if document is None else document.model_dump()}

    @app.put("/api/videos/{video_id}/annotations", tags=["annotations"])
    def save(video_id: str, given: Annotated[Save, Body()]) -> dict[str, int]:
        """Save annotations; 409 if somebody saved a newer version than the one they were made from."""
        service.videos.get(video_id)
        return {"version": service.documents.save(video_id, given.document, based_on=given.based_on)}

    @app.get("/api/videos/{video_id}/export", tags=["annotations"], response_class=Response)
    def download(
        video_id: str,
        format_name: Annotated[str, Query(alias="format", max_length=60)],
        events: Literal["reviewed", "all"] = "reviewed",
    ) -> Response:
        """The saved events in an annotation format: those a person vouches for, or unreviewed ones too."""
        video = service.videos.get(video_id)
        _, document = service.documents.latest(video_id)
        if document is None:
            raise InputRefused("E-SRV-014", "annotations", "nothing has been saved yet", "Save first.")
        chosen = true_events(document.events, unreviewed=events == "all")
        ending, data = export(video, chosen, service.classes, format_name)
        service.note(f"exported as {format_name}", video_id)
        kind = mimetypes.guess_type(f"x{ending}")[0] or "application/octet-stream"
        attachment = f"attachment; filename*=UTF-8''{quote(f'{unique_names([video])[video_id]}{ending}')}"
        return Response(data, media_type=kind, headers={"Content-Disposition": attachment})


def _add_project(app: FastAPI, service: Service) -> None:
    def loop() -> Loop:
        if service.loop is None:
            remedy = "Start it with --project PROJECT, made by `augrgb init`."
            raise InputRefused("E-SRV-004", "project", "the server has no project to fit", remedy)
        return service.loop

    @app.get("/api/project", tags=["project"])
    def project_state() -> dict[str, Any]:
        """The rounds of the project, and whether there are corrections that no round has used."""
        return loop().state()

    @app.get("/api/review", tags=["project"])
    def review(limit: Annotated[int, Query(ge=1, le=500)] = 20, order: Order = USUAL_ORDER) -> list[dict[str, Any]]:
        """What to review next, in all videos."""
        return [one.to_json() for one in loop().next_to_review(limit, order)]

    @app.post("/api/project/fit", tags=["project"], status_code=202)
    def fit_again() -> dict[str, Any]:
        """Write all corrections into the project's dataset, and fit it again; 409 if nothing is new."""
        found = loop().teach()
        service.note(f"round {found.number} queued", "all")
        return found.to_json()

    @app.post("/api/project/cancel", tags=["project"])
    def cancel_round() -> dict[str, str]:
        """Cancel the round that waits or runs."""
        loop().rounds.cancel()
        service.note("round cancelled", "all")
        return {"status": "cancelled"}

    @app.post("/api/project", tags=["project"])
    def into_project() -> dict[str, float]:
        """Write the corrections of all videos into the project that the server was started with."""
        project = service.settings.project
        if service.loop is not None:
            applied = service.loop.apply()
            service.note("corrections written into the project", "all")
            return applied.to_json()
        if project is None:
            raise InputRefused("E-SRV-004", "project", "the server has no project", "Start it with --project FOLDER.")
        videos = {video.video_id: video for video in service.videos.all()}
        names = unique_names(list(videos.values()))
        latest = service.documents.all_latest()
        entries = [(videos[one], names[one], version, document) for one, (version, document) in latest.items()]
        written = write_corrections(project, entries, service.classes)
        service.note("corrections written into the project", "all")
        return dict(written)


_RAW_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _event(label: str, start_s: float, end_s: float, score: float | None = None) -> dict[str, Any]:
    return {"label": label, "start_s": start_s, "end_s": end_s, **({} if score is None else {"score": score})}
