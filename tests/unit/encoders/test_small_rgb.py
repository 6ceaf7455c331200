"""What `small_rgb` can and cannot see, by its option `sees`."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch

from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock
from augrgb.encoders.files import EncoderSettings, load_encoder, save_encoder
from augrgb.encoders.parts.inverse_search import inverse_search
from augrgb.encoders.small_flow import SmallFlow
from augrgb.encoders.small_rgb import SmallRGB
from augrgb.encoders.snippet_encoder import encode_windows

LAYERS: Any = ["inverse_search", "lucas_kanade"]
SEES: Any = ["both", "differences", "motion", "motion_and_differences", "apart"]


def windows(count: int = 3, still: bool = False) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (count, 1 if still else 8, 48, 64, 3), dtype=np.uint8)
    return np.repeat(x, 8, axis=1) if still else x


def built(sees: Any, **options: Any) -> SmallRGB:
    torch.manual_seed(0)
    return SmallRGB(dim=16, width=8, sees=sees, **options).eval()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("sees", ["differences", "motion", "motion_and_differences"])
def test_still_scenes_are_all_the_same_to_what_sees_only_change(sees: Any, layer: Any) -> None:
    encoder = built(sees, flow_layer=layer)
    features = encode_windows(encoder, windows(still=True))
    np.testing.assert_allclose(features, np.broadcast_to(features[:1], features.shape), atol=1e-4)
    assert np.ptp(encode_windows(encoder, windows()), axis=0).max() > 1e-3


@pytest.mark.parametrize("sees", ["both", "apart"])
def test_the_others_tell_still_scenes_apart(sees: Any) -> None:
    assert np.ptp(encode_windows(built(sees), windows(still=True)), axis=0).max() > 1e-3


def test_apart_keeps_the_two_networks_apart() -> None:
    encoder = built("apart")
    moving = encode_windows(encoder, windows(still=True))[:, 8:]
    np.testing.assert_allclose(moving, np.broadcast_to(moving[:1], moving.shape), atol=1e-4)
    x = encoder.prepare(windows(64))
    hidden = built("apart", hide_scene=0.75).train()(x)[:, :8].abs().sum(dim=1) == 0
    assert 0.5 < hidden.float().mean() < 0.95
    assert (encoder(x)[:, :8].abs().sum(dim=1) > 0).all()  # never at test time


@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_it_sees_flow_as_the_flow_encoder_does(length: int) -> None:
    """The same weights on the layer's flow, rounded as flow files are, give the same features but for the rounding."""
    scene = cv2.GaussianBlur(windows()[:1, 0].repeat(2, axis=2)[0].astype(np.float32), (0, 0), 3)
    frames = np.stack([np.roll(scene, 3 * t, axis=1)[:, 16:80] for t in range(length)])[None]
    student, teacher = built("motion"), SmallFlow(dim=16, width=8).eval()
    teacher.load_state_dict(student.state_dict())
    prepared = student.prepare(frames.astype(np.uint8))
    flow = inverse_search(prepared).mul(16).round().clamp(-127, 127).to(torch.int8).numpy()
    with torch.no_grad():
        wanted, found = teacher(teacher.prepare(flow)), student(prepared)
    assert (found - wanted).abs().max() < 0.1


def test_folders_from_before_the_choice_of_layers_keep_theirs(tmp_path: Any) -> None:
    encoder = built("motion", flow_layer="lucas_kanade")
    del encoder.options["flow_layer"]
    save_encoder(tmp_path / "e", encoder, EncoderSettings(Clock(15, 8, 8), (64, 48)))
    loaded = load_encoder(tmp_path / "e").encoder
    assert isinstance(loaded, SmallRGB) and loaded.flow_layer == "lucas_kanade"
    assert list(loaded.frames_read(8)) == [0, 2, 4, 6]
    np.testing.assert_array_equal(encode_windows(loaded, windows()), encode_windows(encoder, windows()))


@pytest.mark.parametrize("sees", SEES)
def test_folders_and_gradients(sees: Any, tmp_path: Any) -> None:
    encoder = built(sees)
    save_encoder(tmp_path / "e", encoder, EncoderSettings(Clock(15, 8, 8), (64, 48)))
    loaded = load_encoder(tmp_path / "e").encoder
    assert loaded.options == encoder.options
    np.testing.assert_array_equal(encode_windows(loaded, windows()), encode_windows(encoder, windows()))
    encoder.train()(encoder.prepare(windows())).square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in encoder.parameters())


def test_options_that_make_no_sense() -> None:
    for options in ({"sees": "apart", "dim": 15}, {"sees": "apart", "hide_scene": 1.0}):
        with pytest.raises(UsageFault, match="E-CFG-003"):
            SmallRGB(**options)
