"""How fast video becomes tracks and features: `python benchmarks/decode_flow.py VIDEO...`, one thread."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from augrgb.core.timeline import Clock
from augrgb.encoders import SmallFlow, SmallRGB
from augrgb.encoders.augment import augment
from augrgb.encoders.snippet_encoder import SnippetEncoder, encode_windows
from augrgb.video.decode import FrameTarget, frames_by_time, sample_frames
from augrgb.video.flow import flow_target, iter_flow
from augrgb.video.probe import probe
from augrgb.video.windows import windows

SIZE, FPS = (64, 48), 15.0


def seconds(function: Callable[[], object], repeats: int = 3) -> float:
    """Best of a few runs."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - began)
    return best


def training_step(encoder: SnippetEncoder, batch: np.ndarray) -> None:
    """Prepare, augment, forward and backward of one batch."""
    x = augment(encoder.modality, encoder.prepare(batch), torch.Generator().manual_seed(0))
    encoder(x).square().mean().backward()


def main() -> None:
    """Print one block of figures per video, then the encoders' costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="+", type=Path)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    both = (flow_target(SIZE), FrameTarget(SIZE))
    for path in parser.parse_args().videos:
        info = probe(path)
        rgb_s = seconds(lambda path=path: list(frames_by_time(path, FPS, SIZE)))  # type: ignore[misc]
        pictures = list(sample_frames(path, FPS, both))
        both_s = seconds(lambda path=path: list(sample_frames(path, FPS, both)))  # type: ignore[misc]
        flow_s = seconds(lambda pictures=pictures: list(iter_flow(grey for grey, _ in pictures)))  # type: ignore[misc]
        print(f"{path.name}: {info.width}x{info.height} {info.fps:.2f} fps, {info.duration_s:.1f} s")
        print(f"  rgb alone      {info.duration_s / rgb_s:7.0f} x real time")
        print(f"  rgb and grey   {info.duration_s / both_s:7.0f} x real time")
        per_frame_ms = 1e3 * flow_s / len(pictures)
        print(f"  flow           {info.duration_s / flow_s:7.0f} x real time ({per_frame_ms:.2f} ms a frame)")
    rng = np.random.default_rng(0)
    tracks = {
        "rgb": (SmallRGB(), rng.integers(0, 256, (264, 48, 64, 3), dtype=np.uint8)),
        "flow": (SmallFlow(), rng.integers(-127, 128, (264, 48, 64, 2)).astype(np.int8)),
    }
    for name, (encoder, track) in tracks.items():
        batch = windows(track, Clock(FPS, 8, 8))[:32]
        use_s = seconds(lambda encoder=encoder, batch=batch: encode_windows(encoder, batch))  # type: ignore[misc]
        train_s = seconds(lambda encoder=encoder, batch=batch: training_step(encoder, batch))  # type: ignore[misc]
        print(f"{name} encoder, per snippet: {1e3 * use_s / 32:.2f} ms to encode, {1e3 * train_s / 32:.2f} ms to train")


if __name__ == "__main__":
    main()
