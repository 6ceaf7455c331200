"""SD-TCN with a look-ahead: what it may see, and that it goes on step by step as it would run at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from augrgb.core.errors import UsageFault
from augrgb.filters import SdTcn


def net(ahead: int | None, layers: int = 3) -> SdTcn:
    torch.manual_seed(0)
    return SdTcn(5, layers=layers, width=8, look_ahead_snippets=ahead).eval()


@pytest.mark.parametrize("ahead", [0, 1, 2, 4, 7])
def test_an_output_sees_so_many_snippets_ahead_and_no_more(ahead: int) -> None:
    x, t = torch.randn(1, 60, 5), 30
    moved = x.clone()
    moved[0, t] += 1
    mask = torch.ones(1, 60, dtype=torch.bool)
    changed = (net(ahead)(x, mask)[0] - net(ahead)(moved, mask)[0]).abs().amax(-1)[0].nonzero()[:, 0]
    assert changed.min() == t - ahead and changed.max() == t + 14 - ahead


def test_the_full_look_ahead_is_the_filter_without_one() -> None:
    x, mask = torch.randn(2, 20, 5), torch.ones(2, 20, dtype=torch.bool)
    torch.testing.assert_close(net(7)(x, mask)[0], net(None)(x, mask)[0], rtol=0, atol=0)


@pytest.mark.parametrize("ahead", [0, 1, 3, 7])
@pytest.mark.parametrize("chunk", [1, 3, 17])
def test_steps_give_what_the_whole_gives(ahead: int, chunk: int) -> None:
    filter = net(ahead)
    x = torch.randn(2, 50, 5)
    mask = torch.ones(2, 50, dtype=torch.bool)
    mask[:, 20:23] = False  # a gap
    whole = filter(x, mask)[0]
    late = torch.cat([x, torch.randn(2, ahead, 5)], 1)  # what stands at masked snippets does not matter
    late_mask = torch.cat([mask, torch.zeros(2, ahead, dtype=torch.bool)], 1)
    state, outputs, masks = filter.start(2), [], []
    for part, real in zip(late.split(chunk, 1), late_mask.split(chunk, 1), strict=True):
        y, shown, state = filter.step(part, real, state)
        outputs.append(y)
        masks.append(shown)
    y, shown = torch.cat(outputs, 1), torch.cat(masks, 1)
    assert not shown[:, :ahead].any() and y[:, :ahead].abs().sum() == 0
    assert torch.equal(shown[:, ahead:], mask)
    torch.testing.assert_close(y[:, ahead:], whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "code"),
    [({"look_ahead_snippets": 8}, "E-CFG-003"), ({"mask_input": False, "look_ahead_snippets": 0}, "E-CFG-019")],
)
def test_what_cannot_be_is_refused(options: Any, code: str) -> None:
    with pytest.raises(UsageFault, match=code):
        SdTcn(5, layers=3, width=8, **options)
    with pytest.raises(UsageFault, match="E-CFG-015"):
        net(None).start()
