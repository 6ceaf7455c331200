"""Flow inside a network: known displacements, flat places, light."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from augrgb.encoders.parts.local_flow import local_flow


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
    flow = local_flow(moved(right, down))
    assert flow.shape == (1, 3, 48, 64, 2)
    middle = flow[:, :, 12:-12, 12:-12]
    assert (middle.mean(dim=(0, 1, 2, 3)) - torch.tensor([right, down])).abs().max() < 0.25
    assert torch.equal(flow[:, -1], flow[:, -2])


def test_nothing_is_seen_in_flat_places_and_in_one_image() -> None:
    assert local_flow(torch.full((2, 4, 48, 64, 3), 0.7)).abs().max() == 0
    assert local_flow(torch.rand(2, 1, 48, 64, 3)).abs().max() == 0
    assert local_flow(torch.rand(2, 1, 48, 64, 3)).shape == (2, 1, 48, 64, 2)


def test_a_still_scene_has_no_flow_whatever_it_shows() -> None:
    scene = torch.rand(3, 1, 48, 64, 3, generator=torch.Generator().manual_seed(1)).expand(-1, 4, -1, -1, -1)
    assert local_flow(scene).abs().max() < 1e-5


def test_light_that_is_added_everywhere_and_windows_beside_change_nothing() -> None:
    x = moved(2, 1)
    torch.testing.assert_close(local_flow(x + 0.5), local_flow(x), atol=1e-4, rtol=0)
    other = moved(-1, 0)
    torch.testing.assert_close(local_flow(torch.cat([other, x]))[1:], local_flow(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (30, 40)])
def test_small_and_odd_images(size: tuple[int, int]) -> None:
    flow = local_flow(torch.rand(2, 3, *size, 3))
    assert flow.shape == (2, 3, *size, 2) and torch.isfinite(flow).all()


def test_gradients_pass_only_when_asked_for() -> None:
    x = moved(1, 0).clone().requires_grad_()
    assert not local_flow(x).requires_grad
    local_flow(x, gradients=True).square().mean().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all() and x.grad.abs().max() > 0
