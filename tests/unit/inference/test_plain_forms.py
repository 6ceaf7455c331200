"""The forms of filters and encoders that are exported give what the filters and encoders give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.timeline import Clock
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, load_encoder, save_encoder
from augrgb.encoders.snippet_encoder import encode_windows
from augrgb.filters import FILTERS
from augrgb.inference.bundle import ENCODER_FOLDER
from augrgb.inference.export.plain_encoders import EncoderGraph
from augrgb.inference.export.plain_filters import PlainFilter
from augrgb.inference.export.write import SNIPPETS, TOLERANCE, export_bundle
from augrgb.streams.files import StreamSettings, build_stream, save_stream

SMALL: dict[str, dict[str, Any]] = {
    "gru": {"width": 8},
    "linear": {"width": 8},
    "ms_tct": {"width": 8, "stages": (8, 8, 16, 8), "blocks": 1, "heads": 2, "expansion": 2},
    "ms_temba": {"width": 8, "channels": (6, 8), "state": 4},
    "pdan": {"layers": 3, "width": 8},
    "sd_tcn": {"layers": 3, "width": 8},
    "tgm": {"width": 8, "maps": 2, "gaussians": 3},
    "transformer": {"width": 8, "heads": 2, "layers": 2, "radius": 4},
}
VIT = {"model_type": "vit", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
VIT |= {"intermediate_size": 16, "image_size": 32, "patch_size": 8}
RGB: dict[str, tuple[str, dict[str, Any], tuple[int, int]]] = {
    "small_rgb": ("small_rgb", {"dim": 8, "width": 4}, (64, 48)),
    "small_rgb differences": ("small_rgb", {"dim": 8, "width": 4, "sees": "differences", "frame_step": 3}, (64, 48)),
    "small_rgb motion": ("small_rgb", {"dim": 8, "width": 4, "sees": "motion"}, (64, 48)),
    "small_rgb none": ("small_rgb", {"dim": 8, "width": 4, "normalize": "none"}, (60, 40)),
    "efficientnet_lite": ("efficientnet_lite", {"side": 48}, (64, 40)),
    "efficientnet_lite shift": ("efficientnet_lite", {"temporal_shift": True, "side": 32, "motion": False}, (32, 32)),
    "hf": ("hf", {"config": VIT, "height": 32, "width": 32, "normalize": "window"}, (64, 48)),
    "hf shortest": ("hf", {"config": VIT, "height": 32, "width": 32, "shortest": 40, "resample": "bilinear"}, (64, 48)),
    "i3d_rgb": ("i3d_rgb", {"side": 32, "fit": "crop"}, (64, 48)),
    "i3d_rgb stretch": ("i3d_rgb", {"side": 48, "fit": "stretch", "normalize": "window"}, (64, 40)),
}


def saved_encoder(folder: Path, key: str) -> tuple[int, Clock]:
    name, options, size = RGB[key]
    torch.manual_seed(0)
    encoder, clock = ENCODERS[name](**options), Clock(15.0, 16, 16) if name == "i3d_rgb" else Clock(15.0, 8, 8)
    save_encoder(folder, encoder, EncoderSettings(clock, size))
    return encoder.dim, clock


def saved_bundle(folder: Path, filter: str, key: str) -> Path:
    dim, clock = saved_encoder(folder / ENCODER_FOLDER, key)
    settings = StreamSettings("rgb", filter, dim, ("walk", "sit", "drink"), clock, SMALL[filter])
    save_stream(folder, build_stream(settings), settings)
    return folder


def test_every_filter_and_every_rgb_encoder_is_tried() -> None:
    assert set(SMALL) == set(FILTERS)
    assert {name for name, _, _ in RGB.values()} == {n for n, one in ENCODERS.items() if one.modality == "rgb"}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_plain_filters_are_the_filters(name: str) -> None:
    torch.manual_seed(0)
    filter = FILTERS[name](6, **SMALL[name]).eval().requires_grad_(False)
    plain = PlainFilter(filter)
    for count in (*SNIPPETS, 3, 4, 5, 100):
        x = torch.randn(1, count, 6)
        whole, _ = filter(x, torch.ones(1, count, dtype=torch.bool))
        torch.testing.assert_close(plain(x), whole, rtol=0, atol=2e-6)


@pytest.mark.parametrize("key", sorted(RGB))
def test_encoders_of_bytes_are_the_encoders(tmp_path: Path, key: str) -> None:
    saved_encoder(tmp_path, key)
    loaded = load_encoder(tmp_path)
    (width, height), window = loaded.settings.size or (0, 0), loaded.settings.clock.window
    windows = np.random.default_rng(0).integers(0, 256, (3, window, height, width, 3), dtype=np.uint8)
    windows[1] //= 3
    expected = encode_windows(loaded.encoder, windows)
    with torch.inference_mode():
        found = EncoderGraph(loaded)(torch.from_numpy(windows)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * max(1.0, np.abs(expected).max()))


@pytest.mark.slow  # tracing and exporting two networks and both together
@pytest.mark.parametrize("filter", sorted(SMALL))
def test_every_filter_is_exported(tmp_path: Path, filter: str) -> None:
    found = export_bundle(saved_bundle(tmp_path / "model", filter, "small_rgb"), tmp_path / "out")
    assert set(found.differences) == set(SNIPPETS) and max(found.differences.values()) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("key", ["efficientnet_lite", "hf", "i3d_rgb", "small_rgb motion"])
def test_every_rgb_encoder_is_exported(tmp_path: Path, key: str) -> None:
    found = export_bundle(saved_bundle(tmp_path / "model", "linear", key), tmp_path / "out")
    assert max(found.differences.values()) < TOLERANCE
