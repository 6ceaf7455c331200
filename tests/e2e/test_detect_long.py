"""A day of video in one go: memory that does not grow, time that grows with the length and no faster."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import torch

from augrgb.core.timeline import Clock
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.inference import Detector
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.streams import predict
from augrgb.streams.files import StreamSettings, build_stream, save_stream
from support.video_samples import square_frames, write_video

FPS = 5
MEASURED = """
import json, sys, time
import psutil
from augrgb.features import encode
from augrgb.inference import Detector
seen, process, real = [], psutil.Process(), encode.encode_windows

def encode_windows(*arguments):
    seen.append((time.process_time(), process.memory_info().rss / 2**20))
    return real(*arguments)

encode.encode_windows = encode_windows
found = Detector(sys.argv[1], "cpu")(sys.argv[2])
print(json.dumps({"seen": seen, "duration_s": found.duration_s, "snippets": len(found.scores)}))
"""


def make_bundle(folder: Path, encoder: str, clock: Clock, **filter: Any) -> Path:
    torch.manual_seed(0)
    options = {"small_rgb": {"dim": 8, "width": 4}, "efficientnet_lite": {"side": 32, "frames": 2}}[encoder]
    made = ENCODERS[encoder](**options)
    save_encoder(folder / ENCODER_FOLDER, made, EncoderSettings(clock, (32, 24)))
    settings = StreamSettings(
        "rgb", "sd_tcn", made.dim, ("walk", "sit", "drink"), clock, {"layers": 3, "width": 8} | filter
    )
    save_stream(folder, build_stream(settings), settings)
    return folder


def repeated(source: Path, target: Path, times: int) -> Path:
    """The packets of a short video over and over."""
    with av.open(str(source)) as short, av.open(str(target), "w") as out:
        given = short.streams.video[0]
        stream = out.add_stream_from_template(given)
        packets = [packet for packet in short.demux(given) if packet.dts is not None]
        base = Fraction(given.time_base or 1)
        length = round(Fraction(len(packets), FPS) / base)
        kept = [(bytes(packet), packet.pts or 0, packet.dts or 0, packet.is_keyframe) for packet in packets]
        for number in range(times):
            for data, pts, dts, key in kept:
                packet = av.Packet(data)
                packet.pts, packet.dts = pts + number * length, dts + number * length
                packet.time_base, packet.stream, packet.is_keyframe = base, stream, key
                packet.duration = round(1 / FPS / base)
                out.mux(packet)
    return target


@pytest.mark.slow  # minutes
def test_a_day_of_video_takes_flat_memory_and_linear_time(tmp_path: Path) -> None:
    source = write_video(tmp_path / "short.mp4", square_frames(500, 64, 48), fps=FPS)
    day = repeated(source, tmp_path / "day.mp4", 864)
    bundle = make_bundle(tmp_path / "model", "small_rgb", Clock(float(FPS), 8, 8))
    done = subprocess.run([sys.executable, "-c", MEASURED, bundle, day], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["duration_s"] == pytest.approx(24 * 3600, abs=1) and found["snippets"] == 54_000
    seen = found["seen"]
    quarter = len(seen) // 4
    times = [seen[(number + 1) * quarter - 1][0] - seen[number * quarter][0] for number in range(4)]
    memory = [max(rss for _, rss in seen[number * quarter : (number + 1) * quarter]) for number in range(4)]
    sys.stderr.write(f"processor seconds by quarter {times}, largest MiB {memory}\n")
    assert memory[3] < memory[0] + 30
    assert max(times[1:]) < 1.3 * min(times[1:])


@pytest.mark.parametrize("encoder", ["small_rgb", "efficientnet_lite"])
@pytest.mark.parametrize("filter", [{}, {"look_ahead_snippets": 0}])
@pytest.mark.parametrize("clock", [Clock(15.0, 8, 8), Clock(12.0, 8, 3, 2)])
def test_window_batch_and_chunk_change_nothing(
    tmp_path: Path, encoder: str, filter: dict[str, Any], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write_video(tmp_path / "v.mp4", square_frames(260, 48, 36), fps=15)
    detector = Detector(make_bundle(tmp_path / "model", encoder, clock, **filter), "cpu")
    whole = detector(video, min_score=0.3)
    module = sys.modules[predict.__module__]
    real = vars(module)["in_windows"]
    for batch, window in ((1, 1024), (3, 1), (5, 7), (64, 16)):
        monkeypatch.setattr(detector.bundle.encoder.encoder, "batch", batch)  # type: ignore[union-attr]
        monkeypatch.setattr(
            module,
            "in_windows",
            lambda run, pieces, reach, window=0, w=window: real(run, pieces, reach=reach, window=w),
        )
        other = detector(video, min_score=0.3)
        torch.testing.assert_close(
            torch.from_numpy(other.raw_scores), torch.from_numpy(whole.raw_scores), rtol=0, atol=2e-6
        )
        assert [(d.label, d.start_s, d.end_s) for d in other.detections] == [
            (d.label, d.start_s, d.end_s) for d in whole.detections
        ]
