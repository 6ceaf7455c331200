"""Processor time of `augrgb detect` on a long 720p video: decoding, scaling, the encoder's network, the filter.

    python benchmarks/detect_long.py [--minutes 10] [--runs 3] [--onnx] [--model RUN] [--video FILE]

One process and one thread for each number; the clip is a moving texture with grain at 1280 x 720, 25 frames a second,
H.264. Every run measures all parts in turn; medians. The line "of decoding + encoder" is the whole detector (processor
time of all its threads) against decoding every frame plus the encoder's network alone; "command" is the whole command
`augrgb detect`, with all its processes and files, against the same and a process that imports torch, PyAV and OpenCV.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from detect_cost import IMPORTS, make_bundle

from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.inference import Detector, load_bundle
from augrgb.inference.export.write import export_bundle
from augrgb.streams.predict import predict
from augrgb.video.decode import FrameTarget, sample_frames
from augrgb.video.frame_choice import frame_choice


def make_clip(path: Path, minutes: float) -> Path:
    """A texture that moves two pixels a frame, with grain."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (90, 320, 3), dtype=np.uint8)
    texture = cv2.resize(coarse, (2560, 720), interpolation=cv2.INTER_CUBIC)
    grain = rng.integers(-6, 7, texture.shape, dtype=np.int16)
    texture = np.clip(texture + grain, 0, 255).astype(np.uint8)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "26"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(round(25 * 60 * minutes)):
            left = 2 * number % 1280
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(texture[:, left : left + 1280]), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def processor_s(work: Callable[[], object]) -> float:
    """Processor seconds of this process, all threads."""
    began = time.process_time()
    work()
    return time.process_time() - began


def children_s(command: list[str]) -> float:
    """Processor seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def decode_only(path: Path) -> int:
    """Every frame decoded, none looked at."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        return sum(1 for _ in container.decode(stream))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--onnx", action="store_true", help="Also the exported model.")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--video", type=Path, help="Instead of the generated clip; must have that many minutes.")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = given.video or make_clip(folder / "clip.mp4", given.minutes)
        model = given.model or make_bundle(folder / "model")
        bundle = load_bundle(model, "cpu")
        encoder, clock, size = bundle.encoder.encoder, bundle.clock, bundle.encoder.settings.size or (64, 48)
        target = FrameTarget(size, choice=frame_choice(clock, encoder.frames_read(clock.window)))
        batches = -(-clock.num_snippets(round(given.minutes * 60 * clock.fps)) // encoder.batch)
        windows = np.zeros((encoder.batch, clock.window, size[1], size[0], 3), np.uint8)
        features = np.zeros((batches * encoder.batch, encoder.dim), np.float32)
        detector = Detector(model, "cpu")
        detect = [sys.executable, "-m", "augrgb", "detect", str(video), "-m", str(model), "-o", str(folder / "out")]
        works: dict[str, Callable[[], object]] = {
            "decoding": lambda: decode_only(video),
            "sampling and scaling": lambda: sum(1 for _ in sample_frames(video, clock.fps, (target,))),
            "encoder": lambda: [encode_windows(encoder, windows) for _ in range(batches)],
            "filter": lambda: predict(bundle.stream.stream, features),
            "the whole": lambda: detector(video),
        }
        if given.onnx:
            export_bundle(model, folder / "exported")
            exported = Detector(folder / "exported")
            works["exported (ONNX)"] = lambda: exported(video)
        times: dict[str, list[float]] = {key: [] for key in [*works, "imports", "command"]}
        walls = []
        for _ in range(given.runs):
            for key, work in works.items():
                began = time.perf_counter()
                times[key].append(processor_s(work))
                if key == "the whole":
                    walls.append(time.perf_counter() - began)
            times["sampling and scaling"][-1] -= times["decoding"][-1]
            times["imports"].append(children_s([sys.executable, "-c", IMPORTS]))
            times["command"].append(children_s([*detect, "--device", "cpu"]))
        medians = {key: statistics.median(values) for key, values in times.items()}
        for key in ("decoding", "sampling and scaling", "encoder", "filter"):
            print(f"{key:22} {medians[key]:7.2f} s  {medians[key] / medians['the whole']:5.0%} of the whole")
        for key in [key for key in times if key in ("the whole", "command", "exported (ONNX)")]:
            parts = ["decoding", "encoder", *(["imports"] if key == "command" else [])]
            least = [sum(values) for values in zip(*(times[part] for part in parts), strict=True)]
            ratios = sorted(one / other for one, other in zip(times[key], least, strict=True))
            shown = f"{statistics.median(ratios):.2f} of {' + '.join(parts)} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
            print(f"{key:22} {medians[key]:7.2f} s  {shown}")
        if given.onnx:
            both = zip(times["exported (ONNX)"], times["the whole"], strict=True)
            print(f"exported against torch {statistics.median(one / other for one, other in both):.2f}")
        print(f"wall time of the whole {statistics.median(walls):.2f} s")


if __name__ == "__main__":
    main()
