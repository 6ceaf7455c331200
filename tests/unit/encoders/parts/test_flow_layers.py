"""What holds for every layer of optical flow: known displacements, flat places, light."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from augrgb.encoders.parts.inverse_search import inverse_search
from augrgb.encoders.parts.local_flow import local_flow
from support.moving_textures import moved

FlowLayer = Callable[..., Tensor]


@pytest.fixture(params=[local_flow, inverse_search])
def flow_of(request: pytest.FixtureRequest) -> FlowLayer:
    layer: FlowLayer = request.param
    return layer


@pytest.mark.parametrize(("right", "down"), [(0, 0), (1, 0), (0, -2), (2, 1), (-3, 3)])
def test_known_displacements(flow_of: FlowLayer, right: int, down: int) -> None:
    flow = flow_of(moved(right, down))
    assert flow.shape == (1, 3, 48, 64, 2)
    middle = flow[:, :, 12:-12, 12:-12]
    assert (middle.mean(dim=(0, 1, 2, 3)) - torch.tensor([right, down])).abs().max() < 0.25
    assert torch.equal(flow[:, -1], flow[:, -2])


def test_nothing_is_seen_in_flat_places_and_in_one_image(flow_of: FlowLayer) -> None:
    assert flow_of(torch.full((2, 4, 48, 64, 3), 0.7)).abs().max() == 0
    assert flow_of(torch.rand(2, 1, 48, 64, 3)).abs().max() == 0
    assert flow_of(torch.rand(2, 1, 48, 64, 3)).shape == (2, 1, 48, 64, 2)


def test_a_still_scene_has_no_flow_whatever_it_shows(flow_of: FlowLayer) -> None:
    scene = torch.rand(3, 1, 48, 64, 3, generator=torch.Generator().manual_seed(1)).expand(-1, 4, -1, -1, -1)
    assert flow_of(scene).abs().max() < 1e-5


def test_light_that_is_added_everywhere_and_windows_beside_change_nothing(flow_of: FlowLayer) -> None:
    x = moved(2, 1)
    torch.testing.assert_close(flow_of(x + 0.5), flow_of(x), atol=1e-4, rtol=0)
    other = moved(-1, 0)
    torch.testing.assert_close(flow_of(torch.cat([other, x]))[1:], flow_of(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (30, 40)])
def test_small_and_odd_images(flow_of: FlowLayer, size: tuple[int, int]) -> None:
    flow = flow_of(torch.rand(2, 3, *size, 3))
    assert flow.shape == (2, 3, *size, 2) and torch.isfinite(flow).all()


def test_gradients_pass_only_when_asked_for(flow_of: FlowLayer) -> None:
    x = moved(1, 0).clone().requires_grad_()
    assert not flow_of(x).requires_grad
    flow_of(x, gradients=True).square().mean().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all() and x.grad.abs().max() > 0
