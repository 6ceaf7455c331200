"""What must not get in, and what must not get out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.server import listening
from augrgb.server.settings import ServerSettings, read_token
from support.server_client import fake_model, make_settings, serving, upload, video_bytes
from support.tiny_project import run_cli

TOKEN = "a token of this test"
TRAVERSAL = ["../server.sqlite", "..%2f..%2fetc%2fpasswd", "%2e%2e/index.html", "..\\x", "index.html%00", "/etc/passwd"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "a@b", "[::1", "192.0.2.1"]
)
def test_another_name_for_this_machine_is_refused(tmp_path: Path, host: str) -> None:
    with serving(tmp_path) as client:
        response = client.get("/api/videos", headers={"host": host})
        assert (response.status_code, response.json()["code"]) == (403, "E-SRV-006")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:1", "[::1]:8000", "cameras.example"])
def test_our_own_names_are_fine(tmp_path: Path, host: str) -> None:
    with serving(tmp_path, allowed_hosts=["cameras.example"]) as client:
        assert client.get("/api/videos", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_pages_cannot_use_the_server(tmp_path: Path, headers: dict[str, str]) -> None:
    with serving(tmp_path) as client:
        for response in (
            client.post("/api/videos", content=video_bytes(tmp_path), headers=headers),
            client.get("/api/videos", headers=headers),
            client.delete("/api/videos/" + "0" * 32, headers=headers),
        ):
            assert (response.status_code, response.json()["code"]) == (403, "E-SRV-006")
        assert "access-control-allow-origin" not in response.headers


def test_the_page_itself_uses_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        headers = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
        assert client.post("/api/videos", content=video_bytes(tmp_path), headers=headers).status_code == 201


def test_every_answer_carries_the_security_headers(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        video = upload(client, video_bytes(tmp_path))
        for path in ("/", "/api/videos", "/nothing", f"/api/videos/{video['id']}/media", "/api/openapi.json"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "server" not in headers
        assert "evil" not in client.get("/", headers={"host": "evil.example"}).text


@pytest.mark.parametrize("path", TRAVERSAL)
def test_no_path_of_a_request_is_opened(tmp_path: Path, path: str) -> None:
    with serving(tmp_path) as client:
        for prefix in ("/", "/page/", "/api/videos/"):
            for suffix in ("", "/media", "/result", "/scores"):
                assert client.get(f"{prefix}{path}{suffix}").status_code in (404, 405)


def test_a_listed_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        video = upload(client, video_bytes(tmp_path))
        file = next((tmp_path / "work" / "uploads").iterdir())
        file.unlink()
        file.symlink_to("/etc/passwd")
        assert client.get(f"/api/videos/{video['id']}/media").status_code == 404


def test_uploaded_files_are_private_and_cannot_be_executed(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        upload(client, video_bytes(tmp_path), "run.sh")
        file = next((tmp_path / "work" / "uploads").iterdir())
        assert file.stat().st_mode & 0o777 == 0o600
        assert len(file.name) == 32


def test_without_the_token_only_the_health_check_and_the_empty_page_answer(tmp_path: Path) -> None:
    with serving(tmp_path, token=TOKEN) as client:
        assert client.get("/api/health").json() == {"status": "ok"}
        assert client.get("/").status_code == 200
        for path in ("/api/videos", "/api/state", "/api/openapi.json", "/api/jobs"):
            assert client.get(path).json()["code"] == "E-SRV-007"
        for headers in ({"authorization": f"Bearer {TOKEN}x"}, {"cookie": "augrgb_session=x"}, {"cookie": "\x01;=="}):
            assert client.get("/api/videos", headers=headers).status_code == 401
        assert client.get("/api/videos", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.post("/api/login", json={"token": TOKEN}).status_code == 200
        cookie = client.post("/api/login", json={"token": TOKEN}).headers["set-cookie"]
        assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower() and TOKEN not in cookie
        assert client.get("/api/videos").status_code == 200


def test_logins_are_limited(tmp_path: Path) -> None:
    with serving(tmp_path, token=TOKEN) as client:
        codes = [client.post("/api/login", json={"token": "guess"}).json()["code"] for _ in range(30)]
        assert codes[:20] == ["E-SRV-007"] * 20
        assert codes[20:] == ["E-SRV-015"] * 10


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "cameras.example"])
def test_other_machines_need_a_token(tmp_path: Path, host: str) -> None:
    with pytest.raises(UsageFault, match=r"E-SRV-010.*token"):
        make_settings(tmp_path, host=host)
    assert isinstance(make_settings(tmp_path, host=host, token=TOKEN), ServerSettings)


def test_a_token_file_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token, new = read_token(path)
    assert new and len(token) > 40
    assert path.stat().st_mode & 0o077 == 0
    assert read_token(path) == (token, False)
    path.write_text("short")
    with pytest.raises(UsageFault, match="E-SRV-010"):
        read_token(path)


def test_running_as_root_is_warned_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def served(user: int) -> str:
        monkeypatch.setattr(os, "geteuid", lambda: user)
        monkeypatch.setattr(listening, "listen", lambda app, settings: None)
        outcome = run_cli("serve", "--model", fake_model(tmp_path / f"model-{user}"), "--work", tmp_path / str(user))
        assert outcome.code == 0, outcome.err
        return outcome.err

    assert "Running as root" in served(0)
    assert "root" not in served(1000)


def test_two_servers_never_share_a_work_folder(tmp_path: Path) -> None:
    with serving(tmp_path), pytest.raises(UsageFault, match=r"E-SRV-011.*another"), serving(tmp_path):
        pass


def test_a_damaged_database_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "server.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(InputRefused, match=r"E-SRV-012.*server\.sqlite"), serving(tmp_path):
        pass


def test_a_request_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"json_bytes": 1000}) as client:
        for body in (b"x" * 1001, iter([b"x" * 600, b"x" * 600])):
            response = client.put("/api/videos/x/annotations", content=body)
            assert (response.status_code, response.json()["code"]) == (413, "E-SRV-001")
