"""MQTT with a real broker: events, retained states, a last will, Home Assistant."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import UsageFault
from augrgb.watching.mqtt import HOME_ASSISTANT_STATUS, Mqtt, MqttSettings, topics
from support.mqtt_broker import MOSQUITTO, free_port, mqtt_broker

paho = pytest.importorskip("paho.mqtt.client")
pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="needs the Debian package mosquitto")
CLASSES = ("fall", "sit/down +#")


class Home:
    """A subscriber to everything."""

    def __init__(self, port: int) -> None:
        self.got: list[tuple[str, str, bool]] = []
        self.client: Any = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda client, data, m: self.got.append((m.topic, m.payload.decode(), m.retain))
        ready = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert ready.wait(30.0)

    def last(self, topic: str) -> str | None:
        return next((text for name, text, _ in reversed(self.got) if name == topic), None)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[int, Home]]:
    port = free_port()
    with mqtt_broker(tmp_path, port):
        found = Home(port)
        yield port, found
        found.close()


def wait_for(ready: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def settings(port: int, **changes: Any) -> MqttSettings:
    return MqttSettings(f"mqtt://127.0.0.1:{port}", "hall/1", CLASSES, **changes)


def event(kind: str, name: str = "a", label: str = "fall", **values: Any) -> dict[str, Any]:
    return {"type": kind, "id": name, "class": label, **values}


def test_events_and_retained_states(home: tuple[int, Home]) -> None:
    port, seen = home
    _, source, events, fall, sit, stats = topics(settings(port))
    assert sit == "augrgb/home/hall%2F1/sit%2Fdown%20%2B%23/state"
    sink = Mqtt(settings(port))
    sink.send({"type": "health", "kind": "connected", "id": "h"})
    sink.send(event("start"))
    sink.send(event("start", "b"))
    wait_for(lambda: seen.last(fall) == "ON" and seen.last(source) == "online" and seen.last(sit) == "OFF")
    sink.send(event("end"))
    sink.send(event("end", "b"))
    sink.stats({"dropped": 0})
    wait_for(lambda: seen.last(fall) == "OFF" and seen.last(stats) is not None)
    wait_for(lambda: len([1 for topic, _, _ in seen.got if topic == events]) == 5)
    found = [json.loads(text) for topic, text, _ in seen.got if topic == events]
    assert [one["type"] for one in found] == ["health", "start", "start", "end", "end"]
    assert [text for topic, text, _ in seen.got if topic == fall][-2:] == ["ON", "OFF"]
    late = Home(port)  # comes later: states are retained, events are not
    wait_for(lambda: late.last(sit) == "OFF" and late.last(fall) == "OFF")
    assert late.last(events) is None and all(retained for _, _, retained in late.got)
    late.close()
    sink.close(10.0)
    wait_for(lambda: seen.last("augrgb/home/available") == "offline")


def test_a_broker_that_comes_later_gets_what_waited(tmp_path: Path) -> None:
    port = free_port()
    sink = Mqtt(settings(port))
    sink._client.reconnect_delay_set(0.1, 0.2)
    sink.send(event("start"))
    with mqtt_broker(tmp_path, port):
        seen = Home(port)
        wait_for(lambda: seen.last(topics(settings(port))[2]) is not None)
        assert json.loads(seen.last(topics(settings(port))[2]) or "")["type"] == "start"
        wait_for(lambda: seen.last(topics(settings(port))[3]) == "ON")
        seen.close()
    sink.close(0.2)


def test_messages_wait_on_disk_over_a_kill(tmp_path: Path) -> None:
    import subprocess
    import sys

    port = free_port()
    program = (
        "import os\nfrom pathlib import Path\nfrom augrgb.watching.mqtt import Mqtt, MqttSettings\n"
        f"broker, spool = MqttSettings('mqtt://127.0.0.1:{port}', 'hall/1', ('fall',)), {str(tmp_path / 'spool')!r}\n"
        "sink = Mqtt(broker, spool=Path(spool))\n"
        "for n in range(5):\n    sink.send({'type': 'start', 'id': str(n), 'class': 'fall', 'seq': n})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False, timeout=60)  # no broker: nothing could go out
    assert len(list((tmp_path / "spool").glob("*.message.json"))) == 5
    with mqtt_broker(tmp_path, port):
        seen, events = Home(port), topics(settings(port))[2]
        sink = Mqtt(settings(port), spool=tmp_path / "spool")
        sink.send(event("start", "5", seq=5))
        wait_for(lambda: len([1 for topic, *_ in seen.got if topic == events]) >= 6)
        sink.close(10.0)
        found = [json.loads(text)["seq"] for topic, text, _ in seen.got if topic == events]
        assert found == list(range(6)) and not list((tmp_path / "spool").glob("*.message.json"))
        seen.close()


def test_without_a_broker_events_wait_and_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    sink = Mqtt(settings(free_port()), spool=tmp_path / "spool")
    sink.send({"type": "start", "id": "a", "class": "fall"})
    time.sleep(0.6)
    sink.close(0.2)
    assert not died and len(list((tmp_path / "spool").glob("*.message.json"))) == 1


def test_a_process_that_vanishes_is_offline(home: tuple[int, Home]) -> None:
    import subprocess
    import sys

    port, seen = home
    program = (
        "import os, time\nfrom augrgb.watching.mqtt import Mqtt, MqttSettings\n"
        f"sink = Mqtt(MqttSettings('mqtt://127.0.0.1:{port}', 'hall', ('fall',)))\n"
        "sink.send({'type': 'start', 'id': 'a', 'class': 'fall'})\n"
        "while not sink._client.is_connected():\n    time.sleep(0.01)\ntime.sleep(0.3)\nos.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    wait_for(lambda: seen.last("augrgb/home/available") == "offline")


def test_home_assistant_learns_the_sensors_and_gets_all_again_when_it_starts(home: tuple[int, Home]) -> None:
    port, seen = home
    sink = Mqtt(settings(port, discovery=True, model="abc"))
    wait_for(lambda: seen.last(topics(settings(port))[4]) == "OFF")
    announced = [(topic, json.loads(text)) for topic, text, _ in seen.got if topic.startswith("homeassistant/")]
    assert len(announced) == 2 and len({topic for topic, _ in announced}) == 2
    assert announced[0][1]["state_topic"] == topics(settings(port))[3]
    count = len(seen.got)
    seen.client.publish(HOME_ASSISTANT_STATUS, "online", qos=1)
    wait_for(lambda: len(seen.got) >= count + 7)
    sink.close(5.0)


@pytest.mark.parametrize("url", ["http://a", "mqtt://", "broker:1883", "mqtt://a:99999", f"mqtt://{'a' * 9000}/"])
def test_what_is_no_broker_is_refused(url: str) -> None:
    with pytest.raises(UsageFault, match="E-CFG-027"):
        Mqtt(MqttSettings(url, "hall", CLASSES))
