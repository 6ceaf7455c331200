"""A dataset of ready-made features and a comparison on it that takes seconds; also a process for tests to kill.

`python toy_comparison.py RECIPE OUT` runs `augrgb compare RECIPE --out OUT --workers 2`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import typer
import yaml

from augrgb.annotations.dataset_file import save_dataset
from augrgb.cli.compare import compare
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.features.store import write_features

CLASSES = ("walk", "sit", "drink")
CLOCK = Clock(16.0, 8, 8)


def make_features(root: Path) -> None:
    """Twelve videos in which the class moves the features of both modalities, pose more clearly than rgb."""
    rng = np.random.default_rng(0)
    meaning = {"rgb": rng.normal(size=(3, 6)), "pose": rng.normal(size=(3, 5))}
    noise = {"rgb": 1.5, "pose": 0.3}
    videos = {}
    for number in range(12):
        video_id, T = f"v{number:02d}", 16
        labels = np.zeros((T, 3))
        for label in range(3):
            start = int(rng.integers(T - 5))
            labels[start : start + 5, label] = 1
        events = tuple(
            Event(
                CLASSES[k], float(np.flatnonzero(labels[:, k])[0]) * 0.5, float(labels[:, k].nonzero()[0][-1] + 1) * 0.5
            )
            for k in range(3)
        )
        videos[video_id] = VideoRecord(video_id, T * 0.5, events=events)
        for name, directions in meaning.items():
            values = labels @ directions + rng.normal(size=(T, directions.shape[1])) * noise[name]
            write_features(root / "features" / name, video_id, values.astype(np.float32), CLOCK, {"recipe": name})
    ids = tuple(videos)
    roles = {"train": ids[:4], "unlabelled": ids[4:6], "val": ids[6:8], "test": ids[8:10]}
    splits = {"subject": roles, "view": {**roles, "test": ids[10:]}}
    save_dataset(Dataset("toy", CLASSES, videos, splits), root / "data")


def toy_values(root: Path) -> dict[str, Any]:
    """Two methods, their teacher and a fusion, two seeds."""
    features = {name: str(root / "features" / name) for name in ("rgb", "pose")}
    return {
        "title": "Toy_comparison",
        "stream": {
            "data": {"dataset": str(root / "data"), "split": "subject", "features": features},
            "student": {"filter": {"sd_tcn": {"width": 8, "layers": 2}}},
            "train": {"steps": 6, "batch_size": 4, "validate_every": 3, "checkpoint_every": 3, "warmup_steps": 2},
        },
        "methods": {
            "rgb": {"name": "RGB", "group": "Baseline"},
            "logits": {"name": "+ logits", "teachers": ["pose"], "losses": {"logit_kd": {"weight": 1.0}}},
            "pose": {"group": "Teachers", "sensors": ["pose"], "set": {"student.modality": "pose"}},
        },
        "fusions": {"both": {"name": "RGB + pose", "members": ["rgb", "pose"], "sensors": ["pose"]}},
        "baseline": "rgb",
        "featured": "logits",
        "gaps": ["both"],
        "seeds": 2,
        "tests": ["subject", "view"],
    }


def write_recipe(root: Path, values: dict[str, Any]) -> Path:
    """The recipe as a file."""
    path = root / "toy.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    app = typer.Typer()
    app.command()(compare)
    app([sys.argv[1], "--out", sys.argv[2], "--workers", "2"])
