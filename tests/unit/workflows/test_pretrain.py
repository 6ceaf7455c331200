"""Motion pretraining of an RGB encoder on videos without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import AugrgbError
from augrgb.encoders.files import load_encoder
from augrgb.recipe import EncoderRecipe
from augrgb.recipe.load import check_recipe
from augrgb.training.motion_task import _cells
from augrgb.workflows.train_encoder import train_encoder


def recipe(project: Path, **parts: Any) -> EncoderRecipe:
    base = {
        "data": {"dataset": str(project / "world"), "size": [32, 24]},
        "encoder": {"small_rgb": {"dim": 16, "width": 8}},
        "train": {"steps": 2, "batch_size": 4, "validate_every": 2, "checkpoint_every": 2},
        "pretrain": {"videos": [str(project / "world" / "videos")], "steps": 30, "batch_size": 8},
    }
    return check_recipe({**base, **parts}, EncoderRecipe)


def test_the_pretrained_encoder_is_kept_and_reused(project: Path, tmp_path: Path) -> None:
    train_encoder(recipe(project), tmp_path / "run", workers=0)
    pretrained = tmp_path / "run" / "pretrained"
    loaded = load_encoder(pretrained)
    assert loaded.encoder.name == "small_rgb" and loaded.settings.classes == ()
    before = (pretrained / "model.safetensors").stat().st_mtime_ns
    train_encoder(recipe(project), tmp_path / "run", workers=0)
    assert (pretrained / "model.safetensors").stat().st_mtime_ns == before
    assert load_encoder(tmp_path / "run").settings.classes


def test_targets_say_where_and_how_things_move() -> None:
    flow = np.zeros((1, 8, 24, 32, 2), np.float32)
    flow[0, 4:, :12, 16:, 0] = 4.0  # to the right, upper right, second half
    right, down, size = _cells(flow).reshape(3, 2, 6, 8)
    assert right[1, :3, 4:] == pytest.approx(2.0) and size == pytest.approx(right)
    assert not right[0].any() and not down.any() and not right[1, 3:].any() and not right[1, :, :4].any()


def test_only_rgb_encoders_and_readable_videos(project: Path, tmp_path: Path) -> None:
    with pytest.raises(AugrgbError, match=r"E-CFG-003.*RGB"):
        train_encoder(recipe(project, encoder={"small_flow": {"dim": 16}}), tmp_path / "a", workers=0)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(AugrgbError, match="E-VID-005"):
        train_encoder(recipe(project, pretrain={"videos": [str(tmp_path)]}), tmp_path / "b", workers=0)
