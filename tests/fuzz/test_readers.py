"""Every reader of files meets random damage: it reads them or refuses them with one clear error, and nothing else.

200 inputs each with the other tests (fewer where one takes long), 10,000 with `make fuzz` (`AUGRGB_FUZZ=10000`). They
are drawn plainly: a library that shrinks what fails takes five times as long as most of the readers.
"""

from __future__ import annotations

import io
import json
import os
import random
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from augrgb.annotations.choose_format import read_annotations
from augrgb.annotations.class_map import read_class_map
from augrgb.annotations.dataset_file import check_dataset
from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.detection.event_rule import EventRule
from augrgb.detection.prediction_files import read_predictions
from augrgb.detection.predictions import Predictions, load_predictions, save_predictions
from augrgb.encoders.files import EncoderSettings, load_encoder, save_encoder
from augrgb.encoders.small_rgb import SmallRGB
from augrgb.encoders.weight_card import WeightCard, read_card, write_card
from augrgb.features.npy_folder import NpyFolder
from augrgb.features.store import read_feature_file, write_features
from augrgb.inference.thresholds import Thresholds, read_thresholds, write_thresholds
from augrgb.inference.training_facts import TrainingFacts, read_training_facts, write_training_facts
from augrgb.pipelines.fitting.project import load_project
from augrgb.pipelines.fitting.summary import Summary, read_summary, write_summary
from augrgb.poses.files import Skeleton, read_poses
from augrgb.poses.formats import read_skeletons
from augrgb.poses.formats.bvh import read_bvh
from augrgb.poses.writer import write_pose_file
from augrgb.recipe.load import load_recipe
from augrgb.recipe.schema import StreamRecipe
from augrgb.sensors.csv_import import read_csv
from augrgb.sensors.files import read_sensor
from augrgb.streams.files import StreamSettings, build_stream, load_stream, save_stream
from augrgb.training.run.checkpoints import Checkpoints
from augrgb.training.run.folder import RunFolder
from augrgb.training.run.history import History
from augrgb.video.decode import FrameTarget, sample_frames
from augrgb.video.probe import probe
from augrgb.watching.signatures import read_secrets
from augrgb.watching.spool import Spool, Spooled
from faults.test_annotation_fuzz import JSONS, TEXTS, try_to_read
from support.time_limit import within
from support.video_samples import numbered_frames, write_video

INPUTS = int(os.environ.get("AUGRGB_FUZZ", "200"))
AT_MOST_S = 20
SLOW = 10  # times fewer inputs, where one takes tens of milliseconds
CLOCK, CLASSES = Clock(16, 8, 8), ("walk", "sit")

Reader = Callable[[Path], object]
Edit = tuple[str, int, bytes]


def damaged(data: bytes, edits: list[Edit]) -> bytes:
    """Bytes after some edits, each at a place that is counted round and round."""
    for kind, at, piece in edits:
        place = at % (len(data) + 1)
        if kind == "overwrite":
            data = data[:place] + piece + data[place + len(piece) :]
        elif kind == "insert":
            data = data[:place] + piece + data[place:]
        elif kind == "cut":
            data = data[:place] + data[place + 1 + 7 * len(piece) :]
        elif kind == "end":
            data = data[:place]
        else:
            data = data[:place] + data[place : place + 64] * (1 + len(piece)) + data[place:]
    return data


TELLING = (b"-1", b"1e999", b"NaN", b"9" * 30, b"null", b"[[", b"\x00", b"\xff\xfe", b'"', b"&a", b"*a", b"../", b"\r")
KINDS = ("overwrite", "insert", "cut", "end", "repeat")


def drawn_edits(rng: random.Random) -> list[Edit]:
    """One to four edits; half of the pieces are of the kind that parsers stumble over."""
    found = []
    for _ in range(rng.randint(1, 4)):
        piece = rng.choice(TELLING) if rng.random() < 0.5 else rng.randbytes(rng.randint(1, 8))
        found.append((rng.choice(KINDS), rng.randrange(2 ** rng.choice((4, 8, 20))), piece))
    return found


def in_folder(write: Callable[[Path], Any], name: str, read: Reader) -> tuple[Mapping[str, bytes], str, Reader]:
    """A target: files, which of them is damaged, and what reads their folder."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
    if name.endswith(".json"):  # without the hash that would stop at the door
        values = json.loads(files[name])
        values.pop("content_sha256", None)
        files[name] = json.dumps(values).encode()
    return files, name, read


def one_file(name: str, content: bytes | str, read: Reader) -> tuple[Mapping[str, bytes], str, Reader]:
    data = content if isinstance(content, bytes) else content.encode()
    return {name: data}, name, lambda folder: read(folder / name)


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _encoder(folder: Path) -> None:
    torch.manual_seed(0)
    save_encoder(folder, SmallRGB(dim=4, width=4), EncoderSettings(CLOCK, (64, 48), CLASSES))


def _stream(folder: Path) -> None:
    settings = StreamSettings("rgb", "linear", 4, CLASSES, CLOCK)
    save_stream(folder, build_stream(settings), settings)


def _run(folder: Path) -> None:
    run = RunFolder(folder)
    run.begin({"a": 1})
    run.metrics.append({"step": 1, "validation": {"a": 0.5}})
    run.checkpoints.save(1, {"w": torch.zeros(3)}, {"note": 1, **run.marks()})
    run.finish({"steps": 1})


def _read_run(folder: Path) -> object:
    run = RunFolder(folder)
    run.checkpoints.latest(run.check_marks)
    run.metrics.read()
    return run.identity, run.finished()


def _facts(folder: Path) -> None:
    ends = (1, 2)
    facts = TrainingFacts(CLASSES, 2, 1.5, ("a",), 1, ends, ends, (15.0, 30.0), (10.0, 90.0), (0.0,), (1.0,), 2.5)
    write_training_facts(folder, facts)


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/a.csv", "video,label,start,end\nv,walk,1,2\nv,sit,2,3\n")
    return buffer.getvalue()


def _detections(folder: Path) -> object:
    file = next(folder.iterdir())
    return read_predictions(file, CLASSES, {"v": 10.0})


@cache
def video(suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_video(Path(folder) / f"a.{suffix}", numbered_frames(12, 32, 32)).read_bytes()


def decode(path: Path) -> object:
    probe(path)
    return sum(1 for _ in sample_frames(path, 5.0, (FrameTarget((16, 16)),), partial="keep-prefix"))


RECIPE = {
    "data": {"dataset": "d", "features": {"rgb": "f"}},
    "student": {"modality": "rgb", "filter": {"sd_tcn": {"layers": 2, "width": 8}}},
    "train": {"steps": 10, "learning_rate": 0.001},
}
PROJECT = {"dataset": ".", "split": "s", "clock": {"fps": 15, "window": 8, "stride": 8}}
BVH = (
    "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
    "End Site\n{\nOFFSET 0 10 0\n}\n}\nMOTION\nFrames: 2\nFrame Time: 0.04\n0 0 0 0 0 0\n0 0 0 10 0 0\n"
)
NTU = "1\n1\n72 0 0 0 0 0 0 0 0 2\n25\n" + "0.1 0.2 3 0 0 0 0 0 0 0 0 2\n" * 25
COCO = {
    "images": [{"id": 0, "file_name": "0.jpg", "width": 9, "height": 9}],
    "annotations": [{"id": 0, "image_id": 0, "category_id": 1, "keypoints": [1, 2, 2] * 17, "bbox": [0, 0, 5, 5]}],
    "categories": [{"id": 1, "name": "person"}],
}
POSES = {
    "joints": np.zeros((5, 3, 3), np.float32) + np.arange(3)[:, None],
    "fps": np.float64(15),
    "names": np.array(["a", "b", "c"]),
    "parents": np.array([-1, 0, 1]),
}
SKELETON = Skeleton(("a", "b", "c"), (-1, 0, 1))

TARGETS: dict[str, Callable[[], tuple[Mapping[str, bytes], str, Reader]]] = {
    "dataset": lambda: one_file("dataset.json", json.dumps(JSONS["augrgb"]), check_dataset),
    "class map": lambda: one_file("map.yaml", "walk: run\nsit: null\n", read_class_map),
    "recipe": lambda: one_file("r.yaml", yaml.safe_dump(RECIPE), lambda path: load_recipe(path, StreamRecipe)),
    "project": lambda: one_file("project.yaml", yaml.safe_dump(PROJECT), load_project),
    "encoder description": lambda: in_folder(_encoder, "model.json", load_encoder),
    "encoder weights": lambda: in_folder(_encoder, "model.safetensors", load_encoder),
    "stream description": lambda: in_folder(_stream, "model.json", load_stream),
    "stream weights": lambda: in_folder(_stream, "model.safetensors", load_stream),
    "thresholds": lambda: in_folder(
        lambda folder: write_thresholds(folder, Thresholds({name: EventRule() for name in CLASSES}), CLASSES),
        "thresholds.json",
        lambda folder: read_thresholds(folder, CLASSES),
    ),
    "weight card": lambda: in_folder(
        lambda folder: write_card(folder / "card.json", WeightCard("n", "small_rgb", "", "0" * 64, "MIT")),
        "card.json",
        lambda folder: read_card(folder / "card.json"),
    ),
    "run description": lambda: in_folder(_run, "run.json", _read_run),
    "run result": lambda: in_folder(_run, "result.json", _read_run),
    "run history": lambda: in_folder(_run, "metrics.jsonl", lambda f: History(f / "metrics.jsonl").read()),
    "checkpoint": lambda: in_folder(
        _run, "checkpoints/step-000000001.json", lambda f: Checkpoints(f / "checkpoints").latest()
    ),
    "checkpoint weights": lambda: in_folder(
        _run, "checkpoints/step-000000001.safetensors", lambda f: Checkpoints(f / "checkpoints").latest()
    ),
    "features": lambda: in_folder(
        lambda folder: write_features(folder, "v", np.ones((5, 3), np.float32), CLOCK, {"recipe": {"a": 1}}),
        "v.safetensors",
        lambda folder: read_feature_file(folder / "v.safetensors"),
    ),
    "npy features": lambda: one_file(
        "v.npy", npy(np.ones((5, 3), np.float32)), lambda path: NpyFolder(path.parent, CLOCK, 3).read("v")
    ),
    "poses": lambda: one_file("v.npz", npz(**POSES), read_poses),
    "written poses": lambda: in_folder(
        lambda folder: write_pose_file(folder / "v.npz", POSES["joints"], 15.0, SKELETON),
        "v.npz",
        lambda folder: read_poses(folder / "v.npz"),
    ),
    "bvh": lambda: one_file("v.bvh", BVH, read_bvh),
    "ntu skeleton": lambda: one_file("v.skeleton", NTU, read_skeletons),
    "kinect skeleton": lambda: one_file("v.txt", ("0.1 " * 150 + "\n") * 3, read_skeletons),
    "coco keypoints": lambda: one_file("v.json", json.dumps(COCO), read_skeletons),
    "sensor": lambda: one_file(
        "v.npz", npz(values=np.ones((9, 2)), fps=np.float64(10)), lambda path: read_sensor(path, "signal")
    ),
    "sensor table": lambda: one_file("v.csv", "time,x\n0,1\n0.1,2\n0.2,3\n", read_csv),
    "scores npz": lambda: in_folder(
        lambda folder: (folder / "p.npz").write_bytes(npz(v=np.ones((5, 2), np.float32))), "p.npz", _detections
    ),
    "scores npy": lambda: in_folder(
        lambda folder: (folder / "v.npy").write_bytes(npy(np.ones((5, 2), np.float32))), "v.npy", _detections
    ),
    "predictions": lambda: in_folder(
        lambda folder: save_predictions(
            folder / "p.safetensors", Predictions(CLASSES, CLOCK, {"v": np.ones((5, 2), np.float32)})
        ),
        "p.safetensors",
        lambda folder: load_predictions(folder / "p.safetensors"),
    ),
    "detections csv": lambda: in_folder(
        lambda folder: (folder / "d.csv").write_text("video,label,start,end,score\nv,walk,1,2,0.5\n"),
        "d.csv",
        _detections,
    ),
    "detections json": lambda: in_folder(
        lambda folder: (folder / "d.json").write_text(
            json.dumps({"results": {"v": [{"label": "walk", "segment": [1, 2], "score": 0.5}]}})
        ),
        "d.json",
        _detections,
    ),
    "facts of training": lambda: in_folder(_facts, "training.json", read_training_facts),
    "summary of a fit": lambda: in_folder(
        lambda folder: write_summary(folder, Summary("rgb", "better", ("pose",), held_out={"frame_map": {"rgb": 0.5}})),
        "summary.json",
        read_summary,
    ),
    "waiting message": lambda: in_folder(
        lambda folder: Spool(folder).put(Spooled("a", 1, "{}")), f"{0:012d}.message.json", lambda f: Spool(f).first(0)
    ),
    "secrets": lambda: one_file("secrets", "whsec_" + "QUFB" * 10 + "\n", read_secrets),
    "archive of annotations": lambda: one_file("a.zip", _archive(), read_annotations),
    "mp4": lambda: one_file("a.mp4", video("mp4"), decode),
    "mkv": lambda: one_file("a.mkv", video("mkv"), decode),
    "avi": lambda: one_file("a.avi", video("avi"), decode),
}
FEWER = ("mp4", "mkv", "avi")
for _name, (_file, _text) in TEXTS.items():
    TARGETS[f"annotations {_name}"] = lambda file=_file, text=_text, name=_name: one_file(  # type: ignore[misc]
        file, text, lambda path: try_to_read(name, path)
    )
for _name, _value in JSONS.items():
    if _name != "augrgb":
        _file = {"boris": "x.boris"}.get(_name, "x.json")
        TARGETS[f"annotations {_name}"] = lambda file=_file, value=_value, name=_name: one_file(  # type: ignore[misc]
            file, json.dumps(value), lambda path: try_to_read(name, path)
        )


@pytest.mark.parametrize("target", TARGETS)
def test_damage_is_read_or_refused(target: str) -> None:
    files, name, read = TARGETS[target]()
    count = max(1, INPUTS // SLOW if target in FEWER else INPUTS)

    def attempt(folder: Path, data: bytes) -> None:
        for file, content in {**files, name: data}.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        try:
            read(folder)
        except AugrgbError as fault:
            assert len(str(fault)) < 20_000 and str(fault).startswith("E-")

    rng = random.Random(f"{os.environ.get('AUGRGB_SEED', '0')} {target}")
    with tempfile.TemporaryDirectory() as folder:
        attempt(Path(folder), files[name])
        for number in range(count):
            edits = drawn_edits(rng)
            try:
                with within(AT_MOST_S, f"{target}, input {number}"):
                    attempt(Path(folder), damaged(files[name], edits))
            except BaseException as error:
                raise AssertionError(f"{target}, input {number}, edits {edits}") from error
