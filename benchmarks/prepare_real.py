"""The four real datasets of docs/results/real.md as dataset folders, from the folders in which they are shared.

    python benchmarks/prepare_real.py fir|arid|gmdcsa|utkinect SOURCE OUT [--poses FOLDER]

What is general is done by the package (`augrgb data concatenate`, `augrgb data poses`); here stand only the names of
files and the choice of validation and test recordings, which was made once, before anything was trained on it.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from augrgb.annotations.dataset_file import save_dataset
from augrgb.annotations.read import Source, read_and_judge
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.poses.files import read_poses
from augrgb.video.probe import probe

FIR_VAL = ("20200627_190147", "20200627_212458")
FIR_QUARTER = ("20200626_154556", "20200626_161431", "20200627_185209")
FIR_CROSS_RECORDING = {
    "val": ("20200628_145326", "20200629_115049"),
    "test": ("20200626_154313", "20200626_155946", "20200627_185209", "20200629_115413", "20200629_174209"),
}
# They show every class between them, in both rooms, with 27 % of the events.
FIR_RECORDING_QUARTER = ("20200626_154556", "20200626_161431", "20200628_144536", "20200629_141043")
# Only those that have thermal images: validation and test of three folds.
FIR_THERMAL = {
    "thermal_1": (("20200628_145326",), ("20200626_154313", "20200627_185209")),
    "thermal_2": (("20200626_154313",), ("20200628_144536", "20200628_183032")),
    "thermal_3": (("20200628_183032",), ("20200627_190147", "20200628_145326")),
}

ARID_SCENES = ("11", "7", "4", "9", "14")


def fir(source: Path, out: Path, poses: Path | None) -> Dataset:
    """A ceiling camera in two rooms; validation is two recordings of the training room that show every class."""
    events = _events(source / "events.csv")
    records = {}
    for name, found in events.items():
        grid = _copied(source / "thermal" / f"{name}.npz", out / "thermal")
        records[name] = _record(name, _copied(source / "video" / f"{name}.mp4", out / "videos"), found, grid=grid)
    first = [name for name in records if "_01_" in name]
    room = {
        "train": [name for name in first if name[:15] not in FIR_VAL],
        "val": [name for name in first if name[:15] in FIR_VAL],
        "test": [name for name in records if name not in first],
    }
    recording = {role: [n for n in records if n[:15] in names] for role, names in FIR_CROSS_RECORDING.items()}
    recording["train"] = [n for n in records if n not in (*recording["val"], *recording["test"])]
    splits = {"cross_room": room, "cross_room_quarter": _partly(room, FIR_QUARTER)}
    splits |= {"cross_recording": recording, "cross_recording_quarter": _partly(recording, FIR_RECORDING_QUARTER)}
    warm = [name for name in records if records[name].grid is not None]
    for fold, (val, test) in FIR_THERMAL.items():
        held = {"val": [n for n in warm if n[:15] in val], "test": [n for n in warm if n[:15] in test]}
        splits[fold] = {"train": [n for n in warm if n not in (*held["val"], *held["test"])], **held}
    return _dataset("fir", records, splits)


def _partly(split: dict[str, list[str]], labeled: tuple[str, ...]) -> dict[str, list[str]]:
    """The split with labels in some of its training recordings; the others are unlabeled."""
    train = [name for name in split["train"] if name[:15] in labeled]
    return {**split, "train": train, "unlabelled": [name for name in split["train"] if name not in train]}


def arid(source: Path, out: Path, poses: Path | None) -> Dataset:
    """People in the dark: clips of one action each, to be strung together by `augrgb data concatenate`.

    `official` trains on all training clips. `scenes` holds out five places of them for validation: every class is seen
    in another place than in training.
    """
    names = dict(line.split() for line in (source / "mapping_table_23.txt").read_text().splitlines() if line.strip())
    records: dict[str, VideoRecord] = {}
    for part in ("train", "validate"):
        for line in (source / f"{part}.txt").read_text().splitlines():
            _, label, path = line.split(maxsplit=2)
            file = source / part / path
            if file.is_file():  # half of the official test clips are here
                name = f"{part}-{file.stem}"
                pose = next((poses / f"arid-{part}").rglob(f"{file.stem}.npz"), None) if poses else None
                record = _record(name, _copied(file, out / "videos" / part), [Event(names[label].lower(), 0.0, 1e9)])
                own = _copied(pose, out / "poses" / part) if pose else None
                records[name] = replace(record, poses=own)
    train = [name for name in records if name.startswith("train")]
    held = [name for name in train if name.split("_")[1] in ARID_SCENES]
    test = [name for name in records if name not in train]
    scenes = {"train": [name for name in train if name not in held], "val": held, "test": test}
    return _dataset("arid", records, {"official": {"train": train, "test": test}, "scenes": scenes})


def gmdcsa(source: Path, out: Path, poses: Path | None) -> Dataset:
    """Webcam videos of two people at home: one fold per person, who is tested; nobody is left for validation."""
    subjects: dict[str, str] = {}
    with open(source / "events.csv", newline="") as file:
        for row in csv.DictReader(file):
            subjects[row["video"]] = row["subject"]
    records = {}
    for name, found in _events(source / "events.csv").items():
        pose = _copied(poses / f"{name}.npz", out / "poses") if poses else None
        record = _record(name, _copied(source / f"{name}.mp4", out / "videos"), found)
        records[name] = replace(record, subject=subjects[name], poses=pose)
    folds = {
        f"without_{person}": {
            "train": [name for name in records if subjects[name] != person],
            "test": [name for name in records if subjects[name] == person],
        }
        for person in sorted(set(subjects.values()))
    }
    return _dataset("gmdcsa", records, folds)


def utkinect(source: Path, out: Path, poses: Path | None) -> Dataset:
    """Skeletons alone: subjects 1 to 4 for training, 5 for validation, 6 to 10 for the test; corrected labels."""
    if poses is None:
        raise SystemExit("utkinect needs --poses: augrgb data poses SOURCE/joints -o POSES")
    found = read_and_judge(Source(source / "joints" / "actionLabel_modified.txt")).annotations
    records = {}
    for name, record in found.videos.items():
        pose = _copied(poses / f"joints_{name}.npz", out / "poses")
        if pose is None:
            raise SystemExit(f"no poses of {name}")
        duration_s = read_poses(pose).duration_s
        events = [
            Event(e.label, e.start_s, min(e.end_s, duration_s)) for e in record.events or () if e.start_s < duration_s
        ]
        records[name] = replace(record, duration_s=duration_s, poses=pose, events=tuple(events))
    roles = {"train": range(1, 5), "val": range(5, 6), "test": range(6, 11)}
    split = {role: [n for n in records if int(n[1:3]) in people] for role, people in roles.items()}
    return _dataset("utkinect", records, {"cross_subject": split})


def _events(path: Path) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["video"], []).append(Event(row["label"], float(row["start"]), float(row["end"])))
    return found


def _record(name: str, file: Path | None, events: list[Event], *, grid: Path | None = None) -> VideoRecord:
    if file is None:
        raise SystemExit(f"no video of {name}")
    info = probe(file)
    return VideoRecord(name, info.duration_s, file=file, events=_cut(events, info.duration_s), grid=grid)


def _cut(events: Sequence[Event], end_s: float) -> tuple[Event, ...]:
    return tuple(Event(e.label, e.start_s, min(e.end_s, end_s)) for e in events if e.start_s < end_s)


def _copied(file: Path, folder: Path) -> Path | None:
    """A file below the dataset folder, as dataset folders want them."""
    if not file.is_file():
        return None
    target = folder / file.name
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, target)
        except OSError:
            shutil.copyfile(file, target)
    return target.absolute()


def _dataset(name: str, records: dict[str, VideoRecord], splits: dict[str, dict[str, list[str]]]) -> Dataset:
    classes = tuple(sorted({event.label for record in records.values() for event in record.events or ()}))
    roles = {
        split: {
            **{role: tuple(ids) for role, ids in given.items()},
            "encoder": tuple(given["train"]),
            "encoder_unlabelled": tuple(given.get("unlabelled", ())),
        }
        for split, given in splits.items()
    }
    return Dataset(name, classes, records, roles)


DATASETS = {"fir": fir, "arid": arid, "gmdcsa": gmdcsa, "utkinect": utkinect}


def main() -> None:
    """Write one dataset folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=sorted(DATASETS))
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--poses", type=Path, default=None, help="Folder that `augrgb data poses` wrote.")
    given = parser.parse_args()
    print(save_dataset(DATASETS[given.dataset](given.source, given.out, given.poses), given.out))


if __name__ == "__main__":
    main()
