"""Uploads and videos of a folder: taken, refused, listed, and shown as stills."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.server.service import Service
from support.server_client import CLASSES, serving, upload, video_bytes, wait_for, wait_for_job
from support.video_samples import square_frames, write_video


def test_a_video_goes_from_upload_to_events(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        video = upload(client, video_bytes(tmp_path), "../../My film.mp4")
        assert video["name"] == "My film.mp4"
        assert video["info"]["width"] == 64
        wait_for_job(client, video["id"])
        result = client.get(f"/api/videos/{video['id']}/result").json()
        assert result["classes"] == list(CLASSES)
        assert result["events"]
        scores = np.frombuffer(client.get(f"/api/videos/{video['id']}/scores").content, np.uint8)
        assert scores.shape == (result["snippets"] * 3,)
        at_model = client.post(f"/api/videos/{video['id']}/events", json={"label": "drink", "threshold": 0.5}).json()
        assert at_model == [one for one in result["events"] if one["label"] == "drink"]
        at_one = client.post(f"/api/videos/{video['id']}/events", json={"label": "drink", "threshold": 1.0}).json()
        assert at_one == []


def test_a_file_that_is_no_video_is_refused_and_deleted(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        for data in (b"", b"#EXTM3U\nfile:///etc/passwd\n", b"x" * 100_000, video_bytes(tmp_path)[:900]):
            response = client.post("/api/videos?name=a.mp4", content=data)
            assert response.status_code == 415, response.text
            assert str(tmp_path) not in response.text
        assert client.get("/api/videos").json() == []
        assert list((tmp_path / "work" / "uploads").iterdir()) == []


def test_an_upload_above_the_limit_is_cut_off(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"upload_bytes": 1000}) as client:
        declared = client.post("/api/videos", content=b"x" * 1001)
        streamed = client.post("/api/videos", content=iter([b"x" * 600, b"x" * 600]))
        assert [declared.status_code, streamed.status_code] == [413, 413]
        assert declared.json()["code"] == streamed.json()["code"] == "E-SRV-001"
        assert list((tmp_path / "work" / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"queue": 0}, "E-SRV-002"),
        ({"parallel_uploads": 0}, "E-SRV-002"),
        ({"videos": 0}, "E-SRV-009"),
        ({"total_bytes": 10}, "E-SRV-009"),
        ({"free_bytes": 2**62}, "E-SRV-009"),
    ],
)
def test_a_full_server_says_so_before_it_takes_a_video(tmp_path: Path, limits: dict[str, Any], code: str) -> None:
    with serving(tmp_path, limits=limits) as client:
        response = client.post("/api/videos", content=video_bytes(tmp_path))
        assert response.json()["code"] == code
        assert response.status_code in (429, 507)


def test_a_hundred_uploads_at_once_are_all_taken_in_order(tmp_path: Path) -> None:
    data = video_bytes(tmp_path)
    with serving(tmp_path) as client:
        threads = [threading.Thread(target=upload, args=(client, data, f"{n}.mp4")) for n in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        videos = client.get("/api/videos").json()
        assert sorted(video["name"] for video in videos) == sorted(f"{n}.mp4" for n in range(100))
        wait_for(lambda: all(job["state"] == "done" for job in client.get("/api/jobs").json()), 60)
        assert len(client.get("/api/jobs").json()) == 100


def test_videos_of_a_folder_are_listed_and_stay_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "videos" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.mp4").write_bytes(video_bytes(tmp_path))
    (folder / "broken.mp4").write_bytes(b"nothing")
    (folder / "outside.mp4").symlink_to("/etc/passwd")
    truth = tmp_path / "truth.csv"
    truth.write_text("video,label,start,end\na,drink,0.1,0.4\n")
    with serving(tmp_path, videos=tmp_path / "videos", annotations=truth) as client:
        video = wait_for(lambda: client.get("/api/videos").json())[0]
        assert video["name"] == "a.mp4"
        client.post(f"/api/videos/{video['id']}/detect")
        wait_for_job(client, video["id"])
        result = client.get(f"/api/videos/{video['id']}/result").json()
        assert result["truth"] == [{"label": "drink", "start_s": 0.1, "end_s": 0.4}]
        client.delete(f"/api/videos/{video['id']}")
        assert (folder / "a.mp4").exists()


def test_old_uploads_are_deleted(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"retention_s": 0.0}) as client:
        wait_for(lambda: client.get("/api/videos").json() == [])


def test_many_stills_of_a_slow_film_hold_up_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def blocked(*_: object) -> bytes:
        released.wait(20)
        return b""

    monkeypatch.setattr(Service, "still", blocked)
    with serving(tmp_path) as client:
        video = upload(client, video_bytes(tmp_path))["id"]
        path = f"/api/videos/{video}/still?time=0"
        askers = [threading.Thread(target=client.get, args=(path,), daemon=True) for _ in range(60)]
        for asker in askers:
            asker.start()
        assert client.get("/api/videos").status_code == 200
        assert upload(client, video_bytes(tmp_path), "b.mp4")["id"] != video
        released.set()
        for asker in askers:
            asker.join(20)


def test_a_still_is_decoded_by_the_server_for_any_time_and_any_codec(tmp_path: Path) -> None:
    film = write_video(tmp_path / "old.avi", square_frames(20), fps=10, codec="mpeg4")
    with serving(tmp_path) as client:
        video = upload(client, film.read_bytes(), "old.avi")["id"]
        first, last = (client.get(f"/api/videos/{video}/still", params={"time": time}) for time in (0.05, 1e6))
        assert first.headers["content-type"] == "image/jpeg" and first.content[:2] == b"\xff\xd8"
        assert first.content != last.content and last.status_code == 200
        for bad in ("-1", "nan", "1e9", "x"):
            assert client.get(f"/api/videos/{video}/still", params={"time": bad}).status_code == 422
        assert client.get("/api/videos/unknown/still", params={"time": 0}).status_code == 404
