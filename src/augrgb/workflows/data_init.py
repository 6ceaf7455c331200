"""A folder of videos and a CSV of events -> a dataset folder, ready for training."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused, UsageFault, did_you_mean, raise_together
from augrgb.core.seeds import rng_at
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.datasets.csv_events import read_csv_events
from augrgb.datasets.manifest import save_dataset
from augrgb.video.probe import probe

VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts"}


@dataclass(frozen=True)
class InitReport:
    """The dataset, how many events were cut to their video, and the videos that were refused."""

    dataset: Dataset
    clipped: int
    refused: tuple[str, ...]


def init_dataset(
    videos: Path,
    annotations: Path,
    out: Path,
    *,
    val_share: float = 0.15,
    test_share: float = 0.15,
    seed: int = 0,
    poses: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> InitReport:
    """Write `out/dataset.json`. Videos that the CSV never names become unlabelled ones.

    Labelled videos are split at random by video into train, val and test; for another rule edit the split in
    `dataset.json`. Originals are not copied or changed: `out` must be `videos` or a folder above it.

    Raises:
        InputRefused: The CSV names videos that are not there, or events that start after their video's end (all listed).
    """
    if not 0 < val_share < 1 or not 0 < test_share < 1 or val_share + test_share >= 1:
        raise UsageFault("E-CFG-003", "--val / --test", "shares must be above 0 and leave something to train on")
    root = out.resolve()
    files = {
        path.stem: path
        for path in sorted(videos.rglob("*"))
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
    }
    if not files:
        raise InputRefused("E-VID-005", videos, "no video files here", f"Known endings: {sorted(VIDEO_SUFFIXES)}.")
    if not videos.resolve().is_relative_to(root):
        raise UsageFault("E-CFG-003", out, f"the dataset folder must be {videos} or a folder above it")
    events: dict[str, list[Event]] = {}
    faults: list[AugrgbError] = []
    rows = read_csv_events(annotations)
    for row in rows:
        name = Path(row.video).stem if Path(row.video).suffix.lower() in VIDEO_SUFFIXES else row.video
        if name in files:
            events.setdefault(name, []).append(row.event)
        else:
            where = f"{annotations}:{row.line}"
            faults.append(
                InputRefused("E-ID-002", where, f"no video {row.video!r} in {videos}", did_you_mean(name, files))
            )
    raise_together(faults)
    records: dict[str, VideoRecord] = {}
    refused: list[str] = []
    clipped = 0
    for position, (name, path) in enumerate(files.items()):
        try:
            info = probe(path)
        except AugrgbError as fault:
            refused.append(str(fault))
            continue
        kept: list[Event] = []
        for event in events.get(name, []):
            if event.start_s >= info.duration_s:
                faults.append(
                    InputRefused(
                        "E-ANN-001",
                        name,
                        f"{event.label} starts at {event.start_s} s but the video lasts {info.duration_s:.2f} s",
                        "Are these frame numbers?",
                    )
                )
            clipped += event.end_s > info.duration_s
            kept.append(Event(event.label, event.start_s, min(event.end_s, info.duration_s)))
        pose = poses / f"{name}.npz" if poses is not None else None
        records[name] = VideoRecord(
            video_id=name,
            duration_s=info.duration_s,
            file=path.resolve(),
            poses=pose.resolve() if pose is not None and pose.exists() else None,
            events=tuple(sorted(kept, key=lambda e: (e.start_s, e.end_s, e.label))) if name in events else None,
            fps=info.fps,
        )
        if progress is not None:
            progress(position + 1, len(files))
    raise_together(faults)
    labelled = [name for name in records if records[name].events is not None]
    if len(labelled) < 3:
        raise InputRefused(
            "E-SPL-001",
            annotations,
            f"{len(labelled)} labelled videos; at least 3 are needed",
            "One each for training, validation and test.",
        )
    order = [labelled[i] for i in rng_at(seed, "split").permutation(len(labelled))]
    num_test = max(1, round(test_share * len(order)))
    num_val = max(1, min(round(val_share * len(order)), len(order) - num_test - 1))
    test, val, train = order[:num_test], order[num_test : num_test + num_val], order[num_test + num_val :]
    unlabelled = [name for name in records if records[name].events is None]
    roles = {
        "train": tuple(sorted(train)),
        "val": tuple(sorted(val)),
        "test": tuple(sorted(test)),
        "unlabelled": tuple(unlabelled),
        "encoder": tuple(sorted(train)),
        "encoder_unlabelled": tuple(unlabelled),
    }
    classes = tuple(sorted({event.label for record in records.values() for event in record.events or ()}))
    dataset = Dataset(os.path.basename(root) or "dataset", classes, records, {"random": roles})
    save_dataset(dataset, out)
    return InitReport(dataset, clipped, tuple(refused))
