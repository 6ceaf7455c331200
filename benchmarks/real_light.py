"""What normalization, differences alone and scene-changing augmentation change on real video, by the encoder alone.

    python benchmarks/real_light.py fir|arid REAL_VIDEO_FOLDER OUT [--only none,window,...] [--seeds 0,1] [--steps 600]

`small_rgb` (and `small_flow` as a reference) learn from all labels; per-frame mAP of the encoder's own classifier on
the test recordings (`fir`: another room; `arid`: the official test clips), at the last step: nothing is chosen on them.
Frames are cached in OUT and shared.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from augrgb.annotations.dataset_file import save_dataset
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.recipe import EncoderRecipe
from augrgb.recipe.load import check_recipe
from augrgb.video.probe import probe
from augrgb.workflows.train_encoder import train_encoder

VARIANTS: dict[str, dict[str, Any]] = {
    "none": {"encoder": {"small_rgb": {"normalize": "none"}}},
    "window": {"encoder": {"small_rgb": {}}},
    "differences": {"encoder": {"small_rgb": {"sees": "differences"}}},
    "differences_none": {"encoder": {"small_rgb": {"sees": "differences", "normalize": "none"}}},
    "scene": {"encoder": {"small_rgb": {}}, "augment": "scene"},
    "flow": {"encoder": {"small_flow": {}}},
    "pretrained": {"encoder": {"small_rgb": {}}, "pretrain": {}},
    "pretrained_differences": {"encoder": {"small_rgb": {"sees": "differences"}}, "pretrain": {}},
}
CLOCKS = {"fir": {"fps": 12, "window": 12, "stride": 12}, "arid": {"fps": 15, "window": 8, "stride": 8}}


def fir(root: Path) -> Dataset:
    """The ceiling camera: trained in one room, tested in another."""
    events: dict[str, list[Event]] = {}
    subsets: dict[str, str] = {}
    with open(root / "events.csv", newline="") as file:
        for row in csv.DictReader(file):
            events.setdefault(row["video"], []).append(Event(row["label"], float(row["start"]), float(row["end"])))
            subsets[row["video"]] = row["subset"]
    records = {name: _record(name, root / "video" / f"{name}.mp4", found) for name, found in events.items()}
    roles = {subset: tuple(name for name in records if subsets[name] == subset) for subset in ("training", "testing")}
    return _dataset("fir", records, roles["training"], roles["testing"])


def arid(root: Path) -> Dataset:
    """People in the dark: clips of one action each."""
    names = dict(line.split() for line in (root / "mapping_table_23.txt").read_text().splitlines() if line.strip())
    records: dict[str, VideoRecord] = {}
    roles: dict[str, tuple[str, ...]] = {}
    for part in ("train", "validate"):
        for line in (root / f"{part}.txt").read_text().splitlines():
            _, label, path = line.split(maxsplit=2)
            file = root / part / path
            if file.is_file():
                name = f"{part}-{file.stem}"
                records[name] = _record(name, file, [Event(names[label], 0.0, 1e9)])
        roles[part] = tuple(name for name in records if name.startswith(part))
    return _dataset("arid", records, roles["train"], roles["validate"])


def _record(name: str, file: Path, events: list[Event]) -> VideoRecord:
    duration = probe(file).duration_s
    cut = [
        Event(event.label, event.start_s, min(event.end_s, duration)) for event in events if event.start_s < duration
    ]
    return VideoRecord(name, duration, file=file.resolve(), events=tuple(cut))


def _dataset(name: str, records: dict[str, VideoRecord], train: tuple[str, ...], test: tuple[str, ...]) -> Dataset:
    classes = tuple(sorted({event.label for record in records.values() for event in record.events or ()}))
    split = {"encoder": train, "train": train, "val": test, "test": ()}
    return Dataset(name, classes, records, {"official": split})


def _copied(dataset: Dataset, folder: Path) -> Dataset:
    """The dataset with its videos below its own folder, as dataset folders want them."""
    records = {}
    for name, record in dataset.videos.items():
        assert record.file is not None
        file = folder / "videos" / f"{name}.mp4"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(record.file, file)
        records[name] = replace(record, file=file.resolve())
    return replace(dataset, videos=records)


def main() -> None:
    """Train, and print a line of JSON per run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", choices=sorted(CLOCKS))
    parser.add_argument("real", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default=",".join(VARIANTS))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--pretrain", type=Path, default=None, help="Folder of unlabeled videos for `pretrained`.")
    parser.add_argument("--pretrain-steps", type=int, default=1000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    root = given.real / given.dataset
    save_dataset(_copied(fir(root) if given.dataset == "fir" else arid(root), given.out / "data"), given.out / "data")
    for seed in map(int, given.seeds.split(",")):
        for name in given.only.split(","):
            variant = json.loads(json.dumps(VARIANTS[name]))
            if "pretrain" in variant:
                variant["pretrain"] = {"videos": [str(given.pretrain)], "steps": given.pretrain_steps}
            recipe = {
                "data": {"dataset": str(given.out / "data"), "split": "official", "frames": str(given.out / "frames")},
                "clock": CLOCKS[given.dataset],
                "seed": seed,
                "train": {
                    "steps": given.steps,
                    "validate_every": given.steps,
                    "keep": "last",
                    "batch_size": 32,
                    "checkpoint_every": 200,
                },
                **variant,
            }
            began = time.process_time()
            result = train_encoder(check_recipe(recipe, EncoderRecipe), given.out / f"{name}-{seed}", workers=0)
            seconds = time.process_time() - began
            map_ = 100 * result.validation["frame_map"]
            row = {"variant": name, "seed": seed, "map": round(map_, 2), "cpu_s": round(seconds)}
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
