"""Dense inverse search inside a network: every patch is near, parts of pixels, and what OpenCV finds."""

from __future__ import annotations

import cv2
import pytest
import torch
import torch.nn.functional as F

from augrgb.encoders.parts.inverse_search import inverse_search
from support.moving_textures import moved, texture


@pytest.mark.parametrize(("right", "down"), [(0, 0), (1, 0), (0, -2), (2, 1), (-3, 3)])
def test_every_pixel_is_near(right: int, down: int) -> None:
    middle = inverse_search(moved(right, down))[:, :, 12:-12, 12:-12]
    assert (middle - torch.tensor([right, down])).abs().max() < 1


def test_half_a_pixel() -> None:
    """A texture seen at half its size moves by half of what it moved."""
    x = moved(1, -1, 3).mean(dim=-1)
    small = F.avg_pool2d(x, 2)[..., None]
    flow = inverse_search(small, finest=0)[:, :, 6:-6, 8:-8]
    assert (flow.mean(dim=(0, 1, 2, 3)) - torch.tensor([0.5, -0.5])).abs().max() < 0.1


def test_finer_is_closer_and_both_agree_with_opencv() -> None:
    """A square of a texture that moves over another one, with noise."""
    generator = torch.Generator().manual_seed(2)
    scene, figure = texture()[8:56, 8:72], texture(40, 40)[:20, :16]
    frames = []
    for t in range(4):
        frame = scene.clone()
        frame[12 + t : 32 + t, 16 + 2 * t : 32 + 2 * t] = figure
        frames.append(frame + 0.05 * torch.randn(48, 64, generator=generator))
    x = torch.stack(frames)[None, ..., None]
    gray = (x[0, ..., 0] * 40 + 120).clamp(0, 255).byte().numpy()
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    search.setFinestScale(0)
    wanted = torch.stack([torch.from_numpy(search.calc(gray[t], gray[t + 1], None)) for t in range(3)])
    errors = [
        (inverse_search(x, finest=finest)[0, :3] - wanted).square().mean() / wanted.square().mean() for finest in (0, 1)
    ]
    assert errors[0] < 0.3 and errors[1] < 0.5
