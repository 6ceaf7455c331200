"""Clock, waits, image health and names of live sources, without any source."""

import threading
import time
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import UsageFault
from augrgb.video.live.backoff import Backoff
from augrgb.video.live.image_health import ImageHealth
from augrgb.video.live.live_clock import LiveClock
from augrgb.video.live.messages import Frame, Health
from augrgb.video.live.open_stream import StreamFault, open_stream, stream_fault
from augrgb.video.live.read_stream import StreamReader, StreamSettings
from augrgb.video.live.source import Source, source_of

NOISE = np.random.default_rng(0).integers(60, 200, (200, 8, 8, 3), dtype=np.uint8)


def test_bursts_keep_the_spacing_of_the_camera() -> None:
    clock = LiveClock()
    found = [clock.time_of(100 + k / 10, 5 + k / 10 + (0.25 if k % 5 == 2 else 0.0)) for k in range(50)]
    np.testing.assert_allclose(np.diff(found), 0.1, atol=2e-3)
    assert all(time_s <= 5 + k / 10 + 0.25 for k, time_s in enumerate(found)) and clock.jumps == 0


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_camera_with_a_wrong_clock_is_followed(ppm: int) -> None:
    clock, late = LiveClock(), 0.0
    for k in range(24 * 3600):
        late = k - clock.time_of(k * (1 + ppm * 1e-6), float(k))
    assert clock.jumps == 0 and 0 <= late < 0.01


@pytest.mark.parametrize("jump_s", [-3600.0, -1.0, 3600.0])
def test_a_jump_of_the_cameras_clock_is_no_jump_of_ours(jump_s: float) -> None:
    clock = LiveClock()
    found = [clock.time_of(1000 + k / 10 + (jump_s if k >= 20 else 0), k / 10) for k in range(40)]
    assert clock.jumps == 1 and (np.diff(found) > 0.09).all() and (np.diff(found) < 0.11).all()


def test_frames_without_a_time_have_the_time_of_their_arrival() -> None:
    assert [LiveClock().time_of(None, 3.0)] == [3.0]


def test_waits_double_up_to_a_minute_and_start_again_after_a_good_minute() -> None:
    backoff = Backoff()
    waits = [backoff.next_s() for _ in range(12)]
    assert 0.8 <= waits[0] <= 1.2 and all(48 <= wait_s <= 72 for wait_s in waits[6:])
    backoff.lasted(59.0)
    assert backoff.next_s() > 40
    backoff.lasted(61.0)
    assert backoff.next_s() < 1.3
    assert backoff.next_s(least_s=60.0) >= 48


def looks(images: Any, **limits: float) -> list[Any]:
    health = ImageHealth(**limits)
    return [(k, *found[:2]) for k, image in enumerate(images) for found in health.look(image, k * 0.5)]


def test_black_frozen_and_recovered_images_are_noticed() -> None:
    black = np.full((40, 8, 8, 3), 16, np.uint8)
    assert looks([*NOISE[:10], *black, *NOISE[:10]], black_s=5.0) == [(20, "black", True), (50, "black", False)]
    still = np.repeat(NOISE[:1], 80, 0)
    assert looks([*still, *NOISE[1:10]], frozen_s=30.0) == [(61, "frozen", True), (80, "frozen", False)]
    assert looks([*still, *black], frozen_s=0.0, black_s=0.0) == [] == looks(NOISE)


def test_a_dark_room_is_not_black() -> None:
    dark = np.full((80, 8, 8, 3), 12, np.uint8) + (NOISE[:80] // 40)
    dark[:, :2, :2] = 90
    assert looks(dark, black_s=5.0) == []


def test_passwords_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "s3cret")
    source = source_of("rtsp://me:${CAMERA_PASSWORD}@cam.local:554/hall?token=abc")
    assert source.address == "rtsp://me:s3cret@cam.local:554/hall?token=abc" and source.name == "cam.local"
    for text in (repr(source), source.shown, source.without_secrets(f"cannot open {source.address}: s3cret")):
        assert "s3cret" not in text and "abc" not in text
    fault = stream_fault(source, OSError(5, f"failed: {source.address}"))
    assert "s3cret" not in fault.text and fault.kind == "network"
    with pytest.raises(UsageFault, match="E-CFG-014"):
        source_of("rtsp://me:${NO_SUCH_VARIABLE}@cam/")


@pytest.mark.parametrize(
    "text",
    [
        "http://a/b.m3u8",
        "rtmp://a/b",
        "concat:a|b://",
        "rtsp://",
        "rtsp://a b/",
        "rtsp://[::1",
        "rtsp://a:x/",
        "rtsp://a:99999/",
        "rtsp://a\0/",
        f"rtsp://{'a' * 64}/",
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(UsageFault, match="E-CFG-026"):
        source_of(text)


def test_webcams_have_numbers_or_paths() -> None:
    assert source_of("/dev/video3").kind == source_of("3").kind == "webcam"
    with pytest.raises(StreamFault) as caught:
        open_stream(source_of("77"), open_s=1.0, read_s=1.0)
    assert caught.value.kind == "not_found"


def test_a_webcam_is_read_like_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """No camera and no v4l2loopback here: FFmpeg's generated pictures take the place of the v4l2 input."""
    monkeypatch.setattr("augrgb.video.live.open_stream.WEBCAM_FORMAT", "lavfi")
    frames: list[Frame] = []
    health: list[Health] = []
    enough = threading.Event()

    def take(message: object) -> None:
        if isinstance(message, Frame):
            frames.append(message)
        elif isinstance(message, Health):
            health.append(message)
        if len(frames) >= 20:
            enough.set()

    camera = Source("webcam", "testsrc=size=96x64:rate=30,realtime", "/dev/video0")
    reader = StreamReader(camera, 15.0, (48, 32), StreamSettings(), time.monotonic(), take)
    thread = threading.Thread(target=reader.run, daemon=True)
    thread.start()
    assert enough.wait(60.0), health
    reader.stop()
    thread.join(30.0)
    values = health[0].values
    assert health[0].kind == "connected" and (values["width"], values["height"], values["fps"]) == (96, 64, 30.0)
    steps = np.diff([frame.index for frame in frames])
    assert (steps >= 1).all() and float(np.mean(steps == 1)) > 0.6 and frames[0].image.shape == (32, 48, 3)
    assert frames[0].image.std() > 20
