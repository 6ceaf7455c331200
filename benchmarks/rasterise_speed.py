"""Labels of all of Charades, against a plain reading of the published loader.

    python benchmarks/rasterise_speed.py [charades.json] [--repeat 5]

9,848 videos of 100 to 200 snippets and 66,500 events of 157 classes: the shared annotations where their file is given,
else generated ones. Both ways give the same labels (checked). Prints processor seconds, and the memory that each way
needs beyond its input (`tracemalloc`, in a run of its own): as the published programs do (a dense float32 array per
video, filled frame by frame over all videos), with the inner loop vectorised, and ours.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augrgb.annotations.choose_format import read_annotations
from augrgb.annotations.label_spans import legacy_uniform_spans
from augrgb.core.seeds import rng_at
from augrgb.core.types import Event
from augrgb.metrics.packed_labels import PackedLabels

VIDEOS, CLASSES = 9848, 157
Data = tuple[list[tuple[Event, ...]], list[float], list[int], tuple[str, ...]]


def load(path: Path | None) -> Data:
    """Events, durations and numbers of snippets per video, and the classes."""
    counts = rng_at(0, "rasterise", "counts").integers(100, 201, VIDEOS).tolist()
    if path is not None:
        found = read_annotations(path)
        videos = list(found.videos.values())
        return [v.events or () for v in videos], [v.duration_s or 1.0 for v in videos], counts, found.classes
    rng = rng_at(0, "rasterise", "events")
    classes = tuple(f"c{k:03d}" for k in range(CLASSES))
    events: list[tuple[Event, ...]] = []
    durations = rng.uniform(10, 50, VIDEOS).tolist()
    for duration in durations:
        spans = rng.uniform(0, duration, (int(rng.integers(2, 12)), 2))
        labels = rng.integers(0, CLASSES, len(spans)).tolist()
        events.append(tuple(Event(classes[k], min(a, b), max(a, b)) for k, (a, b) in zip(labels, spans, strict=True)))
    return events, durations, counts, classes


def plain(data: Data) -> list[NDArray[np.float32]]:
    """Frame by frame and event by event."""
    events, durations, counts, classes = data
    index = {name: k for k, name in enumerate(classes)}
    result = []
    for own, duration, count in zip(events, durations, counts, strict=True):
        label = np.zeros((count, len(classes)), np.float32)
        fps = count / duration
        for event in own:
            column = index[event.label]
            for frame in range(count):
                if frame / fps > event.start_s and frame / fps < event.end_s:
                    label[frame, column] = 1
        result.append(label)
    return result


def ours(data: Data) -> PackedLabels:
    """One bit each, all videos together."""
    events, durations, counts, classes = data
    return PackedLabels.of(legacy_uniform_spans(events, classes, durations, counts))


def seconds(call: Callable[[Data], Any], data: Data, repeat: int) -> tuple[float, Any]:
    """Best processor time, and the result."""
    best, result = float("inf"), None
    for _ in range(repeat):
        result = None
        started = time.process_time()
        result = call(data)
        best = min(best, time.process_time() - started)
    return best, result


def peak(call: Callable[[Data], Any], data: Data) -> float:
    """Largest memory allocated during a call, GiB."""
    tracemalloc.start()
    result = call(data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return most / 2**30


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("annotations", type=Path, nargs="?")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    data = load(options.annotations)
    fast, packed = seconds(ours, data, options.repeat)
    slow, dense = seconds(plain, data, 1)
    for video, expected in enumerate(dense):
        if not np.array_equal(packed.video(video), expected):
            raise SystemExit(f"video {video}: the labels differ")
    del dense
    print(f"{len(data[0]):,} videos, {sum(data[2]):,} snippets, {sum(map(len, data[0])):,} events; equal labels")
    print(f"ours  {fast:6.3f} s (target 0.100)  {peak(ours, data):5.3f} GiB (target 0.100)")
    print(f"plain {slow:6.3f} s                 {peak(plain, data):5.3f} GiB   ratio {slow / fast:.0f}x")


if __name__ == "__main__":
    main()
