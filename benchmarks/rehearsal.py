"""Full-scale rehearsal: real annotations, generated features of real shapes, the ordinary commands from end to end.

    python benchmarks/rehearsal.py charades charades.json
    python benchmarks/rehearsal.py tsu smarthome_CS_51.json --keep /tmp/rehearsal

Writes a dataset with `augrgb data convert`, two folders of float16 `.npy` features (1024 channels, one snippet per 16
frames: a direction per class, and noise), checks them with `--dry-run`, then trains a flow teacher for a few steps,
plain RGB and distils (three losses and logits, one cached teacher) for two epochs, and evaluates by the dataset's own
protocol. Prints, for each command, its time and the peak memory of its process; for training also processor seconds of
a step: of the first ten, in which what losses need of all the teacher's snippets is computed once; of the rest of the
first epoch, in which its covariances become known; of later epochs. `--videos 640` makes epochs short: so many training
videos. The scores mean nothing: a teacher of a few steps and two epochs, on features made of the labels.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml

from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.annotations.labels import rasterise
from augrgb.core.seeds import rng_at
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset

DIM = 1024
STRENGTH = {"rgb": 0.15, "flow": 0.25}


@dataclass(frozen=True)
class Plan:
    """How one dataset is rehearsed."""

    split: str
    fps: int
    options: tuple[str, ...]
    protocol: str
    batch: int


PLANS = {
    "charades": Plan("given", 24, (), "charades/frame", 32),
    "tsu": Plan("cross_subject", 20, ("--set", "fps=20"), "tsu/frame", 8),
}


def main() -> None:
    """Rehearse one dataset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=PLANS)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--keep", type=Path, help="Work in this folder and keep it; default: a temporary one.")
    parser.add_argument("--steps", type=int, help="Steps of the student's runs; default: two epochs.")
    parser.add_argument("--videos", type=int, help="Only so many training videos; default: all.")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    with tempfile.TemporaryDirectory() as temporary:
        rehearse(args.dataset, args.annotations, args.keep or Path(temporary), args.steps, args.videos, args.width)


def rehearse(name: str, annotations: Path, root: Path, steps: int | None, videos: int | None, width: int) -> None:
    """Every command, one after another."""
    plan = PLANS[name]
    root.mkdir(parents=True, exist_ok=True)
    folder = root / name
    print(f"{platform.machine()}, {os.cpu_count()} cores, {os.environ['OMP_NUM_THREADS']} thread(s)", flush=True)
    command("data convert", "data", "convert", annotations, "--out", folder, "--to", "augrgb", *plan.options)
    dataset = load_dataset(folder)
    if videos is not None:
        roles = dataset.splits[plan.split]
        dataset = replace(dataset, splits={plan.split: {**roles, "train": roles["train"][:videos]}})
        save_dataset(dataset, folder)
    clock = Clock(plan.fps, 16, 16)
    started = time.monotonic()
    snippets = {modality: generate(dataset, clock, root / modality, modality) for modality in STRENGTH}
    told = f"{len(dataset.videos)} videos, {snippets['rgb']:,} snippets, {len(dataset.classes)} classes"
    print(f"{told}; features made in {time.monotonic() - started:.0f} s", flush=True)
    train_videos = len(dataset.splits[plan.split]["train"])
    epoch = math.ceil(train_videos / plan.batch)
    wanted = 2 * epoch if steps is None else steps
    recipes = {
        kind: write_recipe(root, folder, plan, clock, kind, wanted, width) for kind in ("flow", "rgb", "distill")
    }
    command("dry run", "train", recipes["rgb"], "--dry-run")
    runs = {kind: root / "runs" / kind for kind in recipes}
    for kind, verb in (("flow", "train"), ("rgb", "train"), ("distill", "distill")):
        command(f"{verb} {kind}", verb, recipes[kind], "--out", runs[kind])
        print(f"    {step_seconds(runs[kind], epoch)}; {epoch} steps of {plan.batch} are an epoch", flush=True)
    for kind in ("rgb", "distill"):
        command(f"evaluate {kind}", "evaluate", runs[kind], "--protocol", plan.protocol, shown=True)


def generate(dataset: Dataset, clock: Clock, folder: Path, modality: str) -> int:
    """Write the features of every video that are not there yet; returns the number of snippets."""
    folder.mkdir(parents=True, exist_ok=True)
    directions = rng_at(0, "rehearsal", modality).standard_normal((len(dataset.classes), DIM), np.float32)
    total = 0
    for video in dataset.videos.values():
        count = max(1, clock.num_snippets(round(video.duration_s * clock.fps)))
        total += count
        path = folder / f"{video.video_id}.npy"
        if path.exists():
            continue
        labels = rasterise(video.events or (), dataset.classes, clock, count)
        noise = rng_at(0, "rehearsal", modality, video.video_id).standard_normal((count, DIM), np.float32)
        np.save(path, (noise + STRENGTH[modality] * labels @ directions).astype(np.float16))
    return total


def write_recipe(root: Path, folder: Path, plan: Plan, clock: Clock, kind: str, steps: int, width: int) -> Path:
    """The recipe of one run."""
    modality = "flow" if kind == "flow" else "rgb"
    wanted = ("rgb", "flow") if kind == "distill" else (modality,)
    base = {"fps": clock.fps, "window": clock.window, "stride": clock.stride}
    values: dict[str, object] = {
        "data": {
            "dataset": str(folder),
            "split": plan.split,
            "features": {name: {"folder": str(root / name), "clock": base} for name in wanted},
        },
        "student": {"modality": modality, "filter": {"sd_tcn": {"width": width}}},
        "train": {"steps": min(5, steps) if kind == "flow" else steps, "batch_size": plan.batch, "keep": "last"},
    }
    if kind == "distill":
        weights = {"atomic_contrastive": 0.1, "global_relation": 0.1, "boundary_saliency": 0.5, "logit_kd": 1.0}
        losses = {name: {"weight": weight} for name, weight in weights.items()}
        values["distill"] = {"teachers": {"flow": str(root / "runs" / "flow")}, "losses": losses}
    path = root / f"{kind}.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def command(name: str, *words: object, shown: bool = False) -> None:
    """Run one command in a process of its own; print its time and peak memory."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "augrgb", *map(str, words)], stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}:\n{text}")
    wall = time.monotonic() - started
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20
    print(f"{name:16} {wall:7.1f} s wall {cpu:7.1f} s processor {peak:6.2f} GiB peak", flush=True)
    if shown:
        print("\n".join(text.splitlines()[:5]), flush=True)


def step_seconds(run: Path, epoch: int) -> str:
    """Mean processor seconds of a step, by the run's own clock, which strikes every ten."""
    lines = [json.loads(line) for line in (run / "timings.jsonl").read_text().splitlines()]
    parts = {"first ten": (0, 10), "rest of the first epoch": (10, epoch), "later": (epoch, math.inf)}
    told = []
    for name, (begin, end) in parts.items():
        those = [line for line in lines if begin <= line["step"] - line["steps"] and line["step"] <= end]
        steps = sum(line["steps"] for line in those)
        spent = sum(line["processor_seconds"] for line in those)
        told.append(f"{name} {spent / steps:.2f} s ({steps})" if steps else f"{name}: none measured")
    return "processor seconds a step: " + ", ".join(told)


if __name__ == "__main__":
    main()
