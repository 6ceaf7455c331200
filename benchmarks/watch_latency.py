"""Latency and processor time of a snippet while a source is watched in real time.

    python benchmarks/watch_latency.py [--seconds 60]

Latency: from the arrival of a snippet's last frame to its scores. Processor time: encoder and filter of one snippet, on
one thread. The model has random weights and the demo's sizes; the source is a file of moving noise, 340 x 256.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from detect_cost import SETTINGS, make_clip

from augrgb.encoders import SmallRGB
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.inference.stepping import StepModel
from augrgb.streams.files import build_stream, save_stream
from augrgb.video.live.source import source_of
from augrgb.watching.scorer import LiveScorer
from augrgb.watching.watcher import Watcher, WatchSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_encoder(folder / ENCODER_FOLDER, SmallRGB(), EncoderSettings(SETTINGS.clock, (64, 48)))
        settings = replace(SETTINGS, options={**SETTINGS.options, "look_ahead_snippets": 0})
        save_stream(folder, build_stream(settings), settings)
        model = StepModel(folder, "cpu")
        scorer, times = LiveScorer(model), []
        window = np.zeros((model.clock.window, 48, 64, 3), np.uint8)
        for number in range(300):
            begun = time.process_time()
            list(scorer.push(number, window))
            times.append(time.process_time() - begun)
        print(f"processor time of a snippet        {1000 * statistics.median(times):.1f} ms (median of 300)")
        video = make_clip(folder / "clip.mp4", given.seconds)
        begun, wall = time.process_time(), time.monotonic()
        report = Watcher(model, source_of(str(video)), model.detector.changed_rules({}), [], WatchSettings()).run()
        used, wall = time.process_time() - begun, time.monotonic() - wall
    print(f"latency, {report.snippets} snippets in real time  {1000 * report.latency_s(0.5):.0f} ms (median), ", end="")
    print(f"{1000 * report.latency_s(0.95):.0f} ms (95 %); a snippet every {1000 * model.clock.stride_s:.0f} ms")
    print(f"processor time beside decoding     {100 * used / wall:.1f} % of a core")


if __name__ == "__main__":
    main()
