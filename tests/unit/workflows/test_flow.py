"""Flow of a stated method and range: encoders say it, frames and features follow, and kinds never mix."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, load_encoder, save_encoder
from augrgb.features.frame_cache import cache_frames
from augrgb.features.frame_folder import FrameFolder, FrameSettings
from augrgb.features.store import open_features
from augrgb.recipe import EncoderRecipe, check_recipe
from augrgb.recipe.encoder_assembly import student_flow
from augrgb.training.encoder_start import inherited_options
from augrgb.video.flow.settings import FlowSettings
from augrgb.workflows.extract import extract
from augrgb.world.make import make_world
from support.sealed_files import edit_json
from support.tiny_project import CLOCK, WORLD, expect_success, run_cli, write
from support.video_samples import square_frames, write_video

SIZE = (64, 48)
WIDE = FlowSettings(bound=20)


@pytest.fixture
def dataset(tmp_path: Path) -> Any:
    path = write_video(tmp_path / "a.mp4", square_frames(12, step=6.0))
    return Dataset("d", ("x",), {"a": VideoRecord("a", 1.2, path)})


def encoder_folder(folder: Any, **options: Any) -> Any:
    torch.manual_seed(0)
    save_encoder(folder, ENCODERS["small_flow"](dim=8, **options), EncoderSettings(Clock(10, 8, 8), SIZE))
    return folder


def test_encoders_keep_and_use_their_flow(tmp_path: Path) -> None:
    plain = load_encoder(encoder_folder(tmp_path / "plain")).encoder
    wide = load_encoder(encoder_folder(tmp_path / "wide", flow={"bound": 20})).encoder
    assert "flow" not in plain.options and wide.options["flow"] == {"bound": 20}
    pixels = 5.0  # the same motion, stored in the steps of either range
    windows = [np.full((1, 8, 48, 64, 2), round(pixels * steps), np.int8) for steps in (16, 127 / 20)]
    np.testing.assert_allclose(plain.prepare(windows[0]), wide.prepare(windows[1]), atol=20 / 127)
    assert float(wide.prepare(windows[1]).mean()) == pytest.approx(pixels, abs=20 / 127)
    with pytest.raises(InputRefused, match=r"E-MOD-006.*flow\.bound"):
        edit_json(tmp_path / "wide" / "model.json", lambda about: about["options"]["flow"].update(bound="far"))
        load_encoder(tmp_path / "wide")


def test_features_say_how_their_flow_was_made_and_kinds_do_not_mix(dataset: Any, tmp_path: Path) -> None:
    plain, wide = encoder_folder(tmp_path / "plain"), encoder_folder(tmp_path / "wide", flow={"bound": 20})
    extract(dataset, plain, tmp_path / "f", workers=0)
    extract(dataset, wide, tmp_path / "g", workers=0)
    recipe = open_features(tmp_path / "g").recipe  # type: ignore[attr-defined]
    assert recipe["track"]["flow"]["steps_per_pixel"] == pytest.approx(127 / 20)
    assert open_features(tmp_path / "f").recipe["track"]["flow"]["steps_per_pixel"] == 16  # type: ignore[attr-defined]
    with pytest.raises(InputRefused, match="E-FEA-010"):
        extract(dataset, wide, tmp_path / "f", workers=0)


def test_a_track_folder_holds_one_kind_of_flow(dataset: Any, tmp_path: Path) -> None:
    cache_frames(dataset, None, ["flow"], tmp_path / "t", fps=10, size=SIZE, workers=0)
    cache_frames(dataset, None, ["flow"], tmp_path / "w", fps=10, size=SIZE, workers=0, flow=WIDE)
    plain, wide = FrameFolder(tmp_path / "t"), FrameFolder(tmp_path / "w")
    assert wide.settings.flow == WIDE and plain.settings.flow == FlowSettings()
    assert np.abs(plain.read("flow", "a")).max() > np.abs(wide.read("flow", "a")).max() > 0
    with pytest.raises(InputRefused, match=r"E-FEA-025.*bound=20"):
        cache_frames(dataset, None, ["flow"], tmp_path / "t", fps=10, size=SIZE, workers=0, flow=WIDE)
    with pytest.raises(AugrgbError, match=r"E-CFG-002.*flow method"):
        cache_frames(dataset, None, ["flow"], tmp_path / "n", fps=10, size=SIZE, workers=0, flow=FlowSettings("horn"))


def test_cached_flow_gives_the_same_features_and_foreign_flow_is_refused(dataset: Any, tmp_path: Path) -> None:
    wide = encoder_folder(tmp_path / "wide", flow={"bound": 20})
    cache_frames(dataset, None, ["flow"], tmp_path / "t", fps=10, size=SIZE, workers=0)
    cache_frames(dataset, None, ["flow"], tmp_path / "w", fps=10, size=SIZE, workers=0, flow=WIDE)
    extract(dataset, wide, tmp_path / "f", workers=0)
    extract(dataset, wide, tmp_path / "g", workers=0, frames_folder=tmp_path / "w")
    np.testing.assert_array_equal(*(open_features(tmp_path / name).read("a").values for name in "fg"))
    with pytest.raises(InputRefused, match=r"E-FEA-021.*bound"):
        extract(dataset, wide, tmp_path / "h", workers=0, frames_folder=tmp_path / "t")


def test_folders_of_before_are_read_as_they_were(tmp_path: Path) -> None:
    settings = FrameSettings(15.0, (64, 48))
    assert set(settings.to_json()) == {"schema", "fps", "size", "flow"}
    FrameFolder.create(tmp_path / "t", settings)
    assert FrameFolder(tmp_path / "t").settings == settings
    other = dataclasses.replace(settings, flow=WIDE)
    assert FrameFolder.create(tmp_path / "w", other).settings == other


@pytest.mark.slow
def test_recipes_choose_the_flow_of_student_and_teacher(tmp_path: Path) -> None:
    make_world(tmp_path / "world", dataclasses.replace(WORLD, duration_s=5), workers=0)
    data = {"dataset": str(tmp_path / "world")}
    train = {"steps": 2, "batch_size": 4, "validate_every": 2, "checkpoint_every": 2}
    recipe = {
        "data": data,
        "encoder": {"small_flow": {"dim": 8, "flow": {"bound": 20}}},
        "clock": CLOCK,
        "train": train,
    }
    expect_success("train-encoder", write(tmp_path / "wide.yaml", recipe), "--out", tmp_path / "wide")
    assert FrameFolder(tmp_path / "wide" / "frames").settings.flow == WIDE
    assert load_encoder(tmp_path / "wide").encoder.options["flow"] == {"bound": 20}
    recipe["encoder"] = {"small_rgb": {"dim": 8}}
    recipe["distill"] = {"teachers": {"flow": str(tmp_path / "wide")}, "losses": {"atomic_regression": {}}}
    expect_success("train-encoder", write(tmp_path / "rgb.yaml", recipe), "--out", tmp_path / "rgb")
    (teacher,) = (tmp_path / "rgb" / "teacher_frames").iterdir()  # beside the student's own frames, not among them
    assert FrameFolder(teacher).settings.flow == WIDE and not FrameFolder(tmp_path / "rgb" / "frames").ids("flow")
    recipe["encoder"] = {"small_flow": {"dim": 8, "flow": {"method": "horn"}}}
    recipe.pop("distill")
    outcome = run_cli("train-encoder", write(tmp_path / "no.yaml", recipe), "--out", tmp_path / "no")
    assert outcome.code == 2 and "E-CFG-002 flow.method.horn: no such flow method" in outcome.err


def test_an_encoder_that_starts_from_weights_sees_their_flow(dataset: Any, tmp_path: Path) -> None:
    folder = encoder_folder(tmp_path / "wide", flow={"bound": 20})
    values = {"data": {"dataset": str(tmp_path)}, "init": str(folder)}
    untold = check_recipe({**values, "encoder": {"small_flow": {}}}, EncoderRecipe)
    told = check_recipe({**values, "encoder": {"small_flow": {"flow": {"bound": 40}}}}, EncoderRecipe)
    assert inherited_options(untold.init.folder, "small_flow") == {"flow": {"bound": 20}}
    assert student_flow(untold) == WIDE
    assert student_flow(told) == FlowSettings(bound=40)


def test_where_the_weights_of_a_method_lie_makes_no_other_flow() -> None:
    here, there = (FlowSettings("raft", weights=place, sha256="0" * 64) for place in ("a", "b"))
    assert here == there and here != FlowSettings("raft", weights="a", sha256="1" * 64)
