"""The broker of Debian's package mosquitto, on the loopback."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_PLACES = (shutil.which("mosquitto"), "/usr/sbin/mosquitto")
MOSQUITTO = next((place for place in _PLACES if place and Path(place).exists()), None)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def mqtt_broker(folder: Path, port: int) -> Iterator[None]:
    """Runs inside the block."""
    assert MOSQUITTO is not None
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    broker = subprocess.Popen([MOSQUITTO, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_s = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1.0).close()
                break
            except OSError:
                assert time.monotonic() < until_s
                time.sleep(0.05)
        yield
    finally:
        broker.kill()
        broker.wait()
