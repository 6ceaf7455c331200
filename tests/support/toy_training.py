"""A small distillation task for the tests of training, importable and runnable.

`python toy_training.py FOLDER [die-at FUNCTION NUMBER] [slow SECONDS]` trains into FOLDER; `die-at` kills the process
with SIGKILL around a call of os.FUNCTION (replace, fsync, ...): number 1 before the first, 2 after it, 3 before the
second...
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

from augrgb.core.batch import StreamDims
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.features.stream_data import StreamData
from augrgb.features.video_features import VideoFeatures
from augrgb.losses import LOSSES
from augrgb.streams import StreamSettings, build_stream
from augrgb.training import DistillationTerm, FitSettings, RunFolder, StreamTask, TeacherCache, fit

CLOCK = Clock(16.0, 8, 8)
CLASSES = ("walk", "sit", "drink")
FIT = FitSettings(steps=24, learning_rate=3e-3, warmup_steps=3, validate_every=6, checkpoint_every=4, log_every=2)
LOSS_NAMES = ("atomic_contrastive", "global_relation", "boundary_saliency", "logit_kd")


class ToyFeatures:
    def __init__(self, tracks: dict[str, np.ndarray]) -> None:
        self.tracks, self.clock, self.dim = tracks, CLOCK, next(iter(tracks.values())).shape[1]

    def has(self, video_id: str) -> bool:
        return video_id in self.tracks

    def read(self, video_id: str) -> VideoFeatures:
        return VideoFeatures(self.tracks[video_id], self.clock)


def toy_data(count: int = 12, seed: int = 0) -> tuple[Dataset, dict[str, ToyFeatures]]:
    """Videos in which the class moves the features of both modalities, pose more clearly than rgb."""
    rng = np.random.default_rng(seed)
    meaning = {"rgb": rng.normal(size=(3, 6)), "pose": rng.normal(size=(3, 5))}
    noise = {"rgb": 1.5, "pose": 0.5}
    videos, tracks = {}, {"rgb": {}, "pose": {}}
    for number in range(count):
        video_id, T = f"v{number:02d}", int(rng.integers(8, 20))
        events = []
        labels = np.zeros((T, 3))
        for _ in range(3):
            label, start = int(rng.integers(3)), int(rng.integers(T - 3))
            stop = min(T, start + int(rng.integers(2, 6)))
            events.append(Event(CLASSES[label], start * 0.5, stop * 0.5))
            labels[start:stop, label] = 1
        videos[video_id] = VideoRecord(video_id, T * 0.5, events=tuple(events))
        for name in tracks:
            values = labels @ meaning[name] + rng.normal(size=(T, meaning[name].shape[1])) * noise[name]
            tracks[name][video_id] = values.astype(np.float32)
    return Dataset("toy", CLASSES, videos), {name: ToyFeatures(t) for name, t in tracks.items()}


def toy_task(
    *, losses: tuple[str, ...] = LOSS_NAMES, dropout: float = 0.3, batch_size: int = 4, seed: int = 0, **options: object
) -> StreamTask:
    dataset, features = toy_data()
    ids = list(dataset.videos)
    train = StreamData(dataset, ids[:8], features, grid="rgb", labelled=ids[:5])
    val = StreamData(dataset, ids[8:], {"rgb": features["rgb"]}, grid="rgb")
    torch.manual_seed(seed)
    settings = StreamSettings("rgb", "sd_tcn", 6, CLASSES, CLOCK, {"width": 8, "layers": 2, "dropout": dropout})
    teacher = build_stream(StreamSettings("pose", "sd_tcn", 5, CLASSES, CLOCK, {"width": 7, "layers": 2}))
    cache = TeacherCache(teacher, train, "pose")
    dims = StreamDims(student=8, teacher=7, classes=3, samples=len(train))
    terms = [DistillationTerm("pose", LOSSES[name](dims), 0.3, cache) for name in losses]
    stream = build_stream(settings)
    return StreamTask(stream, settings, train, val=val, terms=terms, batch_size=batch_size, seed=seed, **options)


def die_at(function: str, number: int) -> None:
    original = getattr(os, function)
    calls = 0

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == (number + 1) // 2 and number % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if calls == (number + 1) // 2 and not number % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(os, function, counted)


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    task = toy_task()
    progress = None
    if "slow" in arguments:
        pause = float(arguments[arguments.index("slow") + 1])
        progress = lambda step, steps, numbers: time.sleep(pause)  # noqa: E731
    if "die-at" in arguments:
        place = arguments.index("die-at")
        die_at(arguments[place + 1], int(arguments[place + 2]))
    fit(task, RunFolder(Path(arguments[0])), FIT, progress=progress)


if __name__ == "__main__":
    main(sys.argv[1:])
