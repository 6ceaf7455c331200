"""A small project of `augrgb init`, for servers that close the loop."""

from __future__ import annotations

from pathlib import Path

import yaml

from augrgb.annotations.dataset_file import save_dataset
from augrgb.core.types import Dataset, Event, VideoRecord
from support.server_client import CLASSES
from support.video_samples import square_frames, write_video


def make_project(folder: Path) -> Path:
    """A dataset of four short videos: two to train on, one of validation, one of test; and a fit of it."""
    videos, records = folder / "data", {}
    videos.mkdir(parents=True)
    for number, name in enumerate(("a", "b", "v", "t")):
        write_video(videos / f"{name}.mp4", square_frames(16 + number), fps=10)
        events = (Event("drink", 0.2, 0.6), Event("lie down", 0.9, 1.4))
        records[name] = VideoRecord(name, 1.6 + number / 10, videos / f"{name}.mp4", events=events)
    roles = {"train": ("a", "b"), "encoder": ("a", "b"), "val": ("v",), "test": ("t",)}
    save_dataset(Dataset("data", CLASSES, records, {"random": roles}), videos)
    clock = {"fps": 10, "window": 4, "stride": 2}
    (folder / "project.yaml").write_text(yaml.safe_dump({"dataset": "data", "split": "random", "clock": clock}))
    return folder
