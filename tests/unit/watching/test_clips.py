"""Clips and stills: cut from packets, asked for once per event, deleted in time."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import pytest

from augrgb.detection.event_rule import EventRule
from augrgb.inference.stepping import StepModel
from augrgb.video.live.messages import ClipReady
from augrgb.video.live.packet_ring import NoClip, PacketRing
from augrgb.video.live.source import source_of
from augrgb.watching.clips import Clips, ClipSettings
from augrgb.watching.payload import Payload
from augrgb.watching.watcher import Watcher, WatchSettings
from support.causal_bundle import CLASSES, make_causal_bundle
from support.rtsp_server import missing_rtsp_server, rtsp_server
from support.video_samples import number_of, numbered_frames, write_video


def filled(path: Path, ring: PacketRing, *, seconds_later: float = 0.0) -> PacketRing:
    """A ring that got a file as if it came from a camera."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        ring.connect(stream)
        first = None
        for packet in container.demux(stream):
            if packet.size and packet.dts is not None:
                first = packet.dts if first is None else first
                ring.add(packet, seconds_later + float((packet.dts - first) * stream.time_base))
    return ring


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"g": "10", "bf": "0", "sc_threshold": "0"}
    return write_video(tmp_path_factory.mktemp("v") / "v.ts", numbered_frames(45), fps=10, options=options)


def numbers(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [number_of(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_a_clip_begins_at_the_key_frame_before_and_nothing_is_encoded_again(video: Path, tmp_path: Path) -> None:
    ring = filled(video, PacketRing(100.0))
    begin_s, end_s = ring.write_clip(tmp_path / "c.mp4", 1.55, 2.6)
    assert (begin_s, end_s) == pytest.approx((1.0, 2.6)) and numbers(tmp_path / "c.mp4") == list(range(10, 27))
    ring.write_still(tmp_path / "s.jpg", 2.3)
    image: Any = cv2.imread(str(tmp_path / "s.jpg"))
    assert image.shape == (48, 64, 3) and number_of(image) == 23


def test_what_is_not_held_any_more_gives_no_clip(video: Path, tmp_path: Path) -> None:
    ring = filled(video, PacketRing(2.0))
    assert ring.write_clip(tmp_path / "c.mp4", 0.0, 4.0)[0] >= 2.4
    with pytest.raises(NoClip):
        ring.write_clip(tmp_path / "d.mp4", 0.0, 1.0)
    with pytest.raises(NoClip):
        filled(video, PacketRing(100.0, most_bytes=10)).write_still(tmp_path / "e.jpg", 1.0)
    assert not (tmp_path / "d.mp4").exists()


def test_a_clip_is_of_one_connection(video: Path, tmp_path: Path) -> None:
    ring = filled(video, filled(video, PacketRing(100.0)), seconds_later=20.0)
    assert ring.write_clip(tmp_path / "c.mp4", 4.2, 22.0) == pytest.approx((20.0, 22.0))


def event(kind: Any, start_s: float, end_s: float | None = None) -> Payload:
    values = {"start_s": start_s, "end_s": end_s, "start": "2026-11-29T10:00:03.200Z", "class": "../fall"}
    return Payload(kind, "hall", "0123456789abcdef0123", values)


def test_each_event_is_asked_for_once_when_it_ends_or_is_long_enough(tmp_path: Path) -> None:
    settings = ClipSettings(tmp_path, before_s=2.0, after_s=3.0, most_s=10.0)
    clips = Clips(settings)
    assert not list(clips.follow(event("start", 5.0), 6.0)) and not list(clips.pass_time(14.9))
    request = next(iter(clips.follow(event("end", 5.0, 9.0), 12.0)))
    assert (request.from_s, request.to_s) == (3.0, 12.0)
    assert request.clip.parent == tmp_path / "2026-11-29" and request.clip.name.startswith("100003-hall-..%2Ffall-")
    ready = clips.ready(ClipReady(request.id, request.clip, None, 3.0, 12.0, "no still"))
    assert ready is not None and (ready.type, ready.id) == ("clip_ready", request.id)
    assert ready.values["clip"] == str(request.clip) and ready.values["snapshot"] is None
    assert clips.ready(ClipReady(request.id)) is None
    assert not list(clips.follow(event("start", 20.0), 21.0))
    long = next(iter(clips.pass_time(30.0)))
    assert (long.from_s, long.to_s) == (18.0, 33.0) and not list(clips.follow(event("end", 20.0, 40.0), 41.0))


def test_old_and_too_many_files_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    now, folder = time.time(), tmp_path / "2026-11-29"
    folder.mkdir()
    for number in range(6):
        path = folder / f"1000{number}-hall-fall-{number:020x}.mp4"
        path.write_bytes(bytes(1000))
        os.utime(path, (now - number * 86400 - 60, now - number * 86400 - 60))
    (folder / "holiday.mp4").write_bytes(bytes(10**6))
    os.utime(folder / "holiday.mp4", (0, 0))
    assert Clips(ClipSettings(tmp_path, keep_days=4.0)).tidy(now=now) == 2
    assert Clips(ClipSettings(tmp_path, keep_bytes=2500)).tidy(now=now) == 2
    assert sorted(path.name[:5] for path in folder.iterdir()) == ["10000", "10001", "holid"]


def test_events_of_a_file_get_clips_cut_from_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from augrgb.watching.sink import Sink

    got: list[Any] = []

    class Kept(Sink):
        def send(self, message: Any) -> None:
            got.append(dict(message))

    options = {"g": "10", "bf": "2", "sc_threshold": "0"}
    path = write_video(tmp_path / "a film.mp4", numbered_frames(45), fps=10, options=options)
    model = StepModel(make_causal_bundle(tmp_path / "bundle"), "cpu")
    rules = {label: EventRule(1e-9 if label == "walk" else 1.0) for label in CLASSES}
    clips = ClipSettings(tmp_path / "clips", before_s=1.0, after_s=0.5, most_s=2.0)
    Watcher(model, source_of(str(path)), rules, [Kept()], WatchSettings(speed=0.0, clips=clips)).run()
    (ready,) = [message for message in got if message["type"] == "clip_ready"]
    (start,) = [message for message in got if message["type"] == "start"]
    assert ready["id"] == start["id"] and not ready["detail"], ready
    shown = numbers(Path(ready["clip"]))
    assert shown == list(range(shown[0], shown[-1] + 1)) and shown[0] == 0 and 20 <= shown[-1] <= 32
    assert cv2.imread(ready["snapshot"]).shape == (48, 64, 3)
    assert [message["seq"] for message in got] == list(range(1, len(got) + 1))
    (tmp_path / "file").write_text("x")  # in the place of the folder: as a disk that fills up
    clips = replace(clips, folder=tmp_path / "file")
    watcher = Watcher(model, source_of(str(path)), rules, [], WatchSettings(speed=0.0, clips=clips))
    assert watcher.run().without_clip == 1 and "no clip" in caplog.text


def test_a_clip_of_a_file_begins_at_the_key_frame_before(tmp_path: Path) -> None:
    from augrgb.video.live.file_clips import cut_file
    from augrgb.video.live.messages import ClipRequest

    path = write_video(
        tmp_path / "v.mp4", numbered_frames(45), fps=10, options={"g": "10", "bf": "2", "sc_threshold": "0"}
    )
    wanted = ClipRequest("x", 1.55, 2.6, 2.3, tmp_path / "c.mp4", tmp_path / "c.jpg")
    answer = cut_file(path, wanted)
    assert not answer.problem and answer.from_s == pytest.approx(1.0) and 2.5 <= answer.to_s <= 2.9
    assert numbers(tmp_path / "c.mp4")[0] == 10 and 26 <= numbers(tmp_path / "c.mp4")[-1] <= 29
    assert number_of(cv2.imread(str(tmp_path / "c.jpg"))) == 23
    gone = cut_file(tmp_path / "none.mp4", wanted)
    assert gone.clip is None and gone.still is None and "no clip" in gone.problem and "no still" in gone.problem


@pytest.mark.skipif(bool(missing_rtsp_server()), reason=missing_rtsp_server())
def test_an_event_of_a_stream_gets_its_clip_and_its_still(tmp_path: Path) -> None:
    from augrgb.watching.sink import Sink

    got: list[Any] = []

    class Stop(BaseException):
        pass

    class Kept(Sink):
        def send(self, message: Any) -> None:
            got.append(dict(message))
            if message["type"] == "clip_ready":
                raise Stop

    clips = ClipSettings(tmp_path / "clips", before_s=1.0, after_s=0.5, most_s=1.0)
    rules = {label: EventRule(1e-9 if label == "walk" else 1.0) for label in CLASSES}
    with rtsp_server() as port:
        model = StepModel(make_causal_bundle(tmp_path / "bundle"), "cpu")
        source = source_of(f"rtsp://127.0.0.1:{port}/ball")
        watcher = Watcher(model, source, rules, [Kept()], WatchSettings(clips=clips))
        with pytest.raises(Stop):
            watcher.run()
    ready = next(message for message in got if message["type"] == "clip_ready")
    start = next(message for message in got if message["type"] == "start")
    assert ready["id"] == start["id"] and ready["clip"].endswith(".mp4"), ready
    with av.open(ready["clip"]) as container:
        assert len(list(container.decode(video=0))) > 5
    assert cv2.imread(ready["snapshot"]).shape == (64, 96, 3)
    assert got[-1]["type"] == "end"
