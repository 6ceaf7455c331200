"""Messages by MQTT: the payload of `augrgb.watching.payload`, and retained states that a home can act on.

    <prefix>/<site>/available                    online or offline (retained; the broker says offline when we vanish)
    <prefix>/<site>/<source>/available           whether the source delivers (retained)
    <prefix>/<site>/<source>/events              every message, QoS 1, not retained
    <prefix>/<site>/<source>/<class>/state       ON while an event of the class goes on, else OFF (retained)
    <prefix>/<site>/<source>/stats               counters, once a minute

Names are percent-encoded, so a `/`, `+` or `#` in them changes no topic. Nothing that arrives is obeyed.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from augrgb.core.errors import EnvironmentFault
from augrgb.core.shown import printable
from augrgb.watching.addresses import split_address
from augrgb.watching.sink import Sink
from augrgb.watching.spool import Spool, Spooled

HOME_ASSISTANT_STATUS = "homeassistant/status"
_MOST_WAITING = 10_000
_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """A broker.

    Args:
        url: `mqtt://[USER:PASSWORD@]HOST[:PORT]`, or `mqtts://`.
        source: Name of the source.
        classes: Of the model.
        site: Of several machines on one broker.
        prefix: First part of every topic.
        discovery: Announce a binary sensor for each class to Home Assistant.
        model: Hash of the model, for Home Assistant.
    """

    url: str = field(repr=False)
    source: str
    classes: tuple[str, ...]
    site: str = "home"
    prefix: str = "augrgb"
    discovery: bool = False
    model: str = ""


class Mqtt(Sink):
    """Publishes messages; they wait while the broker is away.

    Args:
        settings: Which broker.
        warn: Called with a sentence when the broker refuses or is lost.
        spool: Folder in which events wait until the broker has acknowledged them, so that a crash or a restart loses
            none (at least once: `id` and `seq` of a message say which it is); None = they wait in memory. States are
            not kept: the present ones are published at every connection.

    Raises:
        EnvironmentFault: E-ENV-003, paho-mqtt is not installed.
        UsageFault: E-CFG-027, the address is not one of a broker.
    """

    def __init__(
        self,
        settings: MqttSettings,
        warn: Callable[[str], object] = lambda text: None,
        *,
        spool: Path | None = None,
    ) -> None:
        try:
            from paho.mqtt import client as paho
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            problem = f"MQTT needs paho-mqtt ({error})"
            raise EnvironmentFault("E-ENV-003", "--mqtt", problem, "pip install 'augrgb[mqtt]'") from error
        url = split_address(settings.url, "--mqtt", ("mqtt", "mqtts"), "Write it like mqtt://HOST:1883.")
        self._settings, self._warn = settings, warn
        self._site = f"{settings.prefix}/{_part(settings.site)}"
        self._topic = f"{self._site}/{_part(settings.source)}"
        self._state = dict.fromkeys(settings.classes, "OFF")
        self._open: dict[str, str] = {}
        self._available = "offline"
        self._lock = threading.Lock()
        self._client: Any = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        client = self._client
        client.max_queued_messages_set(_MOST_WAITING)
        client.reconnect_delay_set(1, 60)
        client.will_set(f"{self._site}/available", "offline", qos=1, retain=True)
        if url.username is not None:
            client.username_pw_set(unquote(url.username), unquote(url.password or ""))
        if url.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        client.on_connect, client.on_message = self._connected, self._came
        client.on_disconnect = self._disconnected
        client.connect_async(url.hostname or "", url.port or (8883 if url.scheme == "mqtts" else 1883), keepalive=30)
        client.loop_start()
        self._spool = Spool(spool, _MOST_WAITING) if spool is not None else None
        self._closing = threading.Event()
        if self._spool is not None:
            threading.Thread(target=self._deliver, args=(self._spool,), daemon=True).start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Publish one message and the states that it changes."""
        body = json.dumps(message, ensure_ascii=False)
        if self._spool is not None:
            self._spool.put(Spooled(str(message["id"]), int(time.time()), body))
        else:
            self._client.publish(f"{self._topic}/events", body, qos=1)
        with self._lock:
            kind, label = message["type"], str(message.get("class"))
            if kind == "start":
                self._open[message["id"]] = label
                self._set(label)
            elif kind == "end":
                self._open.pop(message["id"], None)
                self._set(label)
            elif kind == "health" and message["kind"] in ("connected", "disconnected"):
                self._available = "online" if message["kind"] == "connected" else "offline"
                self._retain(f"{self._topic}/available", self._available)

    def stats(self, values: Mapping[str, Any]) -> None:
        """Publish counters."""
        self._client.publish(f"{self._topic}/stats", json.dumps(values))

    def close(self, patience_s: float) -> None:
        """Say that we go, and wait until what is queued has gone out; what has not is kept in the spool."""
        until_s = time.monotonic() + patience_s
        while self._spool is not None and len(self._spool) and self._client.is_connected():
            if time.monotonic() > until_s:
                break
            time.sleep(0.01)
        self._closing.set()
        with self._lock:
            self._available = "offline"
            self._retain(f"{self._topic}/available", "offline")
            last = self._retain(f"{self._site}/available", "offline")
        if self._client.is_connected():
            with contextlib.suppress(RuntimeError, ValueError):  # lost in between
                last.wait_for_publish(patience_s)
        self._client.disconnect()
        stopping = threading.Thread(target=self._client.loop_stop, daemon=True)
        stopping.start()
        stopping.join(patience_s)

    def _deliver(self, spool: Spool) -> None:
        """In a thread: one event after another, each until the broker has acknowledged it."""
        while not self._closing.is_set():
            found = spool.first(0.2)
            if found is None:
                continue
            if not self._client.is_connected():
                self._closing.wait(_AGAIN_S)
                continue
            name, message = found
            sent = self._client.publish(f"{self._topic}/events", message.body, qos=1)
            try:
                while not (acknowledged := sent.is_published()) and not self._closing.wait(0.01):
                    pass  # paho sends it again after a reconnect
            except (RuntimeError, ValueError):  # the connection was lost in between, or paho's own queue is full
                self._closing.wait(_AGAIN_S)
                continue
            if acknowledged:
                spool.done(name)

    def _set(self, label: str) -> None:
        state = "ON" if label in self._open.values() else "OFF"
        if self._state.get(label) != state:
            self._state[label] = state
            self._retain(f"{self._topic}/{_part(label)}/state", state)

    def _retain(self, topic: str, text: str) -> Any:
        return self._client.publish(topic, text, qos=1, retain=True)

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._warn(f"MQTT: the broker refuses the connection ({reason})")
            return
        client.subscribe(HOME_ASSISTANT_STATUS, qos=1)
        self._publish_all()

    def _disconnected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._warn(f"MQTT: the connection to the broker is lost ({reason}); messages wait")

    def _came(self, client: Any, userdata: Any, message: Any) -> None:
        """Home Assistant has started again: it knows nothing. A retained message may be old."""
        if message.topic == HOME_ASSISTANT_STATUS and not message.retain and message.payload == b"online":
            self._publish_all()

    def _publish_all(self) -> None:
        with self._lock:
            self._retain(f"{self._site}/available", "online")
            self._retain(f"{self._topic}/available", self._available)
            for label, state in self._state.items():
                if self._settings.discovery:
                    self._retain(*self._announcement(label))
                self._retain(f"{self._topic}/{_part(label)}/state", state)

    def _announcement(self, label: str) -> tuple[str, str]:
        settings = self._settings
        name = "_".join(_word(part) for part in (settings.prefix, settings.site, settings.source, label))
        values = {
            "name": label,
            "unique_id": name,
            "state_topic": f"{self._topic}/{_part(label)}/state",
            "availability": [{"topic": f"{self._site}/available"}, {"topic": f"{self._topic}/available"}],
            "availability_mode": "all",
            "device": {
                "identifiers": ["_".join(map(_word, (settings.prefix, settings.site, settings.source)))],
                "name": settings.source,
                "manufacturer": "augrgb",
                "model": settings.model,
            },
        }
        return f"homeassistant/binary_sensor/{name}/config", json.dumps(values)


def _part(name: str) -> str:
    """A name as one level of a topic."""
    return quote(printable(name), safe="") or "%00"


def _word(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else f"-{ord(letter):x}-" for letter in name)


def topics(settings: MqttSettings) -> Sequence[str]:
    """The topics of a source, for documentation and tests.

    >>> topics(MqttSettings("mqtt://b", "hall/1", ("fall",)))[3]
    'augrgb/home/hall%2F1/fall/state'
    """
    site = f"{settings.prefix}/{_part(settings.site)}"
    source = f"{site}/{_part(settings.source)}"
    states = [f"{source}/{_part(label)}/state" for label in settings.classes]
    return [f"{site}/available", f"{source}/available", f"{source}/events", *states, f"{source}/stats"]
