"""What normalization, differences alone and scene-changing augmentation change on real video, by the encoder alone.

    python benchmarks/real_light.py fir|arid REAL_VIDEO_FOLDER OUT [--only none,window,...] [--seeds 0,1] [--steps 600]
        [--split official]

`small_rgb` (and `small_flow` as a reference) learn from all labels; per-frame mAP of the encoder's own classifier on
the test recordings (`fir`: another room; `arid`: the official test clips), at the last step: nothing is chosen on them.
`--split scenes_a` and `scenes_b` (`arid`) are for choosing: each holds half of the training scenes out, and every class
is in both halves. Where the flow encoder of the same seed is there (`--only flow,...`), R2 of what is read off it is
printed too, and `..._taught` variants learn from it.
Frames are cached in OUT and shared.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from augrgb.annotations.dataset_file import save_dataset
from augrgb.annotations.shared_units import with_scenes
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.encoders.files import load_encoder
from augrgb.recipe import EncoderRecipe
from augrgb.recipe.load import check_recipe
from augrgb.video.probe import probe
from augrgb.workflows.probe_encoder import probe_encoder
from augrgb.workflows.train_encoder import train_encoder

VARIANTS: dict[str, dict[str, Any]] = {
    "none": {"encoder": {"small_rgb": {"normalize": "none"}}},
    "window": {"encoder": {"small_rgb": {}}},
    "differences": {"encoder": {"small_rgb": {"sees": "differences"}}},
    "differences_none": {"encoder": {"small_rgb": {"sees": "differences", "normalize": "none"}}},
    "scene": {"encoder": {"small_rgb": {}}, "augment": "scene"},
    "flow": {"encoder": {"small_flow": {}}},
    "motion": {"encoder": {"small_rgb": {"sees": "motion"}}},
    "motion_and_differences": {"encoder": {"small_rgb": {"sees": "motion_and_differences"}}},
    "apart": {"encoder": {"small_rgb": {"sees": "apart"}}},
    "own_frame": {"encoder": {"small_rgb": {}}, "augment": {"own_frame": 0.3}},
    "foreground": {"encoder": {"small_rgb": {}}, "augment": {"foreground": 0.5}},
    "still_mix": {"encoder": {"small_rgb": {}}, "augment": {"still_mix": 0.5}},
    "pretrained": {"encoder": {"small_rgb": {}}, "pretrain": {}},
    "pretrained_differences": {"encoder": {"small_rgb": {"sees": "differences"}}, "pretrain": {}},
}
TAUGHT = ("window", "differences", "scene", "motion", "motion_and_differences", "apart")
VARIANTS |= {f"{name}_taught": VARIANTS[name] for name in TAUGHT}
HELD_SCENES = {"scenes_a": {"1", "2", "5", "8", "14"}, "scenes_b": {"3", "4", "7", "9", "10", "11"}}
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
    scenes = with_scenes({name: records[name] for name in roles["train"]}, r"_(\d+)_")
    dataset = _dataset("arid", records | scenes, roles["train"], roles["validate"])
    splits = dict(dataset.splits)
    for split, held in HELD_SCENES.items():
        left, out = (tuple(n for n in scenes if (scenes[n].scene in held) == is_out) for is_out in (False, True))
        splits[split] = {"encoder": left, "train": left, "val": out, "test": ()}
    return replace(dataset, splits=splits)


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
    parser.add_argument("--split", default="official", choices=["official", *HELD_SCENES])
    parser.add_argument("--pretrain", type=Path, default=None, help="Folder of unlabeled videos for `pretrained`.")
    parser.add_argument("--pretrain-steps", type=int, default=1000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    root = given.real / given.dataset
    dataset = _copied(fir(root) if given.dataset == "fir" else arid(root), given.out / "data")
    save_dataset(dataset, given.out / "data")
    mark = "" if given.split == "official" else f"{given.split}-"
    for seed in map(int, given.seeds.split(",")):
        for name in given.only.split(","):
            variant = json.loads(json.dumps(VARIANTS[name]))
            if "pretrain" in variant:
                variant["pretrain"] = {"videos": [str(given.pretrain)], "steps": given.pretrain_steps}
            flow = given.out / f"flow-{mark}{seed}"
            if name.endswith("_taught"):
                losses = {"atomic_regression": {"weight": 1.0}}
                variant["distill"] = {"teachers": {"flow": str(flow)}, "losses": losses, "unlabelled_share": 0}
            recipe = {
                "data": {"dataset": str(given.out / "data"), "split": given.split, "frames": str(given.out / "frames")},
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
            result = train_encoder(check_recipe(recipe, EncoderRecipe), given.out / f"{name}-{mark}{seed}", workers=0)
            seconds = time.process_time() - began
            map_ = 100 * result.validation["frame_map"]
            row = {"variant": name, "split": given.split, "seed": seed, "map": round(map_, 2), "cpu_s": round(seconds)}
            if name != "flow" and (flow / "model.json").is_file():
                student, teacher = load_encoder(given.out / f"{name}-{mark}{seed}"), load_encoder(flow)
                found = probe_encoder(student, dataset, given.split, teacher=teacher, frames=given.out / "probed")
                row["r2"] = {read.role: round(read.r2, 2) for read in found.read_off}
                row["static"] = [asdict(bias) for bias in found.static if bias.role == "val"]
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
