"""What was detected: events, scores, frame times, and events at other thresholds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import Field

from augrgb.server.annotations.documents import Label, Strict
from augrgb.server.service import Service


class Threshold(Strict):
    """A class and the score from which its events are wanted."""

    label: Label
    threshold: Annotated[float, Field(ge=0, le=1)]


def add_results(app: FastAPI, service: Service) -> None:
    """Answer what is asked about detections."""

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


def _event(label: str, start_s: float, end_s: float, score: float | None = None) -> dict[str, Any]:
    return {"label": label, "start_s": start_s, "end_s": end_s, **({} if score is None else {"score": score})}
