"""RTSP over a proxy that stalls, resets, trickles, refuses and talks nonsense; limits are short, patience is long."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import psutil
import pytest

from augrgb.video.live.live_video import LiveSettings, LiveVideo
from augrgb.video.live.messages import Frame, Health
from augrgb.video.live.read_stream import StreamReader, StreamSettings
from augrgb.video.live.source import source_of
from support.fault_proxy import FaultProxy, fault_proxy
from support.rtsp_server import missing_rtsp_server, rtsp_server

pytestmark = pytest.mark.skipif(bool(missing_rtsp_server()), reason=missing_rtsp_server())
QUICK = StreamSettings(
    open_s=20.0, read_s=2.0, stalled_s=0.7, black_s=1.0, frozen_s=1.0, backoff_first_s=0.05, backoff_most_s=0.2
)
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with rtsp_server() as port:
        yield port


@pytest.fixture
def proxy(server: int) -> Iterator[FaultProxy]:
    with fault_proxy(server) as found:
        yield found


class Reading:
    """A reader in a thread, and what it said."""

    def __init__(self, address: str, settings: StreamSettings = QUICK) -> None:
        self.frames: list[Frame] = []
        self.health: list[Health] = []
        self.reader = StreamReader(source_of(address), 15.0, (48, 32), settings, time.monotonic(), self._take)
        self._thread = threading.Thread(target=self.reader.run, daemon=True)

    def _take(self, message: Any) -> None:
        if isinstance(message, Frame):
            self.frames.append(message)
        elif isinstance(message, Health):
            self.health.append(message)

    def __enter__(self) -> Reading:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.stop()
        self._thread.join(PATIENCE_S)

    def wait_for(self, ready: Callable[[], bool]) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while not ready():
            assert time.monotonic() < until_s, self.health
            time.sleep(0.02)

    def wait_frames(self, count: int) -> None:
        wanted = len(self.frames) + count
        self.wait_for(lambda: len(self.frames) >= wanted)

    def kinds(self) -> list[str]:
        return [one.kind for one in self.health]

    def of(self, kind: str) -> list[Health]:
        return [one for one in self.health if one.kind == kind]


def test_a_stream_gives_frames_on_the_grid(server: int) -> None:
    with Reading(f"rtsp://127.0.0.1:{server}/ball") as reading:
        reading.wait_frames(30)
    steps = np.diff([frame.index for frame in reading.frames])
    assert (steps >= 1).all() and float(np.mean(steps == 1)) > 0.6
    assert reading.frames[0].image.shape == (32, 48, 3)
    values = reading.health[0].values
    assert reading.kinds()[0] == "connected" and (values["width"], values["height"], values["codec"]) == (
        96,
        64,
        "h264",
    )


def test_a_stream_by_udp_gives_frames_too(server: int) -> None:
    settings = replace(QUICK, transport="udp")
    with Reading(f"rtsp://127.0.0.1:{server}/ball", settings) as reading:
        reading.wait_frames(20)
    steps = np.diff([frame.index for frame in reading.frames])
    assert (steps >= 1).all() and float(np.mean(steps == 1)) > 0.5 and reading.kinds()[0] == "connected"


def test_a_stall_is_reported_then_the_connection_is_given_up_and_made_again(server: int, proxy: FaultProxy) -> None:
    with Reading(f"rtsp://127.0.0.1:{proxy.port}/ball") as reading:
        reading.wait_frames(5)
        proxy.mode = "stall"
        reading.wait_for(lambda: bool(reading.of("stalled")))
        reading.wait_for(lambda: bool(reading.of("disconnected")))
        proxy.mode = "pass"
        reading.wait_for(lambda: len(reading.of("connected")) > 1)
        reading.wait_frames(5)
    assert reading.of("disconnected")[0].values["cause"] == "timeout"
    assert reading.of("recovered")[0].values["after"] == "stalled"
    gap = reading.of("gap")[0].values
    assert gap["seconds"] > 1.0
    inside = [f for f in reading.frames if gap["from_s"] + 0.5 < f.index / 15 < gap["to_s"] - 0.1]
    assert not inside and [f.index for f in reading.frames] == sorted({f.index for f in reading.frames})


@pytest.mark.parametrize(
    ("fault", "causes"),
    [
        ("reset", {"reset", "ended", "network", "timeout"}),
        ("refuse", {"reset", "ended", "network", "not_a_stream"}),
        ("garbage", {"ended", "network", "not_a_stream", "reset"}),
        ("unauthorized", {"auth"}),
        pytest.param("trickle", {"timeout", "network"}, marks=pytest.mark.slow),
    ],
)
def test_faults_end_in_a_new_connection(server: int, proxy: FaultProxy, fault: str, causes: set[str]) -> None:
    with Reading(f"rtsp://127.0.0.1:{proxy.port}/ball") as reading:
        reading.wait_frames(3)
        if fault == "unauthorized":
            proxy.answer = b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Basic realm=x\r\n\r\n"
        proxy.mode = {"reset": "pass", "unauthorized": "garbage"}.get(fault, fault)
        if fault != "trickle":
            proxy.reset()
        reading.wait_for(lambda: bool({one.values["cause"] for one in reading.of("disconnected")} & causes))
        if fault == "unauthorized":
            assert reading.of("disconnected")[-1].values["retry_s"] >= 48
            return
        proxy.mode = "pass"
        reading.wait_for(lambda: len(reading.of("connected")) > 1)
        reading.wait_frames(3)


def test_no_server_and_no_such_stream_are_told_apart(server: int) -> None:
    for address, cause in ((f"rtsp://127.0.0.1:{server}/none", "not_found"), ("rtsp://127.0.0.1:1/x", "refused")):
        with Reading(address) as reading:
            reading.wait_for(lambda reading=reading: len(reading.of("disconnected")) > 2)  # type: ignore[misc]
        assert {one.values["cause"] for one in reading.health} == {cause}
        assert [one.values["attempt"] for one in reading.health[:3]] == [1, 2, 3]


@pytest.mark.parametrize(("stream", "kind"), [("black", "black"), ("still", "frozen")])
def test_images_without_content_are_reported_and_not_scored(server: int, stream: str, kind: str) -> None:
    with Reading(f"rtsp://127.0.0.1:{server}/{stream}") as reading:
        reading.wait_for(lambda: bool(reading.of(kind)))
        count = len(reading.frames)
        time.sleep(1.0)
        assert len(reading.frames) <= count + 1


def test_a_decoder_that_is_too_slow_skips_instead_of_falling_behind(server: int) -> None:
    settings = StreamSettings(open_s=20.0, read_s=10.0, max_lag_s=0.5, max_age_s=0.3)
    with Reading(f"rtsp://127.0.0.1:{server}/ball", settings) as reading:
        reading.wait_frames(3)
        decoded = reading.reader._decoded

        def slowly(packet: Any) -> Any:
            frames = decoded(packet)
            time.sleep(0.2 * len(frames))
            return frames

        reading.reader._decoded = slowly  # type: ignore[method-assign]
        reading.wait_for(lambda: len(reading.of("overloaded")) > 2)
        late = [time.monotonic() - reading.frames[-1].captured_s]
        assert max(late) < 10.0
        assert any(one.values["skipped"] for one in reading.of("gap"))


@pytest.mark.slow
def test_a_process_that_hangs_is_replaced(proxy: FaultProxy) -> None:
    settings = LiveSettings(
        15.0, (48, 32), stream=StreamSettings(open_s=300.0, read_s=300.0, stalled_s=300.0), watchdog_s=10.0
    )
    with LiveVideo(source_of(f"rtsp://127.0.0.1:{proxy.port}/ball"), settings, time.monotonic()) as video:
        first, until_s, seen, kinds = video._process.pid, time.monotonic() + PATIENCE_S, 0, []
        while time.monotonic() < until_s and kinds.count("connected") < 2:
            message = video.receive(0.2)
            if isinstance(message, Frame):
                seen += 1
                proxy.mode = "stall" if video._process.pid == first else "pass"
            elif isinstance(message, Health):
                kinds.append(message.kind)
                if message.kind == "disconnected":
                    assert message.values["cause"] == "hung"
                    proxy.mode = "pass"
        assert kinds[:2] == ["connected", "disconnected"] and kinds.count("connected") == 2 and seen
        assert video._process.pid != first


def reconnect(count: int, proxy: FaultProxy) -> tuple[list[int], list[int]]:
    """Connect so many times; memory and handles of this process along the way.

    A stream is open after a tenth of a second of it, not a whole one, and the next attempt comes at once: it is the
    number of connections that counts here.
    """
    process, memory, handles = psutil.Process(os.getpid()), [], []
    quick = replace(QUICK, probe_s=0.1, backoff_first_s=0.01, backoff_most_s=0.01)
    with Reading(f"rtsp://127.0.0.1:{proxy.port}/ball", quick) as reading:
        for number in range(count):
            wanted = number + 1
            reading.wait_for(lambda wanted=wanted: len(reading.of("connected")) >= wanted)  # type: ignore[misc]
            proxy.reset()
            reading.frames.clear()
            if number % max(1, count // 20) == 0:
                memory.append(process.memory_info().rss)
                handles.append(process.num_fds())
    return memory, handles


def test_a_few_reconnects(proxy: FaultProxy) -> None:
    _, handles = reconnect(3, proxy)
    assert max(handles) <= min(handles) + 8


@pytest.mark.slow
def test_a_thousand_reconnects_in_the_same_memory_and_with_the_same_handles(proxy: FaultProxy) -> None:
    memory, handles = reconnect(1000, proxy)
    assert max(handles[2:]) <= min(handles[2:]) + 4
    assert max(memory[-5:]) < max(memory[2:7]) + 16 * 2**20
