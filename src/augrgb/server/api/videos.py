"""Videos: the list, uploads, files and stills, and their detection jobs."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from augrgb.core.errors import InputRefused
from augrgb.server.jobs.queue import Job
from augrgb.server.security.guard import declared_bytes
from augrgb.server.service import Service
from augrgb.server.videos.byte_ranges import file_response
from augrgb.server.videos.index import Video, new_id, shown_name

_MEDIA = {
    "matroska,webm": "video/webm",
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
}
_RAW_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def add_videos(app: FastAPI, service: Service) -> None:
    """Answer what is asked about videos and their jobs."""
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
        declared = declared_bytes(request.headers.get("content-length"))
        count, held = await anyio.to_thread.run_sync(service.videos.count)
        if count >= service.settings.limits.videos:
            raise InputRefused("E-SRV-009", "uploads", f"{count} videos are kept already", "Delete videos first.")
        service.gate.check(declared, held)
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
    def cancel(job_id: Annotated[int, Path(ge=0, lt=2**63)]) -> dict[str, Any]:
        """Cancel a job that waits or runs."""
        job = service.queue.cancel(job_id)
        service.worker.wake()
        return job.to_json()
