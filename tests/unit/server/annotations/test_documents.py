"""Saved annotations: versions, several editors, and documents that make no sense."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from support.server_client import serving, upload, video_bytes


def event(number: int, label: str = "drink", state: str = "accepted", **changes: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "label": label, "start_s": 0.1, "end_s": 0.5, "state": state, **changes}


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
