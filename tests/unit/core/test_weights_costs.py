"""A description of a network costs no more than the weights file beside it can back."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from augrgb.core.errors import InputRefused
from augrgb.core.timeline import Clock
from augrgb.core.weights import build_fitting, read_outline
from augrgb.encoders.files import EncoderSettings, load_encoder, save_encoder
from augrgb.encoders.small_rgb import SmallRGB
from augrgb.streams.files import StreamSettings, build_stream, load_stream, save_stream
from support.sealed_files import edit_json


def weights(path: Path) -> Path:
    path.write_bytes(safetensors.torch.save(nn.Linear(4, 3).state_dict()))
    return path


def test_a_network_that_fits_is_built(tmp_path: Path) -> None:
    path = weights(tmp_path / "w.safetensors")
    assert {name: tuple(t.shape) for name, t in read_outline(path).items()} == {"weight": (3, 4), "bias": (3,)}
    assert build_fitting(path, lambda: nn.Linear(4, 3)).weight.device == torch.device("cpu")


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: nn.Linear(10**7, 10**7), "not torch.float32"),  # 400 TB
        (lambda: nn.Sequential(*(nn.Linear(4, 3) for _ in range(10**9))), "far more tensors"),
    ],
)
def test_a_network_that_is_too_large_takes_no_memory(tmp_path: Path, build: Callable[[], nn.Module], said: str) -> None:
    path = weights(tmp_path / "w.safetensors")
    tracemalloc.start()
    with pytest.raises(InputRefused, match=rf"E-MOD-002 .*{said}"):
        build_fitting(path, build)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_an_encoder_whose_description_asks_for_terabytes(tmp_path: Path) -> None:
    save_encoder(tmp_path, SmallRGB(dim=8, width=4), EncoderSettings(Clock(16, 8, 8), (64, 48)))
    edit_json(tmp_path / "model.json", lambda about: about["options"].update(dim=2_000_000, width=2_000_000))
    with pytest.raises(InputRefused, match="E-MOD-002"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("name", ["linear", "sd_tcn", "tgm"])
def test_a_filter_has_an_outline(tmp_path: Path, name: str) -> None:
    settings = StreamSettings("rgb", name, 8, ("walk", "sit"), Clock(16, 8, 8))
    save_stream(tmp_path, build_stream(settings), settings)
    assert load_stream(tmp_path).settings.filter == name
    edit_json(tmp_path / "model.json", dim_in=2_000_000_000)
    with pytest.raises(InputRefused, match=r"E-MOD-00[26]"):
        load_stream(tmp_path)
