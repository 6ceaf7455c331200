"""Every temporal filter, the moment it is imported."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from augrgb.core.catalog import options_model
from augrgb.core.dropout import Rows, set_rows
from augrgb.core.errors import UsageFault
from augrgb.filters import FILTERS, SdTcn, ShardedDropout
from augrgb.streams import Stream, filter_sequence

SMALL = {
    "width": 8,
    "stages": (8, 8, 12, 8),
    "heads": 2,
    "blocks": 1,
    "channels": (6, 8),
    "maps": 3,
    "length": 5,
    "radius": 3,
}


def build(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return FILTERS[name](6, **{k: v for k, v in SMALL.items() if k in options_model(FILTERS[name]).model_fields})


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_padding_never_changes_a_real_snippet_and_stays_zero(name: Any) -> None:
    net = build(name).eval()
    x = torch.randn(2, 9, 6)
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[1, 5:] = False
    features, hidden = net(x, mask)
    assert features.shape == (2, 9, net.width)
    padded = torch.cat([x, torch.randn(2, 7, 6)], 1)
    longer, longer_hidden = net(padded, torch.cat([mask, torch.zeros(2, 7, dtype=torch.bool)], 1))
    torch.testing.assert_close(longer[:, :9], features)
    assert longer[:, 9:].abs().max() == 0 and features[1, 5:].abs().max() == 0
    assert len(hidden) == len(longer_hidden) > 0
    alone, _ = net(x[1:, :5], mask[1:, :5])
    torch.testing.assert_close(alone[0], features[1, :5])


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_reach_is_true(name: Any) -> None:
    net = build(name).eval()
    if net.reach is None:
        pytest.skip("looks at everything")
    T, t = 2 * net.reach + 21, net.reach + 10
    x = torch.randn(1, T, 6)
    mask = torch.ones(1, T, dtype=torch.bool)
    moved = x.clone()
    moved[0, t] += 1
    changed = (net(moved, mask)[0] - net(x, mask)[0]).abs().amax(-1)[0] > 0
    assert changed[t - net.reach : t + net.reach + 1].any()
    assert not changed[: t - net.reach].any() and not changed[t + net.reach + 1 :].any()


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_one_snippet(name: Any) -> None:
    net = build(name)
    features, _ = net(torch.randn(1, 1, 6), torch.ones(1, 1, dtype=torch.bool))
    assert torch.isfinite(features).all()


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_windows_do_not_change_a_long_video(name: Any) -> None:
    stream = Stream(build(name), 3)
    x = torch.randn(131, 6)
    available = torch.ones(131, dtype=torch.bool)
    available[40:47] = False
    whole = filter_sequence(stream, x, available=available)
    for ours, expected in zip(filter_sequence(stream, x, window=9, available=available), whole, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)


def test_sd_tcn_reach_is_that_of_five_blocks() -> None:
    assert SdTcn(4, width=4).reach == 31


def test_shards_drop_what_the_whole_batch_would() -> None:
    x = torch.randn(7, 5, 4).transpose(1, 2)  # a layout that is not contiguous
    whole = ShardedDropout(0.4)
    torch.manual_seed(3)
    expected, after = whole(x), torch.rand(1)
    pieces = []
    for start, stop in [(0, 3), (3, 7)]:
        set_rows(whole, Rows(start, stop - start, 7))
        torch.manual_seed(3)
        pieces.append(whole(x[start:stop].contiguous()))
        assert torch.rand(1) == after, "the generators of the processes must stay in step"
    assert torch.equal(torch.cat(pieces), expected)
    assert 0.2 < (expected == 0).float().mean() < 0.6
    assert torch.equal(whole.eval()(x), x)


def test_wrong_rows_and_probability_are_refused() -> None:
    layer = ShardedDropout(0.5)
    layer.rows = Rows(0, 3, 6)
    with pytest.raises(ValueError, match="2 rows given, 3 declared"):
        layer(torch.ones(2, 1))
    with pytest.raises(UsageFault, match="not in"):
        ShardedDropout(1.0)
