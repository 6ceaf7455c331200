"""Attacks that the other files of this folder leave out: disguised uploads, inputs of the API, the page itself."""

from __future__ import annotations

import io
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

import augrgb.server
from support.server_client import serving, upload, video_bytes, wait_for_job

PAGE = Path(augrgb.server.__file__).parent / "page"


def zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.mp4", bytes(2**22))
    return packed.getvalue()


DISGUISED = {
    "hls": b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "hls of another machine": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
    "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>file:///etc/passwd</BaseURL></MPD>',
    "xml bomb": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "subtitles": b"1\n00:00:00,000 --> 00:00:01,000\n{\\an8}hello\n",
    "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    + b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;",
    "pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
    "safetensors": b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ",
    "zip bomb": zip_bomb(),
    "avi with a playlist": b"RIFF\x24\x00\x00\x00AVI LIST\x10\x00\x00\x00hdrl#EXTM3U\nfile:///etc/passwd\n",
}


@pytest.mark.parametrize("kind", DISGUISED)
def test_what_is_no_video_inside_is_refused_whatever_its_name(tmp_path: Path, kind: str) -> None:
    with serving(tmp_path) as client:
        response = client.post("/api/videos", params={"name": "film.mp4"}, content=DISGUISED[kind])
        assert response.status_code == 415, response.text
        assert "root:" not in response.text and str(tmp_path) not in response.text
        assert list((tmp_path / "work" / "uploads").iterdir()) == []


NAMES = [
    "../../x.mp4",
    "..\\..\\x.mp4",
    "a\x00b.mp4",
    "x" * 4000,
    "\u202egpj.exe",
    "con.mp4",
    "a\r\nSet-Cookie: x=1.mp4",
    "\ud7ff\u200b.mp4",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_shown(tmp_path: Path, name: str) -> None:
    with serving(tmp_path) as client:
        video = upload(client, video_bytes(tmp_path), name)
        assert len(video["name"]) <= 120 and not re.search(r"[\x00-\x1f/\\\u202e\u200b]", video["name"])
        assert re.fullmatch(r"[0-9a-f]{32}", next((tmp_path / "work" / "uploads").iterdir()).name)
        client.put(f"/api/videos/{video['id']}/annotations", json={"based_on": 0, "document": {}})
        exported = client.get(f"/api/videos/{video['id']}/export?format=csv")
        assert "\n" not in exported.headers["content-disposition"] and "set-cookie" not in exported.headers


def names_in(schema: Any) -> Iterator[str]:
    """Every name of a parameter or field that a client can send."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        if "in" in schema and "name" in schema:
            yield schema["name"]
        for inner in schema.values():
            yield from names_in(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from names_in(inner)


def test_no_request_takes_a_path_an_address_a_module_or_an_argument(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        names = set(names_in(client.get("/api/openapi.json").json()))
    assert {"video_id", "format", "document", "token", "threshold"} <= names
    assert [one for one in names if re.search(r"path|url|uri|file|folder|module|args|command|host|model", one)] == []


def test_web_sockets_are_closed_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as client, pytest.raises(WebSocketDisconnect), client.websocket_connect("/api/videos"):
        pass


def test_forwarded_headers_change_nothing(tmp_path: Path) -> None:
    headers = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-forwarded-for": "10.0.0.1",
        "forwarded": "host=evil.example",
    }
    with serving(tmp_path, token="a token of this test") as client:
        assert client.get("/api/videos", headers=headers).status_code == 401
        answer = client.post("/api/login", json={"token": "a token of this test"}, headers=headers)
        assert "evil" not in str(answer.headers) and "Secure" not in answer.headers["set-cookie"]


def test_a_bug_shows_no_traceback_and_no_path(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        service = client.app.state.service  # type: ignore[attr-defined]
        service.videos.all = lambda: (tmp_path / "nothing").read_text()
        answer = client.get("/api/videos")
        assert answer.status_code == 500 and answer.json()["code"] == "E-BUG-001"
        assert str(tmp_path) not in answer.text and "Traceback" not in answer.text


def test_the_audit_log_can_only_grow(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        video = upload(client, video_bytes(tmp_path), "a name.mp4")["id"]
        client.put(f"/api/videos/{video}/annotations", json={"based_on": 0, "document": {}})
        client.get(f"/api/videos/{video}/export?format=csv")
        client.delete(f"/api/videos/{video}")
        database = sqlite3.connect(tmp_path / "work" / "server.sqlite")
        said = [row[0] for row in database.execute("SELECT action FROM audit ORDER BY id")]
        assert said == ["added by upload", "exported as csv", "deleted"]
        for attack in ("DELETE FROM audit", "UPDATE audit SET action = 'nothing'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(attack)
        assert "a name" not in str(database.execute("SELECT * FROM audit").fetchall())
        database.close()


def test_deleting_means_deleting(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        video = upload(client, video_bytes(tmp_path))["id"]
        wait_for_job(client, video)
        client.put(f"/api/videos/{video}/annotations", json={"based_on": 0, "document": {}})
        client.delete(f"/api/videos/{video}")
        left = [path for path in (tmp_path / "work").rglob("*") if video in path.name]
        assert left == [] and list((tmp_path / "work" / "uploads").iterdir()) == []
        database = sqlite3.connect(tmp_path / "work" / "server.sqlite")
        for table in ("videos", "jobs", "documents"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        database.close()


def test_times_are_the_servers_own(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        headers = {"date": "Thu, 01 Jan 1970 00:00:00 GMT", "if-modified-since": "Thu, 01 Jan 2099 00:00:00 GMT"}
        response = client.post("/api/videos?name=a.mp4", content=video_bytes(tmp_path), headers=headers)
        assert response.json()["added_s"] > 1.7e9
        assert client.get("/api/videos", headers=headers).json()
        path = f"/api/videos/{response.json()['id']}/annotations"
        body = {"based_on": 0, "document": {}, "saved_s": 0}
        assert client.put(path, json=body).json()["code"] == "E-SRV-008"


def test_the_page_loads_nothing_from_elsewhere_and_has_no_inline_script() -> None:
    for entry in PAGE.iterdir():
        text = entry.read_text(encoding="utf-8") if entry.name.endswith((".html", ".js", ".css", ".svg")) else ""
        assert not re.search(r"""(src|href|action)\s*=\s*["']?(https?:)?//""", text), entry.name
        assert not re.search(
            r"\bon\w+\s*=\s*[\"']|javascript:|style=\"|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(",
            text,
        ), entry.name
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), entry.name
