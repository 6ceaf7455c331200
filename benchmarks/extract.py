"""How fast `extract` is against a plain loop: `python benchmarks/extract.py [--videos 24] [--seconds 20]`.

The loop is what one writes first: for each video decode all frames with PyAV, scale them with OpenCV, compute flow,
cut windows, call the network. It has one thread; both run in turn, several times, and the best of each counts.
"""

from __future__ import annotations

import argparse
import os
import resource
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

from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, LoadedEncoder, load_encoder, save_encoder
from augrgb.parallel.engine import LocalEngine
from augrgb.parallel.workers import available_cores
from augrgb.workflows.extract import extract_together

CLOCK, SIZE = Clock(15.0, 8, 8), (64, 48)


def make_videos(folder: Path, count: int, seconds: float) -> Dataset:
    """Moving noise at 340 x 256, 25 frames a second, as H.264."""
    rng = np.random.default_rng(0)
    texture = cv2.resize(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8), (680, 512), interpolation=cv2.INTER_CUBIC)
    videos = {}
    for number in range(count):
        path = folder / f"{number}.mp4"
        with av.open(str(path), "w") as output:
            stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast"})
            stream.width, stream.height, stream.pix_fmt = 340, 256, "yuv420p"
            for frame in range(int(25 * seconds)):
                left, top = (frame * (1 + number % 3)) % 340, (frame // 2) % 256
                picture = np.ascontiguousarray(texture[top : top + 256, left : left + 340])
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            output.mux(stream.encode())
        videos[f"v{number}"] = VideoRecord(f"v{number}", seconds, path)
    return Dataset("bench", (), videos)


def plain_loop(dataset: Dataset, encoders: list[LoadedEncoder]) -> None:
    """Everything one after the other, once for each encoder."""
    for loaded in encoders:
        for record in dataset.videos.values():
            with av.open(str(record.file)) as container:
                frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            picks = (np.arange(int(record.duration_s * CLOCK.fps)) * 25.0 / CLOCK.fps).astype(int)
            flow = loaded.encoder.modality == "flow"
            size = (SIZE[0] * 2, SIZE[1] * 2) if flow else SIZE
            track = np.stack([cv2.resize(frames[pick], size, interpolation=cv2.INTER_AREA) for pick in picks])
            if flow:
                track = plain_flow(track)
            with torch.inference_mode():
                for first in range(0, len(track) - CLOCK.window + 1, CLOCK.stride):
                    loaded.encoder(loaded.encoder.prepare(track[None, first : first + CLOCK.window]))


def plain_flow(track: np.ndarray) -> np.ndarray:
    """Flow of each frame to the next, as `int8` at half the size."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    method.setFinestScale(1)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in track]
    fields = [method.calc(a, b, None) for a, b in zip(grey, grey[1:] + grey[-1:], strict=True)]
    small = [cv2.resize(field, SIZE, interpolation=cv2.INTER_AREA) * 8 for field in fields]
    return np.clip(np.rint(np.stack(small)), -127, 127).astype(np.int8)


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds, children included."""
    began_s, before = time.perf_counter(), _processor_s()
    work()
    return time.perf_counter() - began_s, _processor_s() - before


def _processor_s() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    """Print one line for the loop and for each way to run `extract`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--repeats", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = make_videos(folder, chosen.videos, chosen.seconds)
        for kind in ("small_rgb", "small_flow"):
            torch.manual_seed(0)
            save_encoder(folder / kind, ENCODERS[kind](), EncoderSettings(CLOCK, SIZE))
        for kinds in (("small_rgb",), ("small_rgb", "small_flow")):
            loaded = [load_encoder(folder / kind) for kind in kinds]
            report(" + ".join(kinds), folder, dataset, loaded, chosen.repeats)


def report(title: str, folder: Path, dataset: Dataset, loaded: list[LoadedEncoder], repeats: int) -> None:
    """Run the loop and `extract` in turn."""
    cores = available_cores()
    runs: dict[str, list[tuple[float, float]]] = {}
    for repeat in range(repeats):
        runs.setdefault("plain loop", []).append(cost(lambda: plain_loop(dataset, loaded)))
        for workers in sorted({0, 1, cores}):
            out = folder / f"out-{title}-{repeat}-{workers}"
            targets = [(one.folder, out / one.encoder.name) for one in loaded]
            engine = LocalEngine(workers)
            spent = cost(lambda: extract_together(dataset, targets, engine=engine))  # noqa: B023 - called at once
            runs.setdefault(f"extract, {workers or 'no'} workers", []).append(spent)
    seconds = sum(record.duration_s for record in dataset.videos.values())
    plain = [min(values) for values in zip(*runs["plain loop"], strict=True)]
    print(f"{title}: {len(dataset.videos)} videos, {seconds:.0f} s of video, {cores} cores")
    for label, spent in runs.items():
        wall_s, processor_s = (min(values) for values in zip(*spent, strict=True))
        print(
            f"  {label:<22} {wall_s:6.2f} s wall ({plain[0] / wall_s:4.2f} x the loop), "
            f"{processor_s:6.2f} s processor ({plain[1] / processor_s:4.2f} x), {seconds / wall_s:5.0f} x real time"
        )


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":  # read when torch is imported
        raise SystemExit(subprocess.call([sys.executable, *sys.argv], env={**os.environ, "OMP_NUM_THREADS": "1"}))
    main()
