"""The encoder `efficientnet_lite`, and brightness taken out of windows."""

from __future__ import annotations

import numpy as np
import torch

from augrgb.encoders.efficientnet_lite import EfficientNetLite
from augrgb.encoders.parts.brightness import standardized


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
