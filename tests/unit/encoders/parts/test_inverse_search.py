"""Dense inverse search inside a network: known displacements, flat places, light, and what OpenCV finds."""

from __future__ import annotations

import cv2
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from augrgb.encoders.parts.inverse_search import inverse_search


def texture(height: int = 64, width: int = 80) -> Tensor:
    """A smooth random image (H, W), about unit standard deviation."""
    noise = torch.randn(1, 1, height // 4, width // 4, generator=torch.Generator().manual_seed(0))
    image = F.interpolate(noise, size=(height, width), mode="bicubic", align_corners=False)[0, 0]
    return (image - image.mean()) / image.std()


def moved(right: int, down: int, frames: int = 3) -> Tensor:
    """A window (1, frames, 48, 64, 3) cut from a texture that moves by whole pixels."""
    image = texture()
    cuts = [image[8 - down * t : 56 - down * t, 8 - right * t : 72 - right * t] for t in range(frames)]
    return torch.stack(cuts)[None, ..., None].expand(-1, -1, -1, -1, 3)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (1, 0), (0, -2), (2, 1), (-3, 3)])
def test_known_displacements(right: int, down: int) -> None:
    flow = inverse_search(moved(right, down))
    assert flow.shape == (1, 3, 48, 64, 2)
    middle = flow[:, :, 12:-12, 12:-12]
    assert (middle.mean(dim=(0, 1, 2, 3)) - torch.tensor([right, down])).abs().max() < 0.25
    assert (middle - torch.tensor([right, down])).abs().max() < 1
    assert torch.equal(flow[:, -1], flow[:, -2])


def test_nothing_is_seen_in_flat_places_and_in_one_image() -> None:
    assert inverse_search(torch.full((2, 4, 48, 64, 3), 0.7)).abs().max() == 0
    assert inverse_search(torch.rand(2, 1, 48, 64, 3)).abs().max() == 0
    assert inverse_search(torch.rand(2, 1, 48, 64, 3)).shape == (2, 1, 48, 64, 2)


def test_a_still_scene_has_no_flow_whatever_it_shows() -> None:
    scene = torch.rand(3, 1, 48, 64, 3, generator=torch.Generator().manual_seed(1)).expand(-1, 4, -1, -1, -1)
    assert inverse_search(scene).abs().max() < 1e-5


def test_light_that_is_added_everywhere_and_windows_beside_change_nothing() -> None:
    x = moved(2, 1)
    torch.testing.assert_close(inverse_search(x + 0.5), inverse_search(x), atol=1e-4, rtol=0)
    other = moved(-1, 0)
    torch.testing.assert_close(inverse_search(torch.cat([other, x]))[1:], inverse_search(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (30, 40)])
def test_small_and_odd_images(size: tuple[int, int]) -> None:
    flow = inverse_search(torch.rand(2, 3, *size, 3))
    assert flow.shape == (2, 3, *size, 2) and torch.isfinite(flow).all()


def test_gradients_pass_only_when_asked_for() -> None:
    x = moved(1, 0).clone().requires_grad_()
    assert not inverse_search(x).requires_grad
    inverse_search(x, gradients=True).square().mean().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all() and x.grad.abs().max() > 0


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
