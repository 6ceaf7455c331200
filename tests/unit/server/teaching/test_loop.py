"""The loop: corrections become training data, a round is fitted from them, its model detects from then on."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.dataset_file import load_dataset
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.files import write_json
from augrgb.core.types import Event, VideoRecord
from augrgb.server import service
from augrgb.server.annotations.documents import Document, EditedEvent
from augrgb.server.review.orders import in_order
from augrgb.server.review.suggestions import Suggestion
from augrgb.server.teaching.corrections import corrected_record
from augrgb.server.teaching.rounds import Round, _read
from augrgb.streams import files
from support.fake_fitting import FakeFitting
from support.loop_project import make_project
from support.server_client import (
    FakeDetector,
    serving,
    upload,
    video_bytes,
    wait_for,
    wait_for_job,
)


def edited(name: str, start_s: float, end_s: float, state: str = "accepted", label: str = "drink") -> dict[str, Any]:
    return {"id": name, "label": label, "start_s": start_s, "end_s": end_s, "state": state}


def save(client: Any, video: str, document: dict[str, Any]) -> None:
    path = f"/api/videos/{video}/annotations"
    version = client.get(path).json()["version"]
    assert client.put(path, json={"based_on": version, "document": document}).status_code == 200


def video_named(client: Any, name: str) -> str:
    found: str = wait_for(lambda: [one["id"] for one in client.get("/api/videos").json() if one["name"] == name])[0]
    return found


def test_what_nobody_looked_at_is_neither_action_nor_background(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    with serving(tmp_path, project=project) as client:
        film = upload(client, video_bytes(tmp_path, 60), "film.mp4")["id"]
        events = [edited("1", 1.0, 2.0), edited("2", 1.8, 3.0, "unsure"), edited("3", 4.0, 4.5, "rejected")]
        save(client, film, {"events": events, "reviewed": [[5.0, 6.0]]})
        applied = client.post("/api/project").json()
        assert (applied["videos"], applied["events"], applied["judged"]) == (1, 1, 2)
        dataset = load_dataset(project / "data")
        record = dataset.videos[f"film {film[:8]}"]
        assert record.events == (Event("drink", 1.0, 2.0),)
        gaps = [(round(one.start_s, 2), round(one.end_s, 2)) for one in record.ignored]
        assert gaps == [(0.0, 1.0), (1.8, 5.0)]  # of other classes, a rejected event says nothing
        assert record.video_id in dataset.splits["random"]["train"]
        assert record.file is not None and record.file.is_file()
        client.delete(f"/api/videos/{film}")
        wait_for(lambda: record.video_id not in load_dataset(project / "data").videos)
        wait_for(lambda: record.file is not None and not record.file.exists())
        assert film not in (project / "corrections.json").read_text()


def test_corrections_of_labeled_videos_replace_what_they_judge_and_can_be_taken_back(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    before = (project / "data" / "dataset.json").read_text()
    with serving(tmp_path, project=project, videos=project / "data") as client:
        video = video_named(client, "a.mp4")
        save(client, video, {"events": [edited("1", 0.3, 0.7, "corrected")]})
        for _ in range(2):  # the same corrections give the same dataset
            client.post("/api/project")
            record = load_dataset(project / "data").videos["a"]
            assert record.events == (Event("drink", 0.3, 0.7), Event("lie down", 0.9, 1.4)) and not record.ignored
        save(client, video, {"reviewed": [[0.8, 1.6]]})
        client.post("/api/project")
        assert load_dataset(project / "data").videos["a"].events == (Event("drink", 0.2, 0.6),)
        save(client, video, {})
        client.post("/api/project")
    assert json.loads((project / "data" / "dataset.json").read_text()) == json.loads(before)


def test_validation_and_test_videos_are_never_corrected_even_as_uploads(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    before = load_dataset(project / "data")
    with serving(tmp_path, project=project, videos=project / "data") as client:
        copy = upload(client, (project / "data" / "t.mp4").read_bytes(), "another name.mp4")["id"]
        held_out = {copy, video_named(client, "t.mp4"), video_named(client, "v.mp4")}
        assert set(client.get("/api/project").json()["held_out"]) == held_out
        for video in held_out:
            save(client, video, {"events": [edited("1", 0.3, 0.7)], "reviewed": [[0.0, 2.0]]})
            client.post(f"/api/videos/{video}/detect")
            wait_for_job(client, video)
        assert client.post("/api/project").json()["held_out"] == 3
        refused = client.post("/api/project/fit")
        assert (refused.status_code, refused.json()["code"]) == (409, "E-SRV-016")
        assert client.get("/api/review").json() == []
    assert load_dataset(project / "data").videos == before.videos


def test_a_round_is_fitted_and_its_model_detects_from_then_on(tmp_path: Path) -> None:
    project, detector, fitting = make_project(tmp_path / "project"), FakeDetector(), FakeFitting()
    fitting.gate.clear()
    with serving(tmp_path, detector, fitting=fitting, project=project) as client:
        film = upload(client, video_bytes(tmp_path, 40), "film.mp4")
        wait_for_job(client, film["id"])
        assert client.get("/api/project").json()["news"] is False
        save(client, film["id"], {"events": [edited("1", 1.0, 2.0)]})
        assert client.get("/api/project").json()["news"] is True
        first = client.post("/api/project/fit").json()
        assert (first["number"], first["state"]) == (1, "queued")
        wait_for(lambda: client.get("/api/project").json()["rounds"][-1]["stage"] == "encoders")
        for path in ("/api/project/fit", "/api/project"):  # the dataset stays as it is while it is read
            assert client.post(path).json()["code"] == "E-SRV-016"
        fitting.gate.set()
        wait_for(lambda: client.get("/api/project").json()["rounds"][-1]["state"] == "done")
        state = client.get("/api/project").json()
        assert state["rounds"][-1]["worth"]["gain"] == 0.1 and state["rounds"][-1]["minutes"] > 0
        assert state["news"] is False and str(tmp_path) not in json.dumps(state)
        wait_for(lambda: client.get(f"/api/videos/{film['id']}").json()["job"]["id"] > film["job"]["id"])
        wait_for_job(client, film["id"])
        assert detector.model == project / "rounds" / "1" / "bundle"
        assert client.post("/api/project/fit").json()["code"] == "E-SRV-016"  # nothing new


def test_a_round_that_a_stopped_server_left_goes_on(tmp_path: Path) -> None:
    project, stuck = make_project(tmp_path / "project"), FakeFitting()
    stuck.gate.clear()
    with serving(tmp_path, fitting=stuck, project=project) as client:
        save(client, upload(client, video_bytes(tmp_path, 40))["id"], {"events": [edited("1", 1.0, 2.0)]})
        client.post("/api/project/fit")
        wait_for(lambda: stuck.orders)
        threading.Timer(0.5, stuck.gate.set).start()
    for count in (2, 3):
        held = FakeFitting()
        held.gate.clear()
        with serving(tmp_path, fitting=held, project=project) as client:
            wait_for(lambda held=held: held.orders)
            assert client.get("/api/project").json()["rounds"][-1]["attempts"] == count
            threading.Timer(0.2, held.gate.set).start()
    with serving(tmp_path, fitting=FakeFitting(), project=project) as client:
        last = client.get("/api/project").json()["rounds"][-1]
        assert (last["state"], last["code"]) == ("failed", "E-SRV-013")
        assert client.post("/api/project/fit").status_code == 202  # and people can try again


def test_a_failed_or_cancelled_round_says_so_and_the_next_one_runs(tmp_path: Path) -> None:
    project, fitting = make_project(tmp_path / "project"), FakeFitting()
    fitting.fault = InputRefused("E-VID-003", tmp_path / "x", f"{tmp_path / 'x'} breaks off", "Re-encode it.")
    with serving(tmp_path, fitting=fitting, project=project) as client:
        save(client, upload(client, video_bytes(tmp_path, 40))["id"], {"events": [edited("1", 1.0, 2.0)]})
        client.post("/api/project/fit")
        failed = wait_for(lambda: [r for r in client.get("/api/project").json()["rounds"] if r["state"] == "failed"])[0]
        assert failed["code"] == "E-VID-003" and str(tmp_path) not in failed["message"]
        fitting.fault, count = None, len(fitting.orders)
        fitting.gate.clear()
        client.post("/api/project/fit")
        wait_for(lambda: len(fitting.orders) > count)
        assert client.post("/api/project/cancel").status_code == 200
        fitting.gate.set()
        wait_for(lambda: client.get("/api/project").json()["rounds"][-1]["state"] == "cancelled")
        client.post("/api/project/fit")
        wait_for(lambda: client.get("/api/project").json()["rounds"][-1]["state"] == "done")


def test_a_round_whose_bundle_is_damaged_does_not_end_the_rounds(tmp_path: Path) -> None:
    class Damaging(FakeFitting):
        def __call__(self, order: dict[str, Any], on_progress: Callable[[str, float], object]) -> dict[str, Any]:
            found = super().__call__(order, on_progress)
            if len(self.orders) == 1:
                (Path(found["bundle"]) / "model.json").write_text("{")
            return found

    with serving(tmp_path, fitting=Damaging(), project=make_project(tmp_path / "project")) as client:
        film = upload(client, video_bytes(tmp_path, 40))["id"]
        for number in (1, 2):
            save(client, film, {"events": [edited("1", 1.0, 2.0 + number / 10)]})
            client.post("/api/project/fit")
            wait_for(
                lambda number=number: (
                    [one["state"] for one in client.get("/api/project").json()["rounds"]] == ["done"] * number
                )
            )


def test_a_video_whose_file_is_gone_does_not_stop_the_corrections_of_others(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    extra = tmp_path / "videos"
    extra.mkdir()
    (extra / "c.mp4").write_bytes(video_bytes(tmp_path, 40))
    with serving(tmp_path, project=project, videos=extra) as client:
        save(client, video_named(client, "c.mp4"), {"events": [edited("1", 1.0, 2.0)]})
        film = upload(client, video_bytes(tmp_path, 60), "film.mp4")["id"]
        save(client, film, {"events": [edited("1", 1.0, 2.0)]})
        (extra / "c.mp4").unlink()
        assert client.get("/api/project").json()["news"] is True
        assert client.post("/api/project").json()["videos"] == 1
        client.delete(f"/api/videos/{film}")  # deleted from the project too, whatever else is missing
        wait_for(lambda: f"film {film[:8]}" not in load_dataset(project / "data").videos)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"number": "x", "state": 1}', '{"number": 1, "other": 2}', "[" * 5000]
)
def test_a_damaged_round_is_left_out(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "round.json").write_text(text)
    assert _read(tmp_path / "round.json") is None
    assert "is damaged, so this round is left out" in caplog.text
    write_json(tmp_path / "round.json", asdict(Round(1, "done", result={"bundle": "b", "worth": None})))
    assert _read(tmp_path / "round.json") == Round(1, "done", result={"bundle": "b", "worth": None})


def test_an_unknown_class_is_refused_by_name(tmp_path: Path) -> None:
    with serving(tmp_path, project=make_project(tmp_path / "project")) as client:
        save(client, upload(client, video_bytes(tmp_path))["id"], {"events": [edited("1", 0.1, 0.4, label="drinks")]})
        refused = client.post("/api/project").json()
        assert refused["code"] == "E-ANN-003" and "drink" in refused["message"]


def test_suggestions_are_near_the_threshold_and_leave_out_what_is_judged(tmp_path: Path) -> None:
    with serving(tmp_path, project=make_project(tmp_path / "project")) as client:
        film = upload(client, video_bytes(tmp_path, 40), "film.mp4")["id"]
        wait_for_job(client, film)
        found = client.get("/api/review", params={"order": "threshold"}).json()
        assert found and all(abs(one["score"] - one["threshold"]) <= 0.5 for one in found)
        assert {one["found"] for one in found} <= {True, False} and "threshold" in found[0]["reason"]
        first = found[0]
        rejected = edited("1", first["start_s"], first["end_s"], "rejected", first["label"])
        save(client, film, {"events": [rejected]})
        after = client.get("/api/review", params={"order": "threshold"}).json()
        assert len(after) == len(found) - 1
        save(client, film, {"events": [rejected], "reviewed": [[0.0, 4.0]]})
        assert client.get("/api/review").json() == []


def test_the_order_is_near_first_spread_over_videos_with_some_by_chance() -> None:
    made = [
        Suggestion(video, video, "drink", float(n), n + 1.0, 0.5 + n / 100, 0.5, True, "")
        for video in "ab"
        for n in range(20)
    ]
    ordered = in_order(made, "threshold")
    assert sorted(ordered, key=repr) != ordered and len(ordered) == len(made)
    assert {one.video for one in ordered[:2]} == {"a", "b"} and ordered[0].distance == 0
    assert [one.reason.startswith("by chance") for one in ordered[:7]] == [False] * 6 + [True]
    assert in_order(made[::-1], "threshold") == ordered


def test_a_video_that_was_never_labeled_has_no_background_outside_reviewed_time() -> None:
    record = VideoRecord("a", 10.0)
    assert corrected_record(record, Document()) is None
    unreviewed = EditedEvent(id="a", label="drink", start_s=1.0, end_s=2.0, state="unreviewed")
    assert corrected_record(record, Document(events=[unreviewed])) is None
    rejected = Document(events=[EditedEvent(id="a", label="drink", start_s=1.0, end_s=2.0, state="rejected")])
    assert corrected_record(record, rejected) is None
    alone = corrected_record(record, rejected, one_class=True)
    assert alone is not None and alone.events == () and [one.end_s for one in alone.ignored] == [1.0, 10.0]
    empty = corrected_record(record, Document(reviewed=[[0.0, 10.0]]))
    assert empty == replace(record, events=(), ignored=())


def test_the_server_itself_loads_neither_torch_nor_a_decoder(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from augrgb.server import app, service; "
        "from augrgb.server.teaching.project import LoopProject; LoopProject(Path(sys.argv[1])); "
        "sys.exit(sorted({'torch', 'av', 'cv2', 'matplotlib'} & sys.modules.keys()) or 0)"
    )
    words = [sys.executable, "-c", program, str(make_project(tmp_path / "project"))]
    assert subprocess.run(words, capture_output=True, text=True, check=False).stderr == ""
    assert service.STREAM_SCHEMA == files.SCHEMA


def test_without_a_model_or_a_fitted_project_there_is_no_server(tmp_path: Path) -> None:
    from augrgb.server.service import Service
    from augrgb.server.settings import ServerSettings

    with pytest.raises(UsageFault, match="E-SRV-017"):
        Service(ServerSettings(None, tmp_path / "work", project=make_project(tmp_path / "project")))
