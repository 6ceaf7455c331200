"""Attention that follows one driven by poses: by hand, and who learns from what."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from augrgb.core.batch import Batch, StreamDims, StreamOutput
from augrgb.training.teachers.pose_attention import PoseAttention


def set_to(layer: Any, weight: list[list[float]]) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.zero_()


def test_by_hand() -> None:
    """Two cells of values 0 and ln 3: own attention 1/4, 3/4; pose of 0 drives even attention."""
    loss = PoseAttention(StreamDims(1, 1, 1), cells=2)
    set_to(loss.drive, [[1.0], [0.0]])
    set_to(loss.attend, [[1.0]])
    set_to(loss.classifier, [[1.0]])
    seen = torch.tensor([0.0, math.log(3)]).view(1, 1, 1, 1, 2)
    student = StreamOutput(torch.zeros(1, 1, 2), torch.zeros(1, 1, 1), (seen,))
    batch = Batch(torch.ones(1, 1, dtype=torch.bool), torch.ones(1, 1, 1))
    apart = ((2 * (0.25 - 0.5)) ** 2 + (2 * (0.75 - 0.5)) ** 2) / 2
    told = sum(math.log(1 + math.exp(-share * math.log(3))) for share in (0.5, 0.75))
    assert loss(student, StreamOutput(torch.zeros(1, 1, 1)), batch).item() == pytest.approx(apart + told, rel=1e-6)


def outputs(count: int = 4) -> tuple[StreamOutput, StreamOutput, torch.Tensor]:
    torch.manual_seed(0)
    seen = torch.randn(count, 1, 3, 2, 3, requires_grad=True)
    student = StreamOutput(torch.zeros(count, 1, 2), torch.zeros(count, 1, 2), (seen,))
    return student, StreamOutput(torch.randn(count, 1, 5)), seen


def test_without_labels_the_attention_of_poses_is_held_still() -> None:
    student, teacher, seen = outputs()
    loss = PoseAttention(StreamDims(3, 5, 2), cells=6)
    batch = Batch(torch.ones(4, 1, dtype=torch.bool), torch.zeros(4, 1, 2), torch.zeros(4, dtype=torch.bool))
    loss(student, teacher, batch).backward()
    grads = {name: p.grad for name, p in loss.named_parameters()}
    assert all(grad is not None for grad in grads.values())
    assert grads["drive.weight"].abs().max() == 0 and grads["classifier.weight"].abs().max() == 0  # type: ignore[union-attr]
    assert grads["attend.weight"].abs().max() > 0 and seen.grad is not None and seen.grad.abs().sum() > 0  # type: ignore[union-attr]


def test_labels_teach_the_attention_of_poses_and_only_seen_snippets_count() -> None:
    student, teacher, seen = outputs()
    loss = PoseAttention(StreamDims(3, 5, 2), cells=6)
    labels = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 1.0]], [[0.0, 0.0]]])
    there = torch.tensor([[True], [True], [False], [True]])
    batch = Batch(torch.ones(4, 1, dtype=torch.bool), labels, torch.tensor([True, True, True, False]))
    loss(student, teacher, batch.restricted_to(there)).backward()
    assert loss.drive.weight.grad is not None and loss.drive.weight.grad.abs().max() > 0
    assert seen.grad is not None and seen.grad[2].abs().max() == 0 < seen.grad[3].abs().max()
    assert loss(student, teacher, batch.restricted_to(~there & there)) == 0
