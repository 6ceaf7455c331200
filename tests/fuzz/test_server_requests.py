"""Every address of the API meets hostile requests: it answers each at once, never with 5xx, and stays well.

What to send comes from the API's own OpenAPI description, so a new address is tried without a line here. One request
for each hostile value in each place, and 200 random combinations (10,000 with `make fuzz`).
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from augrgb.server.app import create_app
from support.altered_values import places, replaced
from support.fake_fitting import FakeFitting
from support.loop_project import make_project
from support.server_client import BASE, FakeDetector, make_settings, serving, upload, video_bytes, wait_for_job
from support.time_limit import within

INPUTS = int(os.environ.get("AUGRGB_FUZZ", "200"))
AT_ONCE_S = 20

TEXTS = [
    "", " ", ".", "..", "../../etc/passwd", "..\\..\\x", "/etc/passwd", "a\x00b", "\x1b[31m", "a\r\nSet-Cookie: x=1",
    "x" * 5000, "-1", "0", "1e400", "9" * 30, "9" * 5000, "nan", "inf", "-inf", "true", "null", "[]", "%00", "%ff",
    "\u0663", "\u00b2", "\u202e", "\ufeff", "\U0001f600", "';DROP TABLE videos;--", "${HOME}", "{{7*7}}", "<script>",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308, 5e-324, float("nan"),
    float("inf"), float("-inf"), [], {}, [[]], [None], {"": None}, ["x"] * 60_000, "\ud800", "\udfff\ud800", *TEXTS,
]  # fmt: skip
BODIES = [
    b"", b" ", b"null", b"[]", b"{}", b"0", b'""', b"{", b"NaN", b"\xff\xfe", b"\x00" * 100, b"\xef\xbb\xbf{}",
    b"[" * 100_000, b'{"a":' * 50_000, b"9" * 100_000, b'{"a":1,"a":2}', b'{"\\ud800": 1}', b"1e999999999",
    "{}".encode("utf-16"), b"a=1&b=2", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
    b'{"document": {"events": [' + b"[" * 5000, b"x" * 3_000_000,
]  # fmt: skip
KINDS = ["application/json", "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
         "multipart/form-data", "application/json; charset=utf-99", "a" * 5000, "application/json\u00b2"]  # fmt: skip
HEADERS = {
    "range": [
        "bytes=0-",
        "bytes=9-1",
        "bytes=-0",
        "bytes=-" + "9" * 30,
        "bytes=0-1,2-3",
        "bytes=\u00b2-",
        "x" * 9000,
        "-",
    ],
    "host": [
        "",
        "evil.example",
        "127.0.0.1:99999999",
        "[::1",
        "[::1]",
        "[",
        "a" * 9000,
        "127.0.0.1:\u00b2",
        "\u00e4",
        "@",
    ],
    "origin": [
        "null",
        "",
        "http://[::1",
        "http://[",
        "http://evil.example",
        "//",
        "http://a:b:c",
        "\u00e4",
        "x" * 9000,
    ],
    "cookie": ["augrgb_session=\u00e4", "augrgb_session", "=;=;;", '"', "a=" + "\\" * 5000, ";" * 5000],
    "authorization": ["", "Bearer", "Bearer \u00e4", "bearer  ", "Basic " + "x" * 9000, "\u00b2"],
    "content-length": ["\u00b2", "-1", "9" * 5000, "1e9", "", "0x10", " 7", "99999999999999"],
    "sec-fetch-site": ["cross-site", "\u00e4"],
    "if-none-match": ["*", '"' * 5000],
    "accept": ["\u00b2", "x" * 9000],
    "content-encoding": ["gzip", "\u00b2"],
    "x-forwarded-for": ["\u00e4", "1" * 9000],
}
WITH_HEADERS = ("/api/health", "/api/login", "/api/videos", "/api/videos/{video_id}/media",
                "/api/videos/{video_id}/annotations")  # the same code reads those of all addresses  # fmt: skip
EVENT = {
    "id": "a", "label": "drink", "start_s": 0.1, "end_s": 0.3, "state": "accepted",
    "machine": {"label": "drink", "start_s": 0.1, "end_s": 0.3, "score": 0.5}, "drawn": {"shown": True, "job": 1},
}  # fmt: skip
GOOD_BODIES: dict[str, Any] = {
    "Login": {"token": "a token"},
    "Threshold": {"label": "drink", "threshold": 0.5},
    "Save": {
        "based_on": 0,
        "document": {"events": [EVENT], "reviewed": [[0.0, 1.0]], "thresholds": {"drink": 0.5}, "found_by": 1},
    },
}


@dataclass(frozen=True)
class Operation:
    """A method of an address, with the places in which a client sends something."""

    method: str
    path: str
    inside: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    body: str = ""


@dataclass
class Sent:
    """One request: everything is good but what a test changes."""

    operation: Operation
    inside: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = b""


def operations(description: dict[str, Any]) -> list[Operation]:
    """All that the API's description offers."""
    found = []
    for path, methods in description["paths"].items():
        for method, one in methods.items():
            places: dict[str, list[str]] = {"path": [], "query": []}
            for parameter in one.get("parameters", []):
                places[parameter["in"]].append(parameter["name"])
            content = one.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
            kind = schema or ("bytes" if content else "")
            found.append(Operation(method.upper(), path, tuple(places["path"]), tuple(places["query"]), kind))
    return found


class Target:
    """A running server with a video, a result, annotations and a project; and the good values for its addresses."""

    def __init__(self, client: TestClient, folder: Path, *, loop: bool) -> None:
        self.client, self.folder, self.loop, self.sent = client, folder, loop, 0
        self.faults: list[str] = []
        description = client.get("/api/openapi.json").json()
        self.operations = operations(description)
        self._new_video()

    def _new_video(self) -> None:
        self.video = upload(self.client, video_bytes(self.folder))["id"]
        job = wait_for_job(self.client, self.video)["id"]
        self.good = {"video_id": self.video, "job_id": str(job), "time": "0.1", "format": "csv", "limit": "5",
                     "name": "a.mp4", "events": "all", "order": "confidence"}  # fmt: skip

    def plain(self, operation: Operation) -> Sent:
        """A request in which all is good."""
        body: Any = b""
        if operation.body == "bytes":
            body = b"no video"
        elif operation.body:
            body = copy.deepcopy(GOOD_BODIES[operation.body])
        if operation.body == "Save":
            version = self.client.get(f"/api/videos/{self.video}/annotations").json()
            body["based_on"] = version.get("version", 0)
        query = {name: self.good[name] for name in operation.query}
        return Sent(operation, {name: self.good[name] for name in operation.inside}, query, {}, body)

    def send(self, sent: Sent) -> None:
        """Send it, and check the answer."""
        self.sent += 1
        path = sent.operation.path
        for name, value in sent.inside.items():
            path = path.replace("{" + name + "}", quote(value, safe=""))
        headers: dict[str, Any] = {name: value.encode("latin-1") for name, value in sent.headers.items()}
        body = sent.body
        if not isinstance(body, bytes):
            try:
                body = json.dumps(body).encode()
            except ValueError:  # more digits than Python writes
                return
            headers.setdefault("content-type", "application/json")
        said = f"{sent.operation.method} {path[:200]} {str(sent.query)[:200]} {str(headers)[:200]} {body[:300]!r}"
        with within(AT_ONCE_S, said):
            answer = self.client.request(
                sent.operation.method, path, params=sent.query or None, headers=headers, content=body
            )
        self.faults += [f"{fault}, for {said}" for fault in faults_of(answer, str(self.folder))]
        if sent.operation.method == "DELETE" and answer.status_code == 200:
            self._new_video()


def faults_of(answer: Any, folder: str) -> Iterator[str]:
    """What is wrong with an answer."""
    text, kind = answer.text, answer.headers.get("content-type", "")
    if answer.status_code >= 500:
        yield f"{answer.status_code} {text[:200]}"
    elif answer.status_code >= 400 and text and (not re.match(r'\{"code":"E-(?!BUG)', text) or len(text) > 5000):
        yield f"no fault with a code: {text[:200]}"
    if folder in text:
        yield "a path of the server"
    if kind.startswith("application/json") and re.search(r"[\[:,](NaN|-?Infinity)", text):
        yield "a number that is none in JSON"
    if any(re.search(r"[\r\n]", name + value) or name == "set-cookie" for name, value in answer.headers.items()):
        yield "a header from the request"


def files_below(folder: Path) -> set[str]:
    """What a server must not add to: everything but its work folder and the project that it writes into."""
    kept = {"work", "project"}
    return {str(path) for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in kept}


@pytest.fixture(params=["plain", "loop"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    folder = tmp_path / "own"
    folder.mkdir()
    more: dict[str, Any] = {}
    if request.param == "loop":
        more = {"project": make_project(folder / "project"), "fitting": FakeFitting()}
    with serving(folder, FakeDetector(), **more) as client:
        target = Target(client, folder, loop=bool(more))
        before = files_below(tmp_path / "own")
        yield target
        assert not target.faults, "\n".join([str(len(target.faults)), *target.faults[:40]])
        assert client.get("/api/health").json() == {"status": "ok"}
        assert client.get(f"/api/videos/{target.video}/result").status_code == 200
        assert files_below(tmp_path / "own") == before
        assert not list((folder / "work" / "uploads").glob("*.tmp*"))


def hostile(plain: Sent) -> Iterator[Sent]:
    """A request with each hostile value in each place, all else good."""
    for name in plain.inside:
        for text in TEXTS:
            yield copy.copy(changed_sent(plain, inside={**plain.inside, name: text}))
    for name in plain.query:
        for text in TEXTS:
            yield changed_sent(plain, query={**plain.query, name: text})
        yield changed_sent(plain, query={key: value for key, value in plain.query.items() if key != name})
    yield changed_sent(plain, query={**plain.query, "path": "/etc/passwd", "\u0000": "\u0000"})
    for body in BODIES if plain.operation.body else BODIES[:3]:
        yield changed_sent(plain, body=body)
    if not isinstance(plain.body, bytes):
        for where in places(plain.body):
            for value in VALUES:
                yield changed_sent(plain, body=replaced(plain.body, where, value))
            if where and isinstance(where[-1], str):
                for key in ("\ud800", "", "x" * 5000, "__proto__", "a\x00"):
                    yield changed_sent(plain, body=replaced(plain.body, (*where[:-1], key), 0.5))
    if plain.operation.path not in WITH_HEADERS:
        return
    yield changed_sent(plain, body=b"x" * 30_000_000)
    for name, values in HEADERS.items():
        for value in values:
            yield changed_sent(plain, headers={name: value})
    for kind in KINDS:
        yield changed_sent(plain, headers={"content-type": kind})


def changed_sent(plain: Sent, **what: Any) -> Sent:
    return Sent(**{**plain.__dict__, **what})


def test_each_hostile_value_in_each_place(target: Target) -> None:
    addresses = {one.path for one in target.operations}
    if target.loop:  # the others do the same without one
        addresses = {path for path in addresses if "project" in path or "review" in path or "export" in path}
    for operation in target.operations:
        if operation.path not in addresses:
            continue
        for sent in hostile(target.plain(operation)):
            if sent.operation.body == "Save" and isinstance(sent.body, dict) and sent.body.get("based_on") == 0:
                sent.body["based_on"] = target.plain(operation).body["based_on"]
            target.send(sent)
    assert target.sent > (150 if target.loop else 1000)


def test_random_requests(target: Target) -> None:
    rng = random.Random(INPUTS)
    for _ in range(INPUTS):
        sent = target.plain(rng.choice(target.operations))
        for named in (sent.inside, sent.query):
            for name in named:
                if rng.random() < 0.3:
                    named[name] = rng.choice(TEXTS)
        if rng.random() < 0.3:
            name = rng.choice(list(HEADERS))
            sent.headers[name] = rng.choice(HEADERS[name])
        if isinstance(sent.body, bytes) or rng.random() < 0.1:
            sent.body = rng.choice(BODIES)
        else:
            for _ in range(rng.randrange(3)):
                where = rng.choice(list(places(sent.body)))
                sent.body = replaced(sent.body, where, rng.choice(VALUES))
        target.send(sent)


def test_every_address_of_the_description_is_tried(tmp_path: Path) -> None:
    app = create_app(make_settings(tmp_path), FakeDetector())
    described = {(one.method, one.path) for one in operations(app.openapi())}
    routes = {(m, route.path) for route in app.routes for m in getattr(route, "methods", ()) if m != "HEAD"}  # type: ignore[attr-defined]
    pages = {("GET", "/"), ("GET", "/page/{name}"), ("GET", "/api/openapi.json")}
    assert routes - described == pages and len(described) > 15
    assert BASE.startswith("http://127.0.0.1")
