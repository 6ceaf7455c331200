"""PDAN's attention against a loop over its equation, and its cost."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from augrgb.filters import Pdan
from augrgb.filters.parts import tap_attention


def loop(qkv: Any, rel: Any, d: Any) -> Any:
    """The equation, one number at a time."""
    B, T, C3 = qkv.shape
    q, k, v = qkv.double().chunk(3, -1)
    out = torch.zeros(B, T, C3 // 3, dtype=torch.float64)
    for b in range(B):
        for t in range(T):
            for c in range(C3 // 3):
                logits, values = [], []
                for i in range(3):
                    s = t + (i - 1) * d
                    inside = 0 <= s < T
                    logits.append(float(q[b, t, c] * k[b, s, c]) if inside else 0.0)
                    values.append((float(v[b, s, c]) if inside else 0.0) + float(rel[i, c]))
                top = max(logits)
                weights = [math.exp(x - top) for x in logits]
                mean = sum(w * x for w, x in zip(weights, values, strict=True)) / sum(weights)
                out[b, t, c] = max(0.0, mean)
    return out


@pytest.mark.parametrize(("T", "d"), [(9, 1), (9, 4), (9, 5), (9, 9), (5, 16), (1, 1), (2, 1)])
def test_attention_equals_the_loop(T: Any, d: Any) -> None:
    torch.manual_seed(T + d)
    qkv, rel = torch.randn(2, T, 12), torch.randn(3, 4)
    torch.testing.assert_close(tap_attention.tap_attention(qkv, rel, d), loop(qkv, rel, d).float())


@pytest.mark.parametrize(("T", "d", "piece"), [(7, 2, 1), (7, 2, 10**6), (3, 4, 1), (1, 1, 1)])
def test_gradients_are_those_of_finite_differences(T: Any, d: Any, piece: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap_attention, "PIECE_BYTES", piece)
    torch.manual_seed(0)
    qkv = torch.randn(2, T, 6, dtype=torch.float64, requires_grad=True)
    rel = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: tap_attention.tap_attention(a, b, d), (qkv, rel))


def test_pieces_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    qkv, rel = torch.randn(2, 50, 24), torch.randn(3, 8)
    whole = tap_attention.tap_attention(qkv, rel, 4)
    monkeypatch.setattr(tap_attention, "PIECE_BYTES", 7 * 2 * 8 * 4)
    assert torch.equal(tap_attention.tap_attention(qkv, rel, 4), whole)


def test_hand_worked_middle_snippet() -> None:
    # one channel, q = ln 2 at t = 1, keys 0, 1, 2: weights 1/7, 2/7, 4/7; values 7, 7, 7 plus terms 0, 0, 7
    qkv = torch.zeros(1, 3, 3)
    qkv[0, 1, 0] = math.log(2)
    qkv[0, :, 1] = torch.tensor([0.0, 1.0, 2.0])
    qkv[0, :, 2] = 7.0
    out = tap_attention.tap_attention(qkv, torch.tensor([[0.0], [0.0], [7.0]]), 1)
    assert out[0, 1, 0].item() == pytest.approx(7 + 4)


def test_large_products_do_not_overflow() -> None:
    qkv = torch.full((1, 4, 3), 1e4, requires_grad=True)
    out = tap_attention.tap_attention(qkv, torch.zeros(3, 1), 1)
    out.sum().backward()
    assert torch.isfinite(out).all() and torch.isfinite(qkv.grad).all()


def test_only_the_projection_is_kept_for_the_backward_pass() -> None:
    saved = []
    qkv, rel = torch.randn(1, 64, 24, requires_grad=True), torch.randn(3, 8, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x.numel()) or x, lambda x: x):
        tap_attention.tap_attention(qkv, rel, 1)
    assert sum(saved) == qkv.numel() + rel.numel()


def test_the_order_of_a_batch_does_not_matter_and_dropout_acts_in_training_only() -> None:
    torch.manual_seed(0)
    net = Pdan(6, width=8, layers=3)
    x = torch.randn(3, 11, 6)
    mask = torch.arange(11) < torch.tensor([11, 4, 7])[:, None]
    assert net.reach == 7
    assert not torch.equal(net(x, mask)[0], net(x, mask)[0])
    net.eval()
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(net(x[order], mask[order])[0], net(x, mask)[0][order], atol=1e-6, rtol=0)


def test_a_gap_is_like_the_end_of_the_video() -> None:
    torch.manual_seed(0)
    net = Pdan(6, width=8, layers=1).eval()
    x = torch.randn(1, 6, 6)
    mask = torch.tensor([[True, True, False, True, True, True]])
    torch.testing.assert_close(net(x, mask)[0][:, :2], net(x[:, :2], mask[:, :2])[0])


def test_training_under_autocast_is_finite() -> None:
    net = Pdan(6, width=8, layers=2)
    with torch.autocast("cpu", torch.bfloat16):
        features, _ = net(torch.randn(1, 5, 6), torch.ones(1, 5, dtype=torch.bool))
    features.float().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())
