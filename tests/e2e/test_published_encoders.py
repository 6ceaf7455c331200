"""I3D and AGCN go through `train-encoder` and `extract` like the small encoders; imported weights go into `extract`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.timeline import Clock
from augrgb.encoders.agcn import AgcnNet
from augrgb.encoders.files import load_encoder
from augrgb.encoders.import_weights import import_weights
from augrgb.encoders.parts.skeleton_graphs import LAYOUTS, adjacency
from augrgb.features.store import open_features
from support.tiny_project import CLOCK, expect_success, write

SMALL = {"side": 32, "fit": "stretch"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "dim"), [("agcn", {"stream": "bone"}, 256), ("i3d_rgb", SMALL, 1024), ("i3d_flow", SMALL, 1024)]
)
def test_train_and_extract(project: Path, tmp_path: Path, name: Any, options: Any, dim: Any) -> None:
    recipe: dict[str, Any] = {
        "data": {"dataset": str(project / "world"), "tracks": str(tmp_path / "tracks")},
        "encoder": {name: options},
        "clock": CLOCK,
        "train": {"steps": 2, "batch_size": 4, "validate_every": 2, "checkpoint_every": 2},
    }
    write(tmp_path / "recipe.yaml", recipe)
    expect_success("train-encoder", tmp_path / "recipe.yaml", "--out", tmp_path / "run")
    expect_success("extract", project / "world", tmp_path / "run", "--out", tmp_path / "features")
    features = open_features(tmp_path / "features")
    values = np.concatenate([features.read(video_id).values for video_id in features.ids()])
    assert features.dim == dim and np.isfinite(values).all() and values.std(axis=0).mean() > 1e-3
    options = load_encoder(tmp_path / "run").encoder.options
    if name == "agcn":  # the skeleton was taken from the data
        assert tuple(options["names"]) == LAYOUTS["world21"].names


@pytest.mark.slow
def test_imported_weights_extract(project: Path, tmp_path: Path) -> None:
    layout = LAYOUTS["world21"]
    torch.save(AgcnNet(adjacency(layout.parents)).state_dict(), tmp_path / "w.pt")
    checksum = hashlib.sha256((tmp_path / "w.pt").read_bytes()).hexdigest()
    options = {"names": layout.names, "parents": layout.parents, "persons": 1, "axes": "body"}
    clock = Clock(15.0, 8, 8)
    import_weights(tmp_path / "w.pt", "agcn", tmp_path / "e", sha256=checksum, trust=True, options=options, clock=clock)
    expect_success("extract", project / "world", tmp_path / "e", "--out", tmp_path / "features")
    assert open_features(tmp_path / "features").dim == 256
