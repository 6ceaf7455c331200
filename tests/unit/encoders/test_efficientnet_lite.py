"""The encoder `efficientnet_lite`, and brightness taken out of windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from augrgb.core.errors import AugrgbError
from augrgb.encoders.efficientnet_lite import EfficientNetLite
from augrgb.encoders.parts.brightness import relit, standardized
from augrgb.encoders.small_rgb import SmallRGB
from augrgb.recipe import EncoderRecipe
from augrgb.recipe.encoder_schema import AugmentSection
from augrgb.recipe.load import check_recipe
from augrgb.training.encoder_start import freeze


def windows(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 190, (count, 8, 40, 48, 3), np.uint8)


def test_plain_and_fast_reading_are_equal_also_with_temporal_shift() -> None:
    torch.manual_seed(0)
    encoder = EfficientNetLite(side=64, temporal_shift=True).eval()
    x = encoder.prepare(windows())
    with torch.no_grad():
        fast = encoder(x)
        encoder.fast = False
        plain = encoder(x)
    assert fast.shape == (2, 2560)
    torch.testing.assert_close(fast, plain, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("frozen", [[], ["net.stem.*"], ["net.stem.*", "net.blocks.[0-9].*"]])
def test_frozen_layers_are_read_fast_and_the_others_learn_the_same(frozen: list[str]) -> None:
    torch.manual_seed(0)
    encoder = EfficientNetLite(side=64, temporal_shift=True)
    freeze(encoder, frozen)
    gradients = []
    for fast in (True, False):
        encoder.fast = fast
        encoder.zero_grad()
        encoder(encoder.prepare(windows())).square().mean().backward()
        gradients.append({name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys() and "net.head.conv.weight" in gradients[0]
    assert ("net.stem.conv.weight" in gradients[0]) == (not frozen)
    for name, found in gradients[0].items():
        torch.testing.assert_close(found, gradients[1][name], atol=1e-5, rtol=1e-3)


def test_a_still_window_has_no_motion() -> None:
    torch.manual_seed(0)
    encoder = EfficientNetLite(side=64).eval()
    still = np.repeat(windows()[:, :1], 8, axis=1)
    with torch.no_grad():
        features = encoder(encoder.prepare(still))
    assert features[:, :1280].abs().max() > 0
    assert features[:, 1280:].abs().max() < 1e-5


def test_normalized_windows_do_not_depend_on_brightness_and_contrast() -> None:
    bright = windows()
    dark = (bright // 4 + 3).astype(np.uint8)
    torch.testing.assert_close(standardized(dark, "window"), standardized(bright, "window"), atol=0.05, rtol=0)
    assert (standardized(dark, "none") - standardized(bright, "none")).abs().mean() > 1


def test_relit_windows_are_images_of_usual_brightness() -> None:
    dark = (windows() // 6).astype(np.uint8)
    lit = relit(dark, "window")
    assert lit.dtype == np.uint8 and abs(lit.mean() - 115) < 5 and 50 < lit.std() < 70
    assert relit(dark, "none") is dark


def test_differences_do_not_show_the_still_scene() -> None:
    torch.manual_seed(0)
    encoder = SmallRGB(dim=8, width=4, sees="differences", normalize="none").eval()
    x = encoder.prepare(windows())
    scene = torch.rand(2, 1, 40, 48, 3)
    with torch.no_grad():
        torch.testing.assert_close(encoder(x + scene), encoder(x), atol=1e-4, rtol=1e-4)


def test_scene_is_a_name_of_changes() -> None:
    recipe = check_recipe({"data": {"dataset": "d"}, "encoder": {"small_rgb": {}}, "augment": "scene"}, EncoderRecipe)
    assert isinstance(recipe.augment, AugmentSection) and recipe.augment.background == recipe.augment.blur == 1
    with pytest.raises(AugrgbError, match="augment"):
        check_recipe({"data": {"dataset": "d"}, "encoder": {"small_rgb": {}}, "augment": "places"}, EncoderRecipe)
