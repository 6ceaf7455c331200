"""Detection jobs: failures, cancelling, deleting, and restarts in the middle."""

from __future__ import annotations

from pathlib import Path

from augrgb.core.errors import InputRefused
from support.server_client import FakeDetector, serving, upload, video_bytes, wait_for, wait_for_job


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
