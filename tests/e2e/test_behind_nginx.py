"""The documented configuration of nginx: TLS, a path before the page, uploads, ranges, and who is let in."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.browsing import PATIENCE_S, until, upload
from support.places import ROOT
from support.server_client import video_bytes, wait_for
from support.server_process import ServerProcess

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
TOKEN = "a token of a test, long enough"
pytestmark = pytest.mark.skipif(
    NGINX is None or shutil.which("openssl") is None, reason="nginx or openssl is not installed"
)


def documented() -> str:
    page = (ROOT / "docs" / "page.md").read_text(encoding="utf-8")
    found = re.search(r"^```nginx\n(.*?)^```", page, re.M | re.S)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, str, Path]]:
    """A server, the address of nginx before it, and its folder."""
    folder = tmp_path_factory.mktemp("nginx")
    server = ServerProcess(folder, TOKEN, silence_s=5.0)
    server.start().close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*words, "-subj", "/CN=localhost", "-days", "2"], cwd=folder, check=True, capture_output=True)
    block = (
        documented()
        .replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        .replace("/etc/ssl/certs/cameras.pem", str(folder / "cert.pem"))
        .replace("/etc/ssl/private/cameras.key", str(folder / "key.pem"))
        .replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    )
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi"))
    temporary += "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("uwsgi", "scgi"))
    config = f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\nhttp {{ access_log off;\n"
    (folder / "nginx.conf").write_text(f"{config}{temporary}{block}}}\n")
    words = [str(NGINX), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"https://127.0.0.1:{port}/films/"
    try:
        wait_for(lambda: _answers(address))
        yield server, address, folder
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        server.kill()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}api/health", verify=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def client(place: tuple[ServerProcess, str, Path]) -> Iterator[httpx.Client]:
    """Logged in as a browser is: by a cookie that only travels over TLS."""
    _, address, _ = place
    origin = address.removesuffix("/films/")
    with httpx.Client(base_url=address, verify=False, headers={"origin": origin}, timeout=PATIENCE_S) as found:
        answer = found.post("api/login", json={"token": TOKEN})
        assert answer.status_code == 200 and "secure" in answer.headers["set-cookie"].lower()
        yield found


def test_upload_detect_and_ranges(client: httpx.Client, tmp_path: Path) -> None:
    data = video_bytes(tmp_path, 30)
    video = client.post("api/videos", params={"name": "a.mp4"}, content=data).json()["id"]
    wait_for(lambda: client.get(f"api/videos/{video}").json()["job"]["state"] == "done")
    part = client.get(f"api/videos/{video}/media", headers={"range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == data[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    assert client.get(f"api/videos/{video}/media", headers={"range": f"bytes={len(data)}-"}).status_code == 416
    assert client.get(f"api/videos/{video}/media").content == data


def test_who_is_refused(place: tuple[ServerProcess, str, Path], client: httpx.Client) -> None:
    _, address, _ = place
    assert httpx.get(f"{address}api/videos", verify=False).status_code == 401
    assert client.get("api/videos", headers={"origin": "https://elsewhere.example"}).status_code == 403
    assert client.get("api/videos", headers={"host": "elsewhere.example"}).status_code in (400, 403, 421)
    assert client.get("api/health", headers={"upgrade": "websocket", "connection": "upgrade"}).status_code == 200


def test_an_upload_that_breaks_off_leaves_nothing(place: tuple[ServerProcess, str, Path]) -> None:
    _, address, folder = place
    port = int(address.split(":")[2].split("/")[0])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    before = sorted((folder / "work" / "uploads").iterdir())
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as wire:
        head = (
            f"POST /films/api/videos?name=b.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"
        )
        wire.sendall(f"{head}Content-Length: 5000000\r\n\r\n".encode() + b"x" * 100_000)
        wait_for(lambda: sorted((folder / "work" / "uploads").iterdir()) != before)  # it goes straight through
    wait_for(lambda: sorted((folder / "work" / "uploads").iterdir()) == before)
    wait_for(lambda: not [one for one in folder.glob("client_body/**/*") if one.is_file()])


@pytest.mark.browser
def test_the_page_below_a_path(place: tuple[ServerProcess, str, Path], tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    _, address, _ = place
    film = tmp_path / "film.mp4"
    film.write_bytes(video_bytes(tmp_path, 40))
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(ignore_https_errors=True)
        page.set_default_timeout(1000 * PATIENCE_S)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        page.fill("#token", TOKEN)
        page.click("#login button")
        upload(page, film)
        page.wait_for_selector("#editor:not([hidden]) .event")
        until(page, "document.querySelector('#video').readyState > 1")
        browser.close()
    assert not faults
