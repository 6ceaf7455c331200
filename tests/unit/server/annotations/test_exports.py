"""Annotations as files of any format, and into the project."""

from __future__ import annotations

import io
import zipfile
from inspect import signature
from pathlib import Path
from typing import Any

from augrgb.annotations.formats import FORMATS
from augrgb.annotations.read import Source, read_and_judge
from support.server_client import CLASSES, serving, upload, video_bytes


def event(number: int, label: str = "drink", state: str = "accepted", **changes: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "label": label, "start_s": 0.1, "end_s": 0.5, "state": state, **changes}


def test_every_format_holds_what_a_person_vouches_for(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        video = upload(client, video_bytes(tmp_path, 20), "film.mp4")
        path = f"/api/videos/{video['id']}"
        assert client.get(f"{path}/export?format=csv").json()["code"] == "E-SRV-014"
        events = [
            event(1, start_s=0.2, end_s=0.8),
            event(2, CLASSES[1], "corrected", start_s=1.0, end_s=1.5),
            event(3, "lie down", "rejected"),
            event(4, "lie down", "unreviewed"),
        ]
        client.put(f"{path}/annotations", json={"based_on": 0, "document": {"events": events}})
        formats = client.get("/api/state").json()["formats"]
        assert {"csv", "elan", "activitynet", "srt", "augrgb"} <= set(formats)
        for name in formats:
            response = client.get(f"{path}/export", params={"format": name})
            assert response.status_code == 200, (name, response.text)
            if name in ("srt", "webvtt"):
                assert response.text.count(" --> ") == 2
                continue
            folder = tmp_path / "exported" / name
            folder.mkdir(parents=True)
            disposition = response.headers["content-disposition"]
            target = folder / disposition.rpartition("''")[2]
            if target.suffix == ".zip":
                zipfile.ZipFile(io.BytesIO(response.content)).extractall(folder)
                target = next(path for path in [*sorted(folder.glob("annotations*.*")), folder / "annotations"])
            else:
                target.write_bytes(response.content)
            options = {"fps": 10.0} if "fps" in signature(FORMATS[name]).parameters else None
            found = read_and_judge(Source(target, name, options)).annotations
            assert sum(len(record.events or ()) for record in found.videos.values()) == 2, name
        assert client.get(f"{path}/export?format=../../x").status_code == 404


def test_only_wholly_reviewed_videos_go_into_the_project(tmp_path: Path) -> None:
    with serving(tmp_path, project=tmp_path / "project") as client:
        half, whole = (upload(client, video_bytes(tmp_path, 20), "film.mp4") for _ in range(2))
        for video, stop in ((half, 1.0), (whole, 2.0)):
            document = {"events": [event(1)], "reviewed": [[0.0, stop]]}
            client.put(f"/api/videos/{video['id']}/annotations", json={"based_on": 0, "document": document})
        assert client.post("/api/project").json() == {"videos": 1, "events": 1, "left_out": 1}
        found = read_and_judge(Source(tmp_path / "project" / "corrections.csv")).annotations
        assert list(found.videos) == ["film (2)"]


def test_without_a_project_nothing_is_written(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        assert client.post("/api/project").status_code == 404
