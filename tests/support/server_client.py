"""A server in this process, with a detector that needs no model."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from augrgb.core.sealed import sealed
from augrgb.core.timeline import Clock
from augrgb.detection.event_rule import EventRule, find_events
from augrgb.detection.pipeline import smoothed
from augrgb.inference.video_detections import VideoDetections
from augrgb.server.app import create_app
from augrgb.server.jobs.results import Found
from augrgb.server.settings import Limits, ServerSettings
from support.video_samples import square_frames, write_video

CLASSES = ("drink", "<img src=x onerror=alert(1)>", "lie down")
CLOCK = Clock(10, 4, 2)
RULE = EventRule(0.5, min_duration=0.3)
LIMITS = Limits(free_bytes=0)
BASE = "http://127.0.0.1:8000"


class FakeDetector:
    """Finds events in anything; waits at `gate` in the middle, counts calls, fails on request."""

    def __init__(self, duration_s: float = 4.0) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.calls, self.stopped, self.duration_s = 0, 0, duration_s
        self.fault: Exception | None = None
        self.model: Path | None = None
        self.times_s = np.zeros(0)

    def __call__(self, path: Path, on_progress: Callable[[float], object]) -> Found:
        self.calls += 1
        on_progress(0.5)
        while not self.gate.wait(0.02):
            on_progress(0.5)
        if self.fault is not None:
            raise self.fault
        count = CLOCK.num_snippets(round(self.duration_s * CLOCK.fps))
        time_s = CLOCK.centers_s(count)[:, None]
        raw = 0.5 + 0.45 * np.sin(time_s * np.array([2.0, 3.0, 5.0]) + np.arange(3))
        scores = smoothed(raw, CLOCK)
        found = find_events(scores, CLOCK, CLASSES, "video", self.duration_s, rules=RULE)
        result = VideoDetections(
            "video", self.duration_s, CLASSES, CLOCK, tuple(found), scores, raw.astype(np.float32), (0.5,) * 3
        )
        return Found(result, (RULE,) * 3, times_s=self.times_s)

    def use(self, model: Path) -> None:
        self.model = model

    def stop(self) -> None:
        self.stopped += 1


_STREAM = {
    "kind": "stream",
    "classes": CLASSES,
    "modality": "rgb",
    "filter": "linear",
    "dim_in": 1,
    "sha256": "",
    "clock": CLOCK.to_json(),
}


def fake_model(folder: Path) -> Path:
    """As much of a bundle as a server reads itself."""
    (folder / "encoder").mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps(sealed("augrgb.stream/1", _STREAM)))
    (folder / "encoder" / "model.json").write_text("{}")
    return folder


def make_settings(folder: Path, **changes: Any) -> ServerSettings:
    """Settings of a server that keeps all it has below `folder`."""
    model = folder / "model"
    if not model.exists():
        fake_model(model)
    limits = replace(LIMITS, **changes.pop("limits", {}))
    return ServerSettings(model, folder / "work", limits=limits, **changes)


@contextmanager
def serving(
    folder: Path, detector: FakeDetector | None = None, *, fitting: Any = None, **changes: Any
) -> Iterator[TestClient]:
    """A client of a running server."""
    app = create_app(make_settings(folder, **changes), detector or FakeDetector(), fitting)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        yield client


def video_bytes(folder: Path, count: int = 8) -> bytes:
    """A short video."""
    path = folder / f"sample-{count}.mp4"
    if not path.exists():
        write_video(path, square_frames(count), fps=10)
    return path.read_bytes()


def upload(client: TestClient, data: bytes, name: str = "a.mp4") -> dict[str, Any]:
    """Upload a video that must be taken."""
    response = client.post("/api/videos", params={"name": name}, content=data)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true value of a condition."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def wait_for_job(client: TestClient, video_id: str, state: str = "done") -> dict[str, Any]:
    """The newest job of a video, once it is in a state."""

    def found() -> dict[str, Any] | None:
        job: dict[str, Any] = client.get(f"/api/videos/{video_id}").json()["job"]
        return job if job["state"] == state else None

    result: dict[str, Any] = wait_for(found)
    return result
