"""The project: what to review next, rounds of teaching, and corrections on their way into its data."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query

from augrgb.core.errors import InputRefused
from augrgb.server.annotations.exports import unique_names, write_corrections
from augrgb.server.review.orders import USUAL_ORDER, Order
from augrgb.server.service import Service
from augrgb.server.teaching.loop import Loop


def add_project(app: FastAPI, service: Service) -> None:
    """Answer what is asked about the project and its rounds."""

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
