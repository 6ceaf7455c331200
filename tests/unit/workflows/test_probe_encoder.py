"""What a probe of an encoder says about encoders whose answer is known, and the command that runs it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.annotations.dataset_file import load_dataset
from augrgb.core.errors import InputRefused
from augrgb.encoders.files import LoadedEncoder, load_encoder
from augrgb.workflows.probe_encoder import probe_encoder
from support.tiny_project import expect_success, run_cli


@pytest.fixture(scope="module")
def rgb(project: Path) -> LoadedEncoder:
    return load_encoder(project / "encoder_rgb")


def test_an_encoder_reads_itself(project: Path, rgb: LoadedEncoder) -> None:
    dataset = load_dataset(project / "world")
    found = probe_encoder(rgb, dataset, "cross_subject", teacher=rgb, frames=project / "probe_frames")
    rows = {row.role: row for row in found.read_off}
    assert list(rows) == ["training, fitted on", "training, held out", "val", "test"]
    assert rows["training, fitted on"].r2 > 0.95 and rows["test"].r2 > 0.8
    assert rows["test"].videos == len(dataset.splits["cross_subject"]["test"])


def test_what_stands_still_is_read_by_a_scene_reader_alone(
    project: Path, rgb: LoadedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Features that are the first frame: standing still changes nothing. That are differences: everything is one."""
    dataset = load_dataset(project / "world")

    def features(kind: str) -> Any:
        def encode(encoder: Any, windows: Any, batch: Any = None) -> Any:
            x = windows[:, 0] if kind == "scene" else windows[:, -1].astype(np.float32) - windows[:, 0]
            return x.reshape(len(x), -1)[:, : encoder.dim].astype(np.float32)

        return encode

    monkeypatch.setattr("augrgb.workflows.probe_encoder.encode_windows", features("scene"))
    for bias in probe_encoder(rgb, dataset, "cross_subject", frames=project / "probe_frames").static:
        assert bias.still == bias.as_filmed and 0 < bias.chance < 1
    monkeypatch.setattr("augrgb.workflows.probe_encoder.encode_windows", features("motion"))
    for bias in probe_encoder(rgb, dataset, "cross_subject", frames=project / "probe_frames").static:
        assert bias.still != bias.as_filmed


def test_no_static_bias_without_a_classifier_of_these_classes(
    project: Path, rgb: LoadedEncoder, tmp_path: Path
) -> None:
    dataset = load_dataset(project / "world")
    other = replace(rgb, settings=replace(rgb.settings, classes=("swim",)))
    assert probe_encoder(other, dataset, "cross_subject", frames=project / "probe_frames").static == ()
    shutil.copytree(rgb.folder, tmp_path / "e")
    (tmp_path / "e" / "classifier.safetensors").unlink()
    bare = load_encoder(tmp_path / "e")
    assert probe_encoder(bare, dataset, "cross_subject", frames=project / "probe_frames").static == ()


def test_videos_without_events_are_refused(project: Path, rgb: LoadedEncoder) -> None:
    dataset = load_dataset(project / "world")
    empty = replace(dataset, videos={name: replace(video, events=()) for name, video in dataset.videos.items()})
    with pytest.raises(InputRefused, match="E-SPL-005"):
        probe_encoder(rgb, empty, "cross_subject", frames=project / "probe_frames")


def test_the_command(project: Path) -> None:
    torch.manual_seed(0)
    words = ["check-encoder", project / "encoder_rgb", "--dataset", project / "world", "--split", "cross_subject"]
    words += ["--teacher", project / "encoder_pose", "--frames", project / "probe_frames", "--workers", 1]
    shown = expect_success(*words).out
    assert "training, held out" in shown and "other scene" in shown and "self-test" in shown
    found = json.loads(expect_success(*words, "--json").out)
    assert {row["role"] for row in found["static"]} == {"training", "val", "test"} and len(found["read_off"]) == 4
    refused = run_cli("check-encoder", project / "encoder_rgb", "--teacher", project / "encoder_pose")
    assert refused.code != 0 and "requires --dataset" in refused.err
    refused = run_cli("check-encoder", project / "encoder_rgb", "--dataset", project / "world")
    assert refused.code != 0 and "--split" in refused.err
