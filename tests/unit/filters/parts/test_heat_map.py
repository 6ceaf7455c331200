"""Heat-maps of action middles: targets and losses by hand, and that they teach."""

from __future__ import annotations

import math

import pytest
import torch

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import InputRefused
from augrgb.core.types import Event
from augrgb.filters.parts.heat_map import (
    HeatMapTerm,
    heat_map_focal,
    heat_map_focal_published,
    heat_map_of_labels,
    heat_map_published,
)


def test_focal_loss_by_hand() -> None:
    # p = 1/2 everywhere: the one gives -ln 2 / 4, the 0.5 beside it -(1/16) ln 2 / 4; the padded 1 is not counted
    target = torch.tensor([[[1.0], [0.5], [1.0]]])
    mask = torch.tensor([[True, True, False]])
    loss = heat_map_focal(torch.zeros(1, 3, 1), target, mask)
    assert loss.item() == pytest.approx((1 + 1 / 16) * math.log(2) / 4)


def test_focal_loss_without_a_middle_and_with_extreme_logits() -> None:
    mask = torch.ones(1, 2, dtype=torch.bool)
    assert heat_map_focal(torch.zeros(1, 2, 1), torch.zeros(1, 2, 1), mask).item() == pytest.approx(math.log(2) / 2)
    logits = torch.tensor([[[1e4], [-1e4]]], requires_grad=True)
    loss = heat_map_focal(logits, torch.tensor([[[0.0], [1.0]]]), mask)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


def test_published_loss_pairs_every_prediction_with_every_target() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(3, 5, 2), (torch.rand(3, 5, 2) < 0.3).float()
    mask = torch.ones(3, 5, dtype=torch.bool)
    naive = 0.0
    for prediction in logits:
        p = prediction.sigmoid()
        total = sum((torch.where(y == 1, (1 - p) ** 2 * p.log(), p**2 * (1 - p).log())).sum() for y in target)
        naive -= float(total) / float(target.sum()) / 3
    assert heat_map_focal_published(logits, target, mask).item() == pytest.approx(naive, rel=1e-5)
    assert heat_map_focal(logits, target, mask).item() != pytest.approx(naive, rel=1e-2)
    one = (logits[:1], target[:1], mask[:1])
    assert heat_map_focal_published(*one).item() == pytest.approx(heat_map_focal(*one).item())


def test_targets_of_labels_equal_a_loop() -> None:
    torch.manual_seed(1)
    labels = (torch.rand(2, 30, 3) < 0.6).float()
    labels[1, :, 2] = 0
    labels[0, :, 1] = 1
    expected = torch.zeros_like(labels)
    for b in range(2):
        for k in range(3):
            t = 0
            while t < 30:
                if labels[b, t, k]:
                    end = t
                    while end < 30 and labels[b, end, k]:
                        end += 1
                    L, middle = end - t, t + (end - t) // 2
                    for s in range(max(0, middle - 2 * L), min(30, middle + 2 * L + 1)):
                        bell = math.exp(-(((s - middle) / ((4 * L + 1) / 4)) ** 2))
                        expected[b, s, k] = max(expected[b, s, k], bell)
                    t = end
                t += 1
    torch.testing.assert_close(heat_map_of_labels(labels), expected)
    assert heat_map_of_labels(torch.zeros(1, 4, 2)).abs().max() == 0


def test_published_targets_by_hand() -> None:
    # ten snippets of 1 s; the middle 4.5 s lies in snippet 4 and is written at 5; L = 3, sigma = 13 / 4
    heat = heat_map_published([Event("a", 3.0, 6.0)], ["a"], 10.0, 10)[:, 0]
    assert heat[5] == 1 and heat.argmax() == 5
    assert heat[7] == pytest.approx(math.exp(-((2 / 3.25) ** 2)))
    on_border, reversed_ = Event("a", 3.0, 5.0), Event("a", 6.0, 3.0)
    assert heat_map_published([on_border, reversed_], ["a"], 10.0, 10).max() == 0
    with pytest.raises(InputRefused, match="E-ANN-003"):
        heat_map_published([Event("b", 1.0, 2.0)], ["a"], 10.0, 10)


def test_the_term_ignores_padding_and_unlabelled_videos() -> None:
    torch.manual_seed(0)
    term = HeatMapTerm([4, 4], 2)
    labels = (torch.rand(2, 9, 2) < 0.5).float()

    def loss(pad: int) -> torch.Tensor:
        torch.manual_seed(1)
        hidden = tuple(torch.cat([torch.randn(2, 9, 4), torch.full((2, pad, 4), 7.0)], 1) for _ in range(2))
        mask = (torch.arange(9 + pad) < 9).expand(2, -1)
        padded = torch.cat([labels, torch.zeros(2, pad, 2)], 1)
        labelled = torch.tensor([True, False])
        batch = Batch(mask, padded, labelled)
        return term(StreamOutput(hidden[0], torch.zeros(2, 9 + pad, 2), hidden), batch)

    before = loss(0)
    torch.testing.assert_close(loss(5), before)
    labels[1] = 1 - labels[1]
    torch.testing.assert_close(loss(0), before)
    before.backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in term.parameters())
