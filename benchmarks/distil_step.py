"""How much longer a distillation step takes than a plain one.

`python benchmarks/distil_step.py [--threads 1] [--steps 20] [--runs 3] [--setting default]`: random features, three
losses, two cached teachers. Settings: `default`, the filter's own width with features as the field has them; `demo`,
the sizes of `augrgb demo`. Prints medians of processor time over steps taken in turn, and the ratio of either pair.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from dataclasses import dataclass
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
from augrgb.training import DistillationTerm, StreamTask, Task, TeacherCache

CLOCK = Clock(16.0, 16, 16)
LOSS_NAMES = ("atomic_contrastive", "global_relation", "boundary_saliency")


@dataclass(frozen=True)
class Setting:
    """Sizes: the stream's width, channels of the features, snippets per video, classes, videos."""

    name: str
    width: int
    dim_in: int
    snippets: int
    classes: int
    batch_size: int = 8
    videos: int = 16


SETTINGS = {
    setting.name: setting
    for setting in (Setting("default", 512, 1024, 200, 51), Setting("demo", 128, 128, 56, 16, videos=48))
}


class RandomFeatures:
    """Features of any video, drawn from its number."""

    folder, clock = Path("random"), CLOCK

    def __init__(self, snippets: int, dim: int, seed: int) -> None:
        self.snippets, self.dim, self.seed = snippets, dim, seed

    def ids(self) -> tuple[str, ...]:
        """Unknown: any."""
        return ()

    def has(self, video_id: str) -> bool:
        """Any."""
        return True

    def read(self, video_id: str) -> VideoFeatures:
        """Draw them."""
        rng = np.random.default_rng([self.seed, int(video_id)])
        return VideoFeatures(rng.normal(size=(self.snippets, self.dim)).astype(np.float32), CLOCK)


def build(setting: Setting, teachers: tuple[str, ...]) -> StreamTask:
    """A task with the given teachers."""
    rng = np.random.default_rng(0)
    classes = tuple(f"c{k}" for k in range(setting.classes))
    videos = {}
    for number in range(setting.videos):
        starts = rng.uniform(0, setting.snippets - 20, 30)
        events = tuple(Event(classes[int(rng.integers(setting.classes))], s, s + rng.uniform(2, 15)) for s in starts)
        videos[str(number)] = VideoRecord(str(number), float(setting.snippets), events=events)
    dataset = Dataset("random", classes, videos)
    features = {
        name: RandomFeatures(setting.snippets, setting.dim_in, seed) for seed, name in enumerate(("rgb", *teachers))
    }
    data = StreamData(dataset, videos, features, grid="rgb")

    def settings(modality: str) -> StreamSettings:
        return StreamSettings(modality, "sd_tcn", setting.dim_in, classes, CLOCK, {"width": setting.width})

    torch.manual_seed(0)
    terms = []
    for teacher in teachers:
        cache = TeacherCache(build_stream(settings(teacher)), data, teacher)
        dims = StreamDims(setting.width, setting.width, setting.classes)
        terms += [DistillationTerm(teacher, LOSSES[name](dims), 0.1, cache) for name in LOSS_NAMES]
    return StreamTask(build_stream(settings("rgb")), settings("rgb"), data, terms=terms, batch_size=setting.batch_size)


def step(task: Task, optimizer: torch.optim.Optimizer, number: int) -> float:
    """Processor seconds of one step as the training loop makes it."""
    start = time.process_time()
    torch.manual_seed(number)
    batch = task.batch(number)
    output = task.student(batch.features["rgb"], batch.mask)
    loss = torch.stack([term.weight * term.value for term in task.loss_terms(output, batch, number)]).sum()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_([*task.student.parameters(), *task.losses.parameters()], 1.0)
    optimizer.step()
    return time.process_time() - start


def measure(args: argparse.Namespace, setting: Setting) -> None:
    """Steps of both kinds in turn, so that a noisy machine slows both; print medians."""
    tasks = {"plain": build(setting, ()), "distilled": build(setting, ("flow", "pose"))}
    optimizers = {
        name: torch.optim.AdamW([*task.student.parameters(), *task.losses.parameters()]) for name, task in tasks.items()
    }
    warm = -(-setting.videos // setting.batch_size) + 2  # every video once, so that the teachers' matrices are known
    ratios = []
    for _ in range(args.runs):
        seconds: dict[str, list[float]] = {name: [] for name in tasks}
        for number in range(warm + args.steps):
            for name in tasks if number % 2 else reversed(tasks):
                taken = step(tasks[name], optimizers[name], number)
                if number >= warm:
                    seconds[name].append(taken)
        plain, distilled = (statistics.median(seconds[name]) for name in tasks)
        ratios.append(statistics.median(d / p for p, d in zip(*seconds.values(), strict=True)))
        print(f"  plain {1000 * plain:7.1f} ms, distilled {1000 * distilled:7.1f} ms, ratio {ratios[-1]:.3f}")
    print(f"{setting.name}: median ratio of {args.runs} runs {statistics.median(ratios):.3f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20, help="of either kind in a run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--setting", choices=sorted(SETTINGS), default=None, help="default: all")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {args.threads} threads, {platform.processor() or platform.machine()}")
    for name, setting in SETTINGS.items():
        if args.setting in (None, name):
            measure(args, setting)


if __name__ == "__main__":
    main()
