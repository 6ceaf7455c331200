"""Motion pretraining of an RGB encoder on videos without labels."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import AugrgbError
from augrgb.encoders.files import load_encoder
from augrgb.recipe import EncoderRecipe
from augrgb.recipe.load import check_recipe
from augrgb.training.motion_task import _cells
from augrgb.workflows.dry_run_encoder import dry_run_encoder
from augrgb.workflows.train_encoder import train_encoder
from support.video_samples import square_frames, write_video


def recipe(project: Path, **parts: Any) -> EncoderRecipe:
    base = {
        "data": {"dataset": str(project / "world"), "size": [32, 24]},
        "encoder": {"small_rgb": {"dim": 16, "width": 8}},
        "train": {"steps": 2, "batch_size": 4, "validate_every": 2, "checkpoint_every": 2},
        "pretrain": {"videos": [str(project / "world" / "videos")], "steps": 10, "batch_size": 8},
    }
    return check_recipe({**base, **parts}, EncoderRecipe)


@pytest.fixture
def unlabeled(project: Path, tmp_path: Path) -> Path:
    """Three videos of people with their poses beside them, and one without any."""
    folder = tmp_path / "unlabeled"
    folder.mkdir()
    for video in sorted((project / "world" / "videos").glob("*.mp4"))[:3]:
        (folder / video.name).symlink_to(video)  # as people collect videos; poses lie beside the link
        shutil.copy(project / "world" / "poses" / f"{video.stem}.npz", folder)
    write_video(folder / "street.mp4", square_frames(30))
    return folder


def pretrain_on(folder: Path) -> dict[str, Any]:
    return {"videos": [str(folder)], "steps": 8, "batch_size": 4}


class _PowerCut(Exception):
    pass


def test_an_interrupted_pretraining_ends_in_the_same_bytes(project: Path, unlabeled: Path, tmp_path: Path) -> None:
    train = {"steps": 2, "batch_size": 4, "validate_every": 2, "checkpoint_every": 8}
    wanted = recipe(project, train=train, pretrain={**pretrain_on(unlabeled), "steps": 22})

    def cut(done: int, total: int) -> None:
        if done == 20:
            raise _PowerCut

    train_encoder(wanted, tmp_path / "whole", workers=0)
    steps: list[int] = []
    with pytest.raises(_PowerCut):
        train_encoder(wanted, tmp_path / "cut", workers=0, pretraining=cut)
    train_encoder(wanted, tmp_path / "cut", workers=0, pretraining=lambda done, total: steps.append(done))
    assert steps[0] == 20  # from the checkpoint of step 16
    for name in ("model.safetensors", "metrics.jsonl"):
        same = [(tmp_path / run / "pretrained" / name).read_bytes() for run in ("whole", "cut")]
        assert same[0] == same[1]


def test_a_finished_pretraining_is_reused_also_without_its_videos(
    project: Path, unlabeled: Path, tmp_path: Path
) -> None:
    wanted = recipe(project, pretrain=pretrain_on(unlabeled))
    train_encoder(wanted, tmp_path / "run", workers=0)
    pretrained = tmp_path / "run" / "pretrained"
    loaded = load_encoder(pretrained)
    assert loaded.encoder.name == "small_rgb" and loaded.settings.classes == ()
    before = (pretrained / "model.safetensors").stat().st_mtime_ns
    shutil.rmtree(unlabeled)
    train_encoder(wanted, tmp_path / "run", workers=0)
    assert (pretrained / "model.safetensors").stat().st_mtime_ns == before
    assert load_encoder(tmp_path / "run").settings.classes
    with pytest.raises(AugrgbError, match="E-VID-005"):  # other settings are another pretraining
        train_encoder(recipe(project, pretrain={**pretrain_on(unlabeled), "steps": 9}), tmp_path / "run", workers=0)


def test_poses_teach_where_they_are_and_bad_ones_are_left_out(
    project: Path, unlabeled: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, _ = sorted(unlabeled.glob("*.npz"))
    first.write_bytes(b"no poses")
    arrays = dict(np.load(second))
    short = {name: arrays[name][:20] for name in ("joints", "image")}
    np.savez(second, **{**arrays, **short})  # far shorter than its video
    (unlabeled / "broken.mp4").write_bytes(b"no video")
    wanted = recipe(project, pretrain=pretrain_on(unlabeled))
    with caplog.at_level(logging.WARNING):
        train_encoder(wanted, tmp_path / "run", workers=0)
    assert [caplog.text.count(code) for code in ("E-POS-001", "E-POS-021", "E-VID-001")] == [1, 1, 1]
    notes = load_encoder(tmp_path / "run" / "pretrained").settings.notes
    assert notes["pretrained on"] == 4 and notes["with poses"] == 1
    log = (tmp_path / "run" / "pretrained" / "metrics.jsonl").read_text()
    assert "joints" in log and "motion" in log
    train_encoder(recipe(project, pretrain={**pretrain_on(unlabeled), "pose_weight": 0}), tmp_path / "b", workers=0)
    assert "joints" not in (tmp_path / "b" / "pretrained" / "metrics.jsonl").read_text()


def test_a_video_that_breaks_off_is_left_out(
    project: Path, unlabeled: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write_video(tmp_path / "whole.mkv", square_frames(200, step=3.0))
    (unlabeled / "half.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with caplog.at_level(logging.WARNING):
        train_encoder(recipe(project, pretrain=pretrain_on(unlabeled)), tmp_path / "run", workers=0)
    assert "half" in caplog.text and load_encoder(tmp_path / "run" / "pretrained").settings.notes["pretrained on"] == 4


def test_a_dry_run_opens_the_videos_and_trains_a_step(project: Path, unlabeled: Path, tmp_path: Path) -> None:
    (unlabeled / "broken.mp4").write_bytes(b"no video")
    report = dry_run_encoder(recipe(project, pretrain=pretrain_on(unlabeled)), tmp_path / "run")
    rows = [(check.what, check.found) for check in report.checks]
    assert not report.faults and not (tmp_path / "run").exists()
    assert any(
        what == "pretraining" and found.startswith("4 videos") and "3 with poses" in found for what, found in rows
    )
    assert any(what == "pretraining" and "E-VID-001" in found for what, found in rows)
    assert any(what == "pretraining step" for what, _ in rows)
    report = dry_run_encoder(recipe(project, pretrain=pretrain_on(tmp_path / "nothing")), tmp_path / "run")
    assert [fault.code for fault in report.faults] == ["E-VID-005"]


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
