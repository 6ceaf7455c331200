"""How much longer a distillation step takes than a plain one.

`python benchmarks/distil_step.py [--threads 2] [--steps 20]`: random features at the size of the published setting
(SD-TCN width 512, 16 videos of 200 snippets, 51 classes), three losses, two cached teachers. Prints the median time of
either kind of step, taken in turn, and their ratio.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from augrgb.core.batch import StreamDims
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.datasets.feature_track import FeatureTrack
from augrgb.datasets.stream_data import StreamData
from augrgb.losses import LOSSES
from augrgb.streams import StreamSettings, build_stream
from augrgb.training import DistillTerm, StreamTask, Task, TeacherCache

CLOCK = Clock(16.0, 16, 16)
LOSS_NAMES = ("atomic_contrastive", "global_relation", "boundary_saliency")


class RandomFeatures:
    """Features of any video, drawn from its number."""

    folder, clock, dim = Path("random"), CLOCK, 1024

    def __init__(self, snippets: int, seed: int) -> None:
        self.snippets, self.seed = snippets, seed

    def ids(self) -> tuple[str, ...]:
        """Unknown: any."""
        return ()

    def has(self, video_id: str) -> bool:
        """Any."""
        return True

    def read(self, video_id: str) -> FeatureTrack:
        """Draw them."""
        rng = np.random.default_rng([self.seed, int(video_id)])
        return FeatureTrack(rng.normal(size=(self.snippets, self.dim)).astype(np.float32), CLOCK)


def build(args: argparse.Namespace, teachers: tuple[str, ...]) -> StreamTask:
    """A task with the given teachers."""
    rng = np.random.default_rng(0)
    classes = tuple(f"c{k}" for k in range(51))
    videos = {}
    for number in range(args.videos):
        starts = rng.uniform(0, args.snippets - 20, 30)
        events = tuple(Event(classes[int(rng.integers(51))], s, s + rng.uniform(2, 15)) for s in starts)
        videos[str(number)] = VideoRecord(str(number), float(args.snippets), events=events)
    dataset = Dataset("random", classes, videos)
    features = {name: RandomFeatures(args.snippets, seed) for seed, name in enumerate(("rgb", *teachers))}
    data = StreamData(dataset, videos, features, grid="rgb")

    def settings(modality: str) -> StreamSettings:
        return StreamSettings(modality, "sd_tcn", 1024, classes, CLOCK, {"width": args.width})

    torch.manual_seed(0)
    terms = []
    for teacher in teachers:
        cache = TeacherCache(build_stream(settings(teacher)), data, teacher)
        dims = StreamDims(args.width, args.width, 51)
        terms += [DistillTerm(teacher, LOSSES[name](dims), 0.1, cache) for name in LOSS_NAMES]
    return StreamTask(build_stream(settings("rgb")), settings("rgb"), data, terms=terms, batch_size=args.batch_size)


def step(task: Task, optimizer: torch.optim.Optimizer, number: int) -> float:
    """Seconds of one step."""
    start = time.perf_counter()
    batch = task.batch(number)
    output = task.student(batch.features["rgb"], batch.mask)
    loss = torch.stack([term.weight * term.value for term in task.loss_terms(output, batch, number)]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    defaults = {"threads": 2, "steps": 20, "videos": 16, "snippets": 200, "batch_size": 16, "width": 512}
    for name, default in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tasks = {"plain": build(args, ()), "distilled": build(args, ("flow", "pose"))}
    optimizers = {
        name: torch.optim.AdamW([*task.student.parameters(), *task.losses.parameters()]) for name, task in tasks.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(args.steps + 3):
        for name, task in tasks.items():
            taken = step(task, optimizers[name], number)
            if number >= 3:  # the first steps warm up
                seconds[name].append(taken)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"torch {torch.__version__}, {args.threads} threads, {platform.processor() or platform.machine()}")
    for name, value in median.items():
        print(f"{name:10} {1000 * value:8.1f} ms per step")
    print(f"ratio      {median['distilled'] / median['plain']:8.2f}")


if __name__ == "__main__":
    main()
