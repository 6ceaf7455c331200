"""Inputs that change between two runs of a command, or under one: named, never trained on as if they were the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.core.errors import InputRefused
from augrgb.core.plain_data import read_yaml
from augrgb.features.store import FeatureStore, feature_path, write_features
from augrgb.recipe import StreamRecipe, check_recipe
from augrgb.recipe.stream_assembly import assemble_stream
from support.tiny_project import expect_success, run_cli, write
from support.toy_comparison import make_features, toy_values

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A teacher on pose, and a finished student of it on RGB."""
    root = tmp_path_factory.mktemp("changed")
    make_features(root)
    values = toy_values(root)["stream"]
    teacher = {**values, "student": {**values["student"], "modality": "pose"}}
    for name, seed in (("pose", 0), ("other", 1)):
        recipe = write(root / f"{name}.yaml", {**teacher, "seed": seed})
        expect_success("train", recipe, "--out", root / name)
    distill = {"teachers": {"pose": str(root / "pose")}, "losses": {"hint": {}}}
    expect_success("distill", write(root / "rgb.yaml", {**values, "distill": distill}), "--out", root / "rgb")
    return root


@pytest.fixture
def root(trained: Path) -> Iterator[Path]:
    """As before: what a test changes is put back."""
    kept = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    yield trained
    for path, content in kept.items():
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)


def features(modality: str, video: str, change: Callable[[Any], Any]) -> Change:
    """Other features of one video, written as `augrgb extract` writes them."""

    def work(root: Path) -> None:
        store = FeatureStore(root / "features" / modality)
        found = store.read(video)
        write_features(store.folder, video, change(found.values.copy()), found.clock, {"recipe": store.recipe})

    return work


def more(values: Any) -> Any:
    values[3, 1] += 0.25
    return values


def other_order(values: Any) -> Any:
    return values[::-1].copy()


def other_teacher(root: Path) -> None:
    for name in ("model.safetensors", "model.json"):
        (root / "pose" / name).write_bytes((root / "other" / name).read_bytes())


def other_labels(root: Path) -> None:
    dataset = load_dataset(root / "data")
    videos = dict(dataset.videos)
    videos["v06"] = type(videos["v06"])("v06", videos["v06"].duration_s, events=())
    save_dataset(type(dataset)(dataset.name, dataset.classes, videos, dataset.splits), root / "data")


CHANGES = {
    "rgb features of train have changed": features("rgb", "v01", more),
    "rgb features of train have changed ": features("rgb", "v01", other_order),
    "pose features of train have changed": features("pose", "v05", more),
    "rgb features of val have changed": features("rgb", "v07", other_order),
    "teacher pose has changed": other_teacher,
    "videos and labels of val have changed": other_labels,
}


@pytest.mark.parametrize("named", CHANGES)
@pytest.mark.parametrize("finished", [True, False])
def test_a_run_is_not_resumed_with_other_inputs(root: Path, named: str, finished: bool) -> None:
    if not finished:
        (root / "rgb" / "result.json").unlink()
    CHANGES[named](root)
    outcome = run_cli("distill", root / "rgb.yaml", "--out", root / "rgb")
    assert outcome.code == 2 and "E-RUN-002" in outcome.err and named.strip() in outcome.err
    assert outcome.err.count(" changed") == 1, "nothing else"


def test_features_that_nothing_learns_from_may_change(root: Path) -> None:
    features("pose", "v07", more)(root)  # validation looks at the student's modality
    features("rgb", "v09", more)(root)  # a test video
    expect_success("distill", root / "rgb.yaml", "--out", root / "rgb")


def test_the_same_inputs_made_again_are_the_same(root: Path) -> None:
    (root / "rgb" / "result.json").unlink()
    for modality in ("rgb", "pose"):
        features(modality, "v01", lambda values: values)(root)
        os.utime(feature_path(root / "features" / modality, "v01"), ns=(0, 0))
    expect_success("distill", root / "rgb.yaml", "--out", root / "rgb")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 40)


def overwrite(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-40:] = np.zeros(10, np.float32).tobytes()
    path.write_bytes(content)


@pytest.mark.parametrize("change", [cut, overwrite])
@pytest.mark.parametrize("video", ["v01", "v07"])
def test_features_that_change_under_a_training_stop_it(
    root: Path, tmp_path: Path, change: Callable[[Path], None], video: str
) -> None:
    """A memory map would end in SIGBUS, or in a result of mixed data."""
    recipe = read_yaml(root / "rgb.yaml")
    recipe["train"] |= {"steps": 40, "validate_every": 4, "checkpoint_every": 10}
    assembly = assemble_stream(check_recipe(recipe, StreamRecipe))
    path = feature_path(root / "features" / "rgb", video)
    before, content = path.stat(), path.read_bytes()

    def progress(done: int, total: int) -> None:
        if done == 10:
            change(path)

    with pytest.raises(InputRefused, match=rf"E-FILE-017 .*{video}\.safetensors: this feature file changed"):
        assembly.train(tmp_path / "run", progress=progress)
    assert not (tmp_path / "run" / "result.json").exists()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = assemble_stream(check_recipe(recipe, StreamRecipe))
    assert again.train(tmp_path / "run").steps == 40, "put back, the same command goes on"
