"""MS-TCT: lengths, gaps, stretching; the published numbers are held by tests/parity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock
from augrgb.filters import MsTct
from augrgb.filters.ms_tct import _stretch
from augrgb.streams import StreamSettings, build_stream, load_stream, save_stream


def small(**options: Any) -> MsTct:
    torch.manual_seed(0)
    return MsTct(5, **{"width": 6, "stages": (8, 8, 12, 8), "heads": 2, "blocks": 1, "expansion": 2} | options)


@pytest.mark.parametrize(("T", "S"), [(8, 4), (7, 4), (7, 2), (5, 1), (1, 1), (9, 9)])
def test_stretching_a_whole_map_is_linear_interpolation(T: Any, S: Any) -> None:
    coarse = torch.randn(2, S, 3)
    ours = _stretch(coarse, torch.ones(2, S, dtype=torch.bool), torch.ones(2, T, dtype=torch.bool))
    expected = F.interpolate(coarse.mT, T, mode="linear", align_corners=False).mT
    torch.testing.assert_close(ours, expected)


def test_stretching_does_not_see_padding() -> None:
    coarse = torch.tensor([[[0.0], [4.0], [100.0]]])  # two real cells, four real snippets
    real, mask = torch.tensor([[True, True, False]]), torch.tensor([[True] * 4 + [False] * 2])
    assert _stretch(coarse, real, mask)[0, :, 0].tolist() == [0.0, 1.0, 3.0, 4.0, 0.0, 0.0]


def test_a_cell_that_is_missing_gives_its_weight_away() -> None:
    coarse = torch.tensor([[[2.0], [float(10**6)], [5.0]]])
    real = torch.tensor([[True, False, True]])
    out = _stretch(coarse, real, torch.ones(1, 6, dtype=torch.bool))[0, :, 0]
    assert out.tolist() == [2.0, 2.0, 2.0, 5.0, 5.0, 5.0]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 13])
def test_every_length_alone_equals_the_same_video_in_a_long_batch(length: Any) -> None:
    net = small().eval()
    x = torch.randn(2, 29, 5)
    mask = torch.arange(29) < torch.tensor([29, length])[:, None]
    batched, hidden = net(x, mask)
    alone, hidden_alone = net(x[1:, :length], mask[1:, :length])
    torch.testing.assert_close(batched[1:, :length], alone, atol=1e-6, rtol=1e-5)
    assert len(hidden) == 4
    for part, whole in zip(hidden_alone, hidden, strict=True):
        torch.testing.assert_close(whole[1:, :length], part, atol=1e-6, rtol=1e-5)
        assert whole[1:, length:].abs().max() == 0 if length < 29 else True


def test_values_in_a_gap_or_an_empty_video_are_never_seen() -> None:
    net = small()
    net.dropout.p = 0.0
    x = torch.randn(2, 12, 5)
    mask = torch.ones(2, 12, dtype=torch.bool)
    mask[0, 3:7] = False
    mask[1] = False
    other = torch.where(mask[..., None], x, 1e3)
    features, _ = net(x, mask)
    torch.testing.assert_close(net(other, mask)[0], features)
    assert features[1].abs().max() == 0
    features.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_the_order_of_a_batch_does_not_matter() -> None:
    net = small().eval()
    x, mask = torch.randn(3, 11, 5), torch.arange(11) < torch.tensor([11, 4, 7])[:, None]
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(net(x[order], mask[order])[0], net(x, mask)[0][order], atol=1e-6, rtol=1e-5)


def test_every_snippet_sees_the_whole_video() -> None:
    net = small().eval()
    assert net.reach is None
    x = torch.randn(1, 40, 5, requires_grad=True)
    net(x, torch.ones(1, 40, dtype=torch.bool))[0][0, 0].sum().backward()
    assert (x.grad[0].abs().sum(-1) > 0).all()


def test_heads_must_divide_the_stages() -> None:
    with pytest.raises(UsageFault, match=r"E-CFG-003 ms_tct\.stages: .* multiples of 3 heads"):
        small(heads=3)


def test_a_stream_file_keeps_the_stages(tmp_path: Path) -> None:
    options = {"width": 6, "stages": [8, 8, 12, 8], "heads": 2, "blocks": 1}  # a list, as recipes give it
    settings = StreamSettings("rgb", "ms_tct", 5, ("a", "b"), Clock(16.0, 16, 16), options)
    stream = build_stream(settings).eval()
    save_stream(tmp_path, stream, settings)
    x, mask = torch.randn(1, 9, 5), torch.ones(1, 9, dtype=torch.bool)
    assert torch.equal(load_stream(tmp_path).stream(x, mask).logits, stream(x, mask).logits)
