"""The API as a program uses it: upload, wait, look, correct, export, delete."""

from __future__ import annotations

import io
import threading
import zipfile
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.formats import FORMATS
from augrgb.annotations.read import Source, read_and_judge
from augrgb.core.errors import InputRefused
from augrgb.server.service import Service
from support.server_client import CLASSES, FakeDetector, serving, upload, video_bytes, wait_for, wait_for_job
from support.video_samples import square_frames, write_video


def event(number: int, label: str = "drink", state: str = "accepted", **changes: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "label": label, "start_s": 0.1, "end_s": 0.5, "state": state, **changes}


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


def test_a_failed_job_says_why_without_a_path(tmp_path: Path) -> None:
    detector = FakeDetector()
    detector.fault = InputRefused(
        "E-VID-003", tmp_path / "secret", f"{tmp_path / 'secret'} breaks off", "Re-encode it."
    )
    with serving(tmp_path, detector) as client:
        video = upload(client, video_bytes(tmp_path))
        job = wait_for_job(client, video["id"], "failed")
        assert job["code"] == "E-VID-003"
        assert job["message"] == "the video breaks off. Re-encode it."
        detector.fault = RuntimeError("a bug")
        client.post(f"/api/videos/{video['id']}/detect")
        wait_for(lambda: client.get(f"/api/videos/{video['id']}").json()["job"]["code"] == "E-BUG-001")
        detector.fault = None
        client.post(f"/api/videos/{video['id']}/detect")
        wait_for_job(client, video["id"])


def test_a_running_job_can_be_cancelled_and_the_next_one_runs(tmp_path: Path) -> None:
    detector = FakeDetector()
    detector.gate.clear()
    with serving(tmp_path, detector) as client:
        first, second = (upload(client, video_bytes(tmp_path)) for _ in range(2))
        wait_for_job(client, first["id"], "running")
        client.post(f"/api/jobs/{first['job']['id']}/cancel")
        wait_for_job(client, second["id"], "running")
        assert detector.stopped == 1
        detector.gate.set()
        wait_for_job(client, second["id"])
        assert client.get(f"/api/videos/{first['id']}").json()["job"]["state"] == "cancelled"


def test_deleting_a_video_deletes_all_of_it_even_while_it_is_detected(tmp_path: Path) -> None:
    detector = FakeDetector()
    with serving(tmp_path, detector) as client:
        done = upload(client, video_bytes(tmp_path))
        wait_for_job(client, done["id"])
        detector.gate.clear()
        running = upload(client, video_bytes(tmp_path))
        wait_for_job(client, running["id"], "running")
        for video in (done, running):
            assert client.delete(f"/api/videos/{video['id']}").status_code == 200
            assert client.get(f"/api/videos/{video['id']}/media").status_code == 404
        detector.gate.set()
        after = upload(client, video_bytes(tmp_path))
        wait_for_job(client, after["id"])
        work = tmp_path / "work"
        assert len(list((work / "uploads").iterdir())) == 1
        assert [path.name for path in (work / "results").iterdir()] == [after["id"]]


def test_a_server_killed_in_the_middle_of_a_job_takes_it_up_again(tmp_path: Path) -> None:
    detector = FakeDetector()
    detector.gate.clear()
    with serving(tmp_path, detector) as client:
        video = upload(client, video_bytes(tmp_path))
        waiting = upload(client, video_bytes(tmp_path))
        wait_for_job(client, video["id"], "running")
    (tmp_path / "work" / "uploads" / "left over").write_bytes(b"complete, but never listed")
    with serving(tmp_path) as client:
        assert wait_for_job(client, video["id"])["attempts"] == 2
        wait_for_job(client, waiting["id"])
        assert not (tmp_path / "work" / "uploads" / "left over").exists()


def test_a_job_that_takes_the_server_down_each_time_fails_in_the_end(tmp_path: Path) -> None:
    detector = FakeDetector()
    detector.gate.clear()
    for start in range(3):
        with serving(tmp_path, detector) as client:
            if start == 0:
                upload(client, video_bytes(tmp_path))
            video = client.get("/api/videos").json()[0]
            wait_for_job(client, video["id"], "running")
    with serving(tmp_path, detector) as client:
        assert client.get(f"/api/videos/{video['id']}").json()["job"]["code"] == "E-SRV-013"


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


def test_two_editors_never_overwrite_each_other(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        video = upload(client, video_bytes(tmp_path))
        path = f"/api/videos/{video['id']}/annotations"
        assert client.get(path).json() == {"version": 0, "document": None}
        mine, theirs = {"events": [event(1)]}, {"events": [event(2)]}
        assert client.put(path, json={"based_on": 0, "document": mine}).json() == {"version": 1}
        refused = client.put(path, json={"based_on": 0, "document": theirs})
        assert (refused.status_code, refused.json()["code"]) == (409, "E-SRV-005")
        assert [one["id"] for one in client.get(path).json()["document"]["events"]] == ["e1"]
        assert client.put(path, json={"based_on": 1, "document": theirs}).json() == {"version": 2}


def test_of_many_saves_at_once_exactly_one_wins(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        path = f"/api/videos/{upload(client, video_bytes(tmp_path))['id']}/annotations"
        found: list[int] = []

        def save(number: int) -> None:
            body = {"based_on": 0, "document": {"events": [event(number)]}}
            found.append(client.put(path, json=body).status_code)

        threads = [threading.Thread(target=save, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [200] + [409] * 11


@pytest.mark.parametrize(
    "document",
    [
        {"events": [event(1, end_s=0.1)]},
        {"events": [event(1), event(1)]},
        {"events": [event(1, start_s=-1.0)]},
        {"events": [event(1, start_s="0.1")]},
        {"events": [event(1, state="maybe")]},
        {"events": [event(1, label="")]},
        {"events": [event(1, extra=1)]},
        {"events": [event(1) | {"id": "../x"}]},
        {"thresholds": {"drink": 1.5}},
        {"reviewed": [[2.0, 1.0]]},
        {"file": "/etc/passwd"},
    ],
)
def test_documents_that_make_no_sense_are_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    with serving(tmp_path) as client:
        path = f"/api/videos/{upload(client, video_bytes(tmp_path))['id']}/annotations"
        response = client.put(path, json={"based_on": 0, "document": document})
        assert (response.status_code, response.json()["code"]) == (422, "E-SRV-008")


@pytest.mark.parametrize("body", [b'{"based_on":0,"document":{"thresholds":{"a":NaN}}}', b"[" * 100_000, b"{", b"\xff"])
def test_bodies_that_are_no_sound_json_are_refused(tmp_path: Path, body: bytes) -> None:
    with serving(tmp_path) as client:
        path = f"/api/videos/{upload(client, video_bytes(tmp_path))['id']}/annotations"
        response = client.put(path, content=body, headers={"content-type": "application/json"})
        assert response.status_code in (400, 422)
        assert response.json()["code"] == "E-SRV-008"


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
