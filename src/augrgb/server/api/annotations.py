"""What people say about videos: the newest version, saving, and export."""

from __future__ import annotations

import mimetypes
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import Body, FastAPI, Query
from fastapi.responses import Response
from pydantic import Field

from augrgb.core.errors import InputRefused
from augrgb.server.annotations.documents import Document, Strict, true_events
from augrgb.server.annotations.exports import export, unique_names
from augrgb.server.service import Service


class Save(Strict):
    """Annotations, and the version that they were made from (0: the first)."""

    based_on: Annotated[int, Field(ge=0)]
    document: Document


def add_annotations(app: FastAPI, service: Service) -> None:
    """Answer what is asked about annotations."""

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
