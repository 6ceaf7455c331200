"""Pseudo-labels: thresholds, what they ignore, and thresholds that follow each class's frequency."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.losses import LOSSES
from support.loss_pairs import DIMS, make_pair


def build(**options: Any) -> Any:
    return LOSSES["pseudo_labels"](DIMS, **options)


@pytest.mark.parametrize("form", ["hard", "soft"])
@pytest.mark.parametrize("positive", [0.6, (0.5, 0.6, 0.9)])
def test_equals_a_loop_over_unlabelled_snippets(form: Any, positive: Any) -> None:
    student, teacher, batch = make_pair(lengths=(7, 6, 5), labelled=(True, False, False))
    per_class = positive if isinstance(positive, tuple) else (positive,) * 3
    errors = []
    for b, t in batch.mask.nonzero().tolist():
        for k in range(3):
            p, q = (torch.sigmoid(output.logits[b, t, k]).item() for output in (teacher, student))
            if batch.labelled[b] or 0.3 < p < per_class[k]:
                continue
            target = p if form == "soft" else float(p >= per_class[k])
            errors.append(-target * math.log(q) - (1 - target) * math.log(1 - q))
    value = build(form=form, positive=positive, negative=0.3)(student, teacher, batch)
    assert value.item() == pytest.approx(sum(errors) / len(errors), rel=1e-4)


def test_labelled_videos_and_doubtful_snippets_get_no_gradient() -> None:
    student, teacher, batch = make_pair(lengths=(7, 6, 5), labelled=(True, False, False))
    p = teacher.logits.sigmoid()
    build(positive=0.7, negative=0.2)(student, teacher, batch).backward()
    decided = batch.mask[..., None] & ~batch.labelled[:, None, None] & ((p >= 0.7) | (p <= 0.2))
    assert torch.equal(student.logits.grad != 0, decided)
    assert student.features.grad is None


@pytest.mark.parametrize("labelled", [(True, True, True), (False, False, False)])
def test_nothing_decided_is_zero(labelled: Any) -> None:
    student, teacher, batch = make_pair(labelled=labelled)
    loss = build(positive=1.0, negative=0.0)(student, teacher, batch)
    assert loss == 0
    loss.backward()


@pytest.mark.parametrize(
    "options", [{"positive": 0.2, "negative": 0.5}, {"positive": (0.5, 0.6)}, {"sure": 2.0}, {"negative": -0.1}]
)
def test_wrong_thresholds_are_refused(options: Any) -> None:
    with pytest.raises(UsageFault, match="E-CFG-003"):
        build(**options)


def pool(count: Any = 4000, seed: Any = 0) -> Any:
    """One labelled and one unlabelled video; classes are there 40 %, 10 % and never; logits differ in level."""
    generator = torch.Generator().manual_seed(seed)
    share, level = torch.tensor([0.4, 0.1, 0.0]), torch.tensor([2.0, -4.0, 0.0])
    labels = (torch.rand(2, count, 3, generator=generator) < share).float()
    labels[1] = 0
    logits = level + torch.randn(2, count, 3, generator=generator)
    batch = Batch(torch.ones(2, count, dtype=torch.bool), labels, torch.tensor([True, False]))
    return StreamOutput(torch.zeros(2, count, 5), logits.clone().requires_grad_()), StreamOutput(logits, logits), batch


def test_thresholds_follow_the_frequency_of_each_class() -> None:
    student, teacher, batch = pool()
    loss = build(thresholds="prevalence", sure=0.5, doubtful=2.0)
    loss(student, teacher, batch)
    low, high = loss.borders()
    p = teacher.logits[1].sigmoid()
    ones, zeros = (p >= high).float().mean(0), (p <= low).float().mean(0)
    torch.testing.assert_close(ones, torch.tensor([0.2, 0.05, 0.0]), atol=0.03, rtol=0)
    torch.testing.assert_close(zeros, torch.tensor([0.2, 0.8, 1.0]), atol=0.04, rtol=0)
    assert (ones <= torch.tensor([0.2, 0.05, 0.0]) + 1e-6).all(), "never more positives than asked for"


def test_counting_goes_on_over_batches_and_stops_in_evaluation() -> None:
    loss = build(thresholds="prevalence")
    for seed in (0, 1):
        loss(*pool(seed=seed))
    assert loss.labelled[-1] == 8000 and loss.histogram.sum() == 8000 * 3
    loss.eval()(*pool(seed=2))
    assert loss.labelled[-1] == 8000
    restored = build(thresholds="prevalence")
    restored.load_state_dict(loss.state_dict())
    assert torch.equal(restored.borders()[1], loss.borders()[1])


def test_before_anything_was_labelled_nothing_is_decided() -> None:
    student, teacher, batch = pool()
    loss = build(thresholds="prevalence")
    value = loss(student, teacher, replace(batch, labelled=torch.tensor([False, False]), labels=batch.labels * 0))
    low, high = loss.borders()
    assert value == 0 and torch.isinf(high).all() and torch.isinf(low).all()
