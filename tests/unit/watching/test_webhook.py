"""Webhooks: at least once, in order, signed, never to a private address unless that is wanted."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import UsageFault
from augrgb.watching import addresses, webhook
from augrgb.watching.addresses import Forbidden, public_addresses
from augrgb.watching.signatures import read_secrets
from augrgb.watching.spool import Spool, Spooled
from augrgb.watching.webhook import Webhook, WebhookSettings
from support.tiny_project import run_cli
from support.web_receiver import Receiver, receiver

SECRETS = (b"new secret " * 3, b"old secret " * 3)
RETRY_S = (0.02, 0.05)


@pytest.fixture
def web() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def hook(web: Receiver, folder: Path, warn: Callable[[str], object] = lambda text: None, **changes: Any) -> Webhook:
    values: dict[str, Any] = {"allow_private": True, "retry_s": RETRY_S, "secrets": SECRETS, "timeout_s": 5.0}
    return Webhook(WebhookSettings(f"http://127.0.0.1:{web.port}/in?a=b", folder, **values | changes), warn)


def wait_for(ready: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def numbers(web: Receiver) -> list[int]:
    return [json.loads(body)["seq"] for _, body in web.delivered()]


def test_messages_are_signed_as_the_standard_says(web: Receiver, tmp_path: Path) -> None:
    standard = pytest.importorskip("standardwebhooks")
    sink = hook(web, tmp_path)
    sink.send({"seq": 1, "class": "Sturz \u2603"})
    sink.close(20.0)
    headers, body = web.delivered()[0]
    assert headers["content-type"] == "application/json" and len(headers["webhook-signature"].split()) == 2
    for secret in SECRETS:
        found = standard.Webhook("whsec_" + base64.b64encode(secret).decode()).verify(body, headers)
        assert found == {"seq": 1, "class": "Sturz \u2603"}
    with pytest.raises(standard.WebhookVerificationError):
        standard.Webhook(base64.b64encode(b"other" * 6).decode()).verify(body, headers)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_receiver_that_fails_for_a_while_gets_everything_in_order(web: Receiver, tmp_path: Path, status: int) -> None:
    web.answers = [status, status, 200, status]
    told: list[str] = []
    sink = hook(web, tmp_path, told.append)
    for number in range(5):
        sink.send({"seq": number})
    wait_for(lambda: len(web.delivered()) == 5)
    sink.close(5.0)
    assert numbers(web) == [0, 1, 2, 3, 4] and sink.delivered == 5 and not sink.waiting
    ids = [headers["webhook-id"] for headers, _, _ in web.got]
    assert ids[0] == ids[1] == ids[2] and len(set(ids)) == 5
    assert f"answered {status}" in told[0] and str(tmp_path) in told[0]


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 422])
def test_a_message_that_is_refused_is_not_sent_again_and_no_redirect_is_followed(
    web: Receiver, tmp_path: Path, status: int
) -> None:
    web.answers = [status]
    sink = hook(web, tmp_path)
    sink.send({"seq": 0})
    sink.send({"seq": 1})
    sink.close(20.0)
    assert numbers(web) == [1] and (sink.refused, len(web.got)) == (1, 2)


def test_410_means_no_more(web: Receiver, tmp_path: Path) -> None:
    web.answer = 410
    sink = hook(web, tmp_path)
    sink.send({"seq": 0})
    wait_for(lambda: sink.refused == 1)
    sink.send({"seq": 1})
    sink.close(1.0)
    assert len(web.got) == 1 and sink.refused == 2


def test_what_was_not_delivered_is_delivered_by_the_next_start(web: Receiver, tmp_path: Path) -> None:
    web.answer = 500
    first = hook(web, tmp_path)
    for number in range(3):
        first.send({"seq": number})
    first.close(0.1)
    assert first.waiting == 3
    (tmp_path / "000000000001.message.json").write_text('{"torn')
    web.answer = 200
    second = hook(web, tmp_path)
    second.send({"seq": 3})
    second.close(20.0)
    assert numbers(web) == [0, 2, 3] and second.dropped == 1


def test_messages_survive_a_killed_process(web: Receiver, tmp_path: Path) -> None:
    program = (
        "import os, pathlib\nfrom augrgb.watching.webhook import Webhook, WebhookSettings\n"
        f"sink = Webhook(WebhookSettings('http://127.0.0.1:1/', pathlib.Path({str(tmp_path)!r}), allow_private=True))\n"
        "for number in range(4):\n    sink.send({'seq': number})\nos.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    sink = hook(web, tmp_path)
    sink.close(20.0)
    assert numbers(web) == [0, 1, 2, 3]


def test_a_full_spool_drops_its_oldest_messages_and_counts(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most=3)
    for number in range(5):
        spool.put(Spooled(f"msg_{number}", 0, "{}"))
    found = spool.first(0.0)
    assert found is not None and found[1].id == "msg_2" and spool.dropped == 2 and len(spool) == 3
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost:8080/", "https://[::1]/", "http://10.1.2.3/", "http://192.168.1.1/x",
        "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://0.0.0.0/", "http://[::ffff:10.0.0.1]/",
        "http://100.64.0.1/", "http://224.0.0.1/", "ftp://example.org/", "https://me:secret@example.org/", "file:///etc",
        "http://example.org:99999/", "nonsense", "http://[64:ff9b::7f00:1]/", "http://[::1",
        "http://a b/", f"http://{'a' * 64}.example/", "http://a..b/", "http://a/\u2603", "http://a/x\r\nY: z", "http://a\0/",
        "http://a/\udcff", "http://-a/", f"http://{'a.' * 130}b/",
    ],
)  # fmt: skip
def test_addresses_to_which_nothing_is_sent(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageFault, match="E-CFG-027") as caught:
        Webhook(WebhookSettings(url, tmp_path / "spool"))
    assert "secret" not in str(caught.value) and not (tmp_path / "spool").exists()


def test_a_name_that_leads_to_a_private_address_is_not_called(
    web: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolved(host: str, port: int, **_: Any) -> Any:
        return [(0, 0, 0, "", ("93.184.216.34", port)), (0, 0, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", resolved)
    with pytest.raises(Forbidden):
        public_addresses("example.org", 80, allow_private=False)
    told: list[str] = []
    url = f"http://example.org:{web.port}/"
    sink = Webhook(WebhookSettings(url, tmp_path, retry_s=RETRY_S), told.append)
    sink.send({"seq": 0})
    wait_for(lambda: bool(told))
    sink.close(0.1)
    assert not web.got and "address of this machine" in told[0] and sink.waiting == 1


def test_the_next_address_of_a_name_is_tried_and_no_warning_shows_the_path(
    web: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://receiver.test:{web.port}/hooks/token"
    web.answers = [400]
    warnings: list[str] = []
    monkeypatch.setattr(webhook, "public_addresses", lambda *_, **__: ["127.0.0.9", "127.0.0.1"])  # nobody at the first
    sink = Webhook(WebhookSettings(url, tmp_path, allow_private=True, retry_s=RETRY_S), warnings.append)
    sink.send({"seq": 0})
    sink.send({"seq": 1})
    sink.close(20.0)
    assert numbers(web) == [1] and len(warnings) == 1 and "token" not in warnings[0]


def test_a_receiver_that_never_answers_holds_nothing_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        sink = Webhook(WebhookSettings(url, tmp_path, allow_private=True, timeout_s=60.0))
        begun_s = time.monotonic()
        for number in range(3):
            sink.send({"seq": number})
        sink.close(0.3)
        assert time.monotonic() - begun_s < 5.0 and sink.waiting == 3


@pytest.mark.parametrize("text", ["", "\n\n", "whsec_short", "whsec_" + "!" * 40, "whsec_" + "\u0185" * 40])
def test_files_without_secrets_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "secrets").write_text(text)
    with pytest.raises(UsageFault, match="E-CFG-028"):
        read_secrets(tmp_path / "secrets")


def test_options_of_webhooks_need_a_webhook(tmp_path: Path) -> None:
    from support.causal_bundle import make_causal_bundle

    done = run_cli("watch", "0", "-m", make_causal_bundle(tmp_path), "--webhook-private")
    assert done.code == 2 and "E-CFG-015" in done.err
