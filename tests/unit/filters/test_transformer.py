"""Windowed attention against a dense reading of the same equation, and its memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from augrgb.core.errors import UsageFault
from augrgb.filters import Transformer
from augrgb.filters.transformer import window_attention


def dense(qkv: Any, mask: Any, bias: Any) -> Any:
    """All pairs, then a mask."""
    heads, r = len(bias), bias.shape[1] // 2
    B, T, _ = qkv.shape
    q, k, v = (part.reshape(B, T, heads, -1).transpose(1, 2) for part in qkv.chunk(3, -1))
    distance = torch.arange(T) - torch.arange(T)[:, None]
    logits = q @ k.mT / q.shape[-1] ** 0.5 + bias[:, (distance + r).clamp(0, 2 * r)]
    far = (distance.abs() > r) | ~mask[:, None, None]
    return (logits.masked_fill(far, -torch.inf).softmax(-1) @ v).transpose(1, 2).reshape(B, T, -1)


@pytest.mark.parametrize(("T", "r"), [(1, 1), (7, 1), (8, 3), (9, 3), (10, 3), (4, 9), (12, 4)])
def test_windows_equal_the_dense_reading(T: Any, r: Any) -> None:
    torch.manual_seed(T)
    qkv, bias = torch.randn(2, T, 3 * 8, requires_grad=True), torch.randn(2, 2 * r + 1, requires_grad=True)
    mask = torch.ones(2, T, dtype=torch.bool)
    mask[1, max(1, T - r) :] = False
    ours, theirs = window_attention(qkv, mask, bias)[mask], dense(qkv, mask, bias)[mask]
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), (qkv, bias)) for y in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_hand_worked_pair() -> None:
    # query 1, keys 0 and ln 3: weights 1/4 and 3/4 on the values 4 and 8
    qkv = torch.zeros(1, 2, 3)
    qkv[0, 0, 0] = 1.0
    qkv[0, :, 1] = torch.tensor([0.0, torch.log(torch.tensor(3.0))])
    qkv[0, :, 2] = torch.tensor([4.0, 8.0])
    out = window_attention(qkv, torch.ones(1, 2, dtype=torch.bool), torch.zeros(1, 3))
    assert out[0, 0].item() == pytest.approx(7.0)


def test_a_padded_query_without_keys_is_finite() -> None:
    mask = torch.zeros(1, 9, dtype=torch.bool)
    mask[0, 0] = True
    net = Transformer(3, layers=1, width=4, heads=1, radius=2)
    x = torch.randn(1, 9, 3)
    features, _ = net(x, mask)
    features.sum().backward()
    assert torch.isfinite(features).all() and all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_reach_is_used_to_its_ends() -> None:
    torch.manual_seed(0)
    net = Transformer(3, layers=2, width=4, heads=1, radius=3).eval()
    assert net.reach == 6
    x = torch.randn(1, 30, 3, requires_grad=True)
    net(x, torch.ones(1, 30, dtype=torch.bool))[0][0, 15].square().sum().backward()
    seen = (x.grad[0].abs().sum(-1) > 0).nonzero().flatten()
    assert seen[0] == 9 and seen[-1] == 21


def test_nothing_of_size_t_squared_is_kept() -> None:
    net = Transformer(3, layers=1, width=4, heads=1, radius=2)
    sizes = []
    T = 3000
    with torch.autograd.graph.saved_tensors_hooks(lambda x: sizes.append(x.numel()) or x, lambda x: x):
        net(torch.randn(1, T, 3), torch.ones(1, T, dtype=torch.bool))
    assert max(sizes) <= 16 * T


def test_the_order_of_a_batch_does_not_matter() -> None:
    torch.manual_seed(0)
    net = Transformer(3, width=4, heads=2, radius=2).eval()
    x, mask = torch.randn(3, 11, 3), torch.arange(11) < torch.tensor([4, 11, 7])[:, None]
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(net(x[order], mask[order])[0], net(x, mask)[0][order], atol=1e-6, rtol=1e-5)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(UsageFault, match=r"transformer\.width"):
        Transformer(3, width=10, heads=4)
    with pytest.raises(UsageFault, match=r"transformer\.radius"):
        Transformer(3, radius=0)
