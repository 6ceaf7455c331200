"""Videos of every shape through the commands that a user tries first: a result or a refusal, never a bug."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.features.store import open_features
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.streams.files import StreamSettings, build_stream, save_stream
from augrgb.video.probe import probe
from augrgb.workflows.extract import extract
from support.odd_videos import write_odd_videos
from support.tiny_project import expect_success
from support.video_samples import square_frames

CLOCK = Clock(15, 8, 8)
ENCODER_OPTIONS = {
    "small_rgb": {"dim": 8, "width": 4},
    "small_flow": {"dim": 8, "width": 4},
    "efficientnet_lite": {"frames": 2, "side": 64},
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_odd_videos(tmp_path_factory.mktemp("odd") / "videos", square_frames(16, 160, 120))


def dataset_of(videos: list[Path]) -> Dataset:
    return Dataset("odd", (), {path.stem: VideoRecord(path.stem, probe(path).duration_s, path) for path in videos}, {})


def make_bundle(folder: Path, name: str) -> Path:
    torch.manual_seed(0)
    encoder = ENCODERS[name](**ENCODER_OPTIONS[name])
    save_encoder(folder / ENCODER_FOLDER, encoder, EncoderSettings(CLOCK, (64, 48)))
    options = {"layers": 2, "width": 8}
    settings = StreamSettings(encoder.modality, "sd_tcn", encoder.dim, ("walk", "sit"), CLOCK, options)
    save_stream(folder, build_stream(settings), settings)
    return folder


@pytest.mark.parametrize("name", list(ENCODER_OPTIONS))
def test_features_and_detections(name: str, videos: list[Path], tmp_path: Path) -> None:
    bundle, out = make_bundle(tmp_path / "bundle", name), tmp_path / "features"
    report = extract(dataset_of(videos), bundle / ENCODER_FOLDER, out, workers=0)
    assert not report.refused
    features = open_features(out)
    assert set(features.ids()) == {path.stem for path in videos}
    for video_id in features.ids():
        values = features.read(video_id).values
        assert len(values) and np.isfinite(values).all(), video_id
    found = json.loads(expect_success("detect", *videos, "--model", bundle, "-o", tmp_path / "found", "--json").out)
    assert set(found["results"]) == {path.stem for path in videos}


def test_a_plan_to_fit_them(videos: list[Path], tmp_path: Path) -> None:
    rows = [f"{path.stem},{label},0,0.5" for path in videos for label in ("walk", "sit")]
    (tmp_path / "events.csv").write_text("\n".join(["video,label,start,end", *rows]))
    folder = tmp_path / "videos"
    shutil.copytree(videos[0].parent, folder)
    expect_success("init", folder, tmp_path / "events.csv")
    planned = expect_success("fit", folder, "--dry-run", "--workers", 1)
    assert "15 videos" in " ".join(planned.out.split()) and not (folder / "fit").exists()
