"""Temporal Gaussian mixtures against loops over their equations."""

from __future__ import annotations

import math

import pytest
import torch

from augrgb.core.errors import UsageFault
from augrgb.filters import Tgm
from augrgb.filters.tgm import gaussian_kernels


def test_gaussians_equal_the_equation() -> None:
    center, spread = torch.tensor([0.0, 0.4, -3.0]), torch.tensor([0.0, -0.3, 9.0])
    ours = gaussian_kernels(center, spread, 7)
    for m in range(3):
        mean = 0.5 * 6 * (math.tanh(center[m]) + 1)
        sigma = math.exp(1 - 2 * abs(math.tanh(spread[m])))
        values = [math.exp(-((tap - mean) ** 2) / (2 * sigma**2)) for tap in range(7)]
        assert ours[m].tolist() == pytest.approx([v / sum(values) for v in values], rel=1e-4, abs=1e-7)
    assert ours[0].argmax() == 3, "a center of 0 is the middle"


def test_a_filter_equals_a_loop_over_maps_and_taps() -> None:
    torch.manual_seed(0)
    net = Tgm(2, layers=2, width=3, maps=2, gaussians=3, length=3).eval()
    x = torch.randn(1, 6, 2)
    maps = [x[0].T]  # each (C, T)
    with torch.no_grad():
        for layer in net.layers:
            layer.bias.fill_(0.1)
            kernels, after = layer.kernels(), []
            assert torch.allclose(kernels.sum(-1), torch.ones(()))
            for j in range(len(layer.bias)):
                total = torch.full((2, 6), 0.1)
                for i, one in enumerate(maps):
                    for t in range(6):
                        for tap in range(3):
                            if 0 <= t + tap - 1 < 6:
                                weight = layer.combine[j, i] * kernels[j, i, tap]
                                total[:, t] += weight * one[:, t + tap - 1]
                after.append(total.relu())
            maps = after
        expected = net.leave(torch.cat([x[0], maps[0].T], -1)).relu()
        torch.testing.assert_close(net(x, torch.ones(1, 6, dtype=torch.bool))[0][0], expected)


def test_few_parameters_whatever_the_length() -> None:
    counts = {length: sum(p.numel() for p in Tgm(4, width=4, length=length).parameters()) for length in (5, 31)}
    assert counts[5] == counts[31]


def test_reach_is_used_to_its_ends() -> None:
    torch.manual_seed(0)
    net = Tgm(3, layers=2, width=4, length=5).double().eval()
    for layer in net.layers:
        layer.spread.data.zero_()  # wide, so that the outermost taps count
        layer.bias.data.fill_(10.0)  # nothing is rectified away
    net.leave.bias.data.fill_(100.0)
    assert net.reach == 4
    x = torch.randn(1, 21, 3, requires_grad=True, dtype=torch.float64)
    net(x, torch.ones(1, 21, dtype=torch.bool))[0][0, 10].sum().backward()
    seen = (x.grad[0].abs().sum(-1) > 0).nonzero().flatten()
    assert seen[0] == 6 and seen[-1] == 14


def test_the_order_of_a_batch_does_not_matter() -> None:
    torch.manual_seed(0)
    net = Tgm(3, width=4, length=5).eval()
    x, mask = torch.randn(3, 11, 3), torch.arange(11) < torch.tensor([4, 11, 7])[:, None]
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(net(x[order], mask[order])[0], net(x, mask)[0][order], atol=1e-6, rtol=1e-5)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(UsageFault, match=r"tgm\.length"):
        Tgm(3, length=4)
    with pytest.raises(UsageFault, match=r"tgm\.layers"):
        Tgm(3, layers=0)
