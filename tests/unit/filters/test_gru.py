"""The recurrent filter against its equations, one snippet at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from augrgb.core.errors import UsageFault
from augrgb.filters import Gru


def direction(layer: Any, x: Any) -> Any:
    """One direction over (T, C), one step at a time."""
    w_x, w_h, b_x, b_h = (getattr(layer, f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    h, out = torch.zeros(layer.hidden_size), []
    for row in x:
        r_x, z_x, n_x = (w_x @ row + b_x).chunk(3)
        r_h, z_h, n_h = (w_h @ h + b_h).chunk(3)
        z = torch.sigmoid(z_x + z_h)
        h = (1 - z) * torch.tanh(n_x + torch.sigmoid(r_x + r_h) * n_h) + z * h
        out.append(h)
    return torch.stack(out)


def test_both_directions_equal_their_equations() -> None:
    torch.manual_seed(0)
    net = Gru(3, layers=2, width=6).eval()
    x = torch.randn(7, 3)
    with torch.no_grad():
        y = x
        for forward, backward in net.layers:
            y = torch.cat([direction(forward, y), direction(backward, y.flip(0)).flip(0)], -1)  # type: ignore[has-type]
        padded = torch.cat([x, torch.randn(4, 3)])[None].repeat(2, 1, 1)
        mask = torch.arange(11) < torch.tensor([7, 11])[:, None]
        torch.testing.assert_close(net(padded, mask)[0][0, :7], y, atol=1e-6, rtol=1e-5)


def test_gaps_are_skipped_and_empty_videos_stay_zero() -> None:
    torch.manual_seed(0)
    net = Gru(3, layers=1, width=4).eval()
    x = torch.randn(2, 6, 3)
    mask = torch.tensor([[False, True, True, False, True, True], [False] * 6])
    features, _ = net(x, mask)
    short, _ = net(x[:1, mask[0]], torch.ones(1, 4, dtype=torch.bool))
    torch.testing.assert_close(features[0, mask[0]], short[0], atol=1e-6, rtol=1e-5)
    assert features[~mask].abs().max() == 0


def test_the_order_of_a_batch_does_not_matter() -> None:
    torch.manual_seed(0)
    net = Gru(3, width=4).eval()
    x, mask = torch.randn(3, 11, 3), torch.arange(11) < torch.tensor([4, 11, 7])[:, None]
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(net(x[order], mask[order])[0], net(x, mask)[0][order], atol=1e-6, rtol=1e-5)


def test_every_snippet_sees_the_whole_video() -> None:
    net = Gru(3, layers=1, width=4).eval()
    assert net.reach is None
    x = torch.randn(1, 12, 3, requires_grad=True)
    net(x, torch.ones(1, 12, dtype=torch.bool))[0][0, 5].sum().backward()
    assert (x.grad[0].abs().sum(-1) > 0).all()


def test_wrong_options_are_refused() -> None:
    with pytest.raises(UsageFault, match=r"gru\.width"):
        Gru(3, width=5)
    with pytest.raises(UsageFault, match=r"gru\.layers"):
        Gru(3, layers=0)
