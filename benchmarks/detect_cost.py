"""Processor time of `augrgb detect` against the least that the job takes.

    python benchmarks/detect_cost.py [--runs 7] [--video FILE] [--model RUN]

The least is one process that imports torch, PyAV and OpenCV, decodes the clip, scales its frames, and calls the
encoder's own network on every window: no temporal filter, no isolation, no files. All are whole processes, children
included, run in turn; medians. By default the clip is 10 s of moving noise and the model has random weights.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from augrgb.core.timeline import Clock
from augrgb.encoders import SmallRGB
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.streams.files import StreamSettings, build_stream, save_stream

CLOCK = Clock(15.0, 8, 8)
SETTINGS = StreamSettings("rgb", "sd_tcn", 128, tuple("abcdefghijklmnop"), CLOCK, {"layers": 5, "width": 128})
IMPORTS = "import torch, av, cv2"
BARE = """
import sys
import av, cv2, numpy as np, torch
from augrgb.encoders.small_rgb import SmallRGB
network = SmallRGB().eval()
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    rate = float(stream.average_rate)
    due = lambda number: int(number * 15 / rate) > int((number - 1) * 15 / rate)
    frames = [frame for number, frame in enumerate(container.decode(stream)) if due(number)]
frames = [cv2.resize(f.to_ndarray(format="rgb24"), (64, 48), interpolation=cv2.INTER_AREA) for f in frames]
windows = np.stack([np.stack(frames[at:at + 8]) for at in range(0, len(frames) - 7, 8)])
with torch.inference_mode():
    for at in range(0, len(windows), 16):
        network(network.prepare(windows[at:at + 16]))
"""


def make_clip(path: Path, seconds: float = 10.0) -> Path:
    """Moving noise at 340 x 256, 28 frames a second, as H.264."""
    rng = np.random.default_rng(0)
    texture = cv2.resize(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8), (1020, 256), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=28, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 340, 256, "yuv420p"
        for number in range(int(28 * seconds)):
            left = 2 * number % 680
            frame = np.ascontiguousarray(texture[:, left : left + 340])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        output.mux(stream.encode())
    return path


def make_bundle(folder: Path) -> Path:
    """A model with random weights, of the sizes of the demo's."""
    save_encoder(folder / ENCODER_FOLDER, SmallRGB(), EncoderSettings(CLOCK, (64, 48)))
    save_stream(folder, build_stream(SETTINGS), SETTINGS)
    return folder


def processor_s(command: list[str], environment: dict[str, str]) -> float:
    """Processor seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--model", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = given.video or make_clip(folder / "clip.mp4")
        model = given.model or make_bundle(folder / "model")
        environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder / "cache")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        detect = ["-m", "augrgb", "detect", str(video), "-m", str(model), "-o", str(folder / "out"), "--device", "cpu"]
        commands = {"imports": ["-c", IMPORTS], "bare": ["-c", BARE, str(video)], "detect": detect}
        times: dict[str, list[float]] = {key: [] for key in commands}
        for run in range(given.runs + 1):  # the first compiles and is not counted
            for key, words in commands.items():
                seconds = processor_s([sys.executable, *words], environment)
                if run:
                    times[key].append(seconds)
    medians = {key: statistics.median(values) for key, values in times.items()}
    print(f"importing torch, PyAV, OpenCV   {medians['imports']:.2f} s")
    print(f"bare decoding and network       {medians['bare']:.2f} s")
    ratio = statistics.median(one / other for one, other in zip(times["detect"], times["bare"], strict=True))
    print(f"augrgb detect                   {medians['detect']:.2f} s   {ratio:.2f} of bare")


if __name__ == "__main__":
    main()
