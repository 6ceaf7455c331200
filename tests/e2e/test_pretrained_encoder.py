"""Weights of ImageNet in the cache are what `init` starts from; without them it says how to get them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from augrgb.core.opening import sha256_file
from augrgb.encoders.efficientnet_lite import EfficientNetLite
from augrgb.encoders.files import load_encoder
from augrgb.encoders.pretrained import load_pretrained
from augrgb.features.store import open_features
from augrgb.training.run.checkpoints import save_tensors
from augrgb.weights import weights_entry
from augrgb.weights.cache import weights_folder
from support import number_recipes
from support.places import PARITY
from support.tiny_project import expect_success
from support.video_samples import square_frames, write_video

NAME = "efficientnet_lite0"


@pytest.fixture
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six short videos with two actions each, and an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    rows = ["video,label,start,end"]
    for number in range(6):
        write_video(tmp_path / "videos" / f"v{number}.mp4", square_frames(50, step=1.0 + number))
        rows += [f"v{number},left,0.5,2.0", f"v{number},right,2.5,4.5"]
    (tmp_path / "events.csv").write_text("\n".join(rows))
    return tmp_path / "videos"


def put_weights_into_the_cache() -> None:
    """Other numbers under the published names: the file and its record, as `weights get` leaves them."""
    path = weights_folder() / f"{NAME}.safetensors"
    path.parent.mkdir(parents=True)
    published = json.loads((PARITY / "efficientnet_lite.json").read_text())
    table = number_recipes.state_dict(published["state_dicts"]["lite0"], published["gain"])
    save_tensors(path, {name: torch.from_numpy(value) for name, value in table.items()})
    record = {"source_sha256": weights_entry(NAME).sha256, "sha256": sha256_file(path)}
    path.with_name(f"{path.name}.json").write_text(json.dumps(record))


def test_without_weights_it_says_how_to_get_them(videos: Path) -> None:
    outcome = expect_success("init", "videos", "events.csv")
    said = " ".join(outcome.out.split())
    assert f"For one pretrained on ImageNet: `augrgb weights get {NAME}`, then `augrgb init` again." in said
    assert yaml.safe_load((videos / "encoder.yaml").read_text())["encoder"] == {"small_rgb": {}}
    assert f"augrgb weights get {NAME}" in (videos / "encoder.yaml").read_text()


def test_with_weights_from_init_to_scores(videos: Path) -> None:
    put_weights_into_the_cache()
    assert f"starts from {NAME}" in " ".join(expect_success("init", "videos", "events.csv").out.split())
    recipe = yaml.safe_load((videos / "encoder.yaml").read_text())
    assert recipe["encoder"] == {"efficientnet_lite": {}} and recipe["init"]["weights"] == NAME
    small = ("encoder={efficientnet_lite: {side: 32}}", "data.size=[40,30]", "train.batch_size=4", "train.steps=2")
    expect_success("train-encoder", videos / "encoder.yaml", *small, "-o", "enc", "--dry-run")
    expect_success("train-encoder", videos / "encoder.yaml", *small, "-o", "enc", "--workers", 1)
    trained = load_encoder(Path("enc")).encoder.state_dict()
    begun = EfficientNetLite()
    load_pretrained(begun, NAME)
    changed = {name for name, tensor in begun.state_dict().items() if not tensor.equal(trained[name])}
    assert any(name.startswith("net.head") for name in changed)
    assert not [name for name in changed if name.startswith(("net.stem", "net.blocks.0.", "net.blocks.12."))]
    expect_success("extract", "videos", "enc", "-o", "videos/features/rgb", "--workers", 1)
    values = open_features(Path("videos/features/rgb")).read("v0").values
    assert values.shape[1] == 2560 and np.isfinite(values).all() and values.std() > 0
    expect_success("train", videos / "recipe.yaml", "train.steps=2", "-o", "rgb")
    expect_success("evaluate", "rgb")
