"""Contrastive distillation with a memory bank: draws, memories, segments."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from augrgb.core.batch import Batch, StreamDims
from augrgb.losses.crd import Crd, nce_loss, parts, segment_means
from augrgb.losses.parts.memory_bank import MemoryBank, bank_scores
from support.loss_pairs import DIMS, make_pair

close = torch.testing.assert_close


def build(dims: Any = DIMS, **options: Any) -> Any:
    torch.manual_seed(0)
    return Crd(dims, **{"dim": 8, "negatives": 20, **options})


@pytest.mark.parametrize("rows", [10, 500])
def test_scores_are_those_of_the_gathered_rows(rows: Any) -> None:
    table, x = torch.randn(rows, 4), torch.randn(3, 4)
    index = torch.randint(rows, (3, 7))
    expected = torch.stack([table[index[i]] @ x[i] for i in range(3)])
    close(bank_scores(table, x, index), expected)
    close(bank_scores(table, x, index[0]), torch.stack([table[index[0]] @ x[i] for i in range(3)]))


def test_nce_loss_by_hand() -> None:
    likeness = torch.tensor([[2.0, 0.1, 0.3]])
    c = 2 / 5
    expected = -(math.log(2 / (2 + c)) + math.log(c / (0.1 + c)) + math.log(c / (0.3 + c)))
    assert nce_loss(likeness, 5).item() == pytest.approx(expected, rel=1e-5)


def test_only_the_backward_pass_of_training_writes() -> None:
    loss = build()
    before = {key: value.clone() for key, value in loss.state_dict().items()}
    values = []
    for _ in range(2):
        torch.manual_seed(3)
        values.append(loss(*make_pair()))
    assert values[0] == values[1]
    close(loss.state_dict(), before, rtol=0, atol=0)
    loss.eval()(*make_pair()).backward()
    close(loss.state_dict(), before, rtol=0, atol=0)
    loss.train()(*make_pair()).backward()
    changed = (loss.bank.student != before["bank.student"]).any(1)
    assert changed.tolist() == [True, True, True, False], "the batch's three samples, not the fourth"
    assert (loss.constants > 0).all()
    close(loss.bank.teacher[changed].norm(dim=1), torch.ones(3))


def test_constants_are_those_of_the_first_batch() -> None:
    loss = build()
    loss(*make_pair()).backward()
    first = loss.constants.clone()
    loss(*make_pair(seed=1)).backward()
    assert torch.equal(loss.constants, first)


def test_memories_move_by_half() -> None:
    bank = MemoryBank(3, 2, momentum=0.5)
    old = bank.student.clone()
    new = F.normalize(torch.randn(2, 2), dim=1)
    bank.write(torch.tensor([2, 0]), new, new)
    close(bank.student[2], F.normalize(0.5 * old[2] + 0.5 * new[0], dim=0))
    close(bank.student[0], F.normalize(0.5 * old[0] + 0.5 * new[1], dim=0))
    assert torch.equal(bank.student[1], old[1])


def test_of_a_repeated_row_the_first_counts() -> None:
    bank = MemoryBank(3, 2, momentum=0.0)
    new = F.normalize(torch.randn(4, 2), dim=1)
    bank.write(torch.tensor([1, 0, 1, 0]), new, new)
    close(bank.student[:2], new[[1, 0]])


def test_negatives_are_never_the_own_row() -> None:
    loss = build(negatives=400)
    own = torch.tensor([0, 3, 2])
    drawn = loss._draw(own, 4)
    assert drawn.shape == (3, 400) and not (drawn == own[:, None]).any()
    for row, mine in zip(drawn, own.tolist(), strict=True):
        assert set(row.tolist()) == set(range(4)) - {mine}


def test_segment_means_are_means_of_equal_parts() -> None:
    x = torch.randn(2, 7, 3)
    mask = torch.tensor([[True] * 7, [True] * 2 + [False] * 5])
    batch = Batch(mask, torch.zeros(2, 7, 1))
    means, present = segment_means(x, mask, parts(batch, 3), 3)
    for number, part in enumerate([[0, 1, 2], [3, 4], [5, 6]]):
        close(means[0, number], x[0, part].mean(0))
    assert present.tolist() == [[True, True, True], [True, True, False]]
    close(means[1, :2], x[1, :2])


def test_segments_have_rows_of_their_own() -> None:
    loss = build(segments=3)
    assert len(loss.bank) == 12
    student, teacher, batch = make_pair()
    before = loss.bank.student.clone()
    loss(student, teacher, batch).backward()
    changed = (loss.bank.student != before).any(1).view(4, 3)
    assert changed.tolist() == [[True] * 3, [True] * 3, [True, False, False], [False] * 3]


def test_cuts_know_which_parts_of_the_video_they_show() -> None:
    loss = build(segments=3)
    student, teacher, batch = make_pair(lengths=(4, 4, 2))
    batch = replace(batch, starts=torch.tensor([0, 7, 4]), lengths=torch.tensor([12, 12, 6]))
    before = loss.bank.student.clone()
    loss(student, teacher, batch).backward()
    changed = (loss.bank.student != before).any(1).view(4, 3)
    assert changed.tolist() == [[True, False, False], [False, True, True], [False, False, True], [False] * 3]


def test_a_snippet_encoder_has_one_row_per_snippet() -> None:
    dims = StreamDims(5, 6, 3, 50)
    loss = build(dims)
    student, teacher, batch = make_pair(lengths=(1,) * 6, labelled=(True,) * 6, dims=dims)
    batch.indices.copy_(torch.tensor([40, 3, 7, 49, 0, 21]))
    before = loss.bank.student.clone()
    loss(student, teacher, batch).backward()
    changed = (loss.bank.student != before).any(1).nonzero()[:, 0]
    assert changed.tolist() == [0, 3, 7, 21, 40, 49]


def test_without_samples_the_batch_is_the_bank() -> None:
    loss = build(StreamDims(5, 6, 3))
    student, teacher, batch = make_pair()
    value = loss(student, teacher, batch)
    value.backward()
    assert value > 0 and student.features.grad.abs().sum() > 0
    assert not [key for key in loss.state_dict() if key.startswith("bank")]
    one = make_pair(lengths=(4,), labelled=(True,))
    assert loss(*one) == 0, "no other instance"


def test_learning_makes_own_pairs_likelier() -> None:
    dims = StreamDims(4, 4, 2, 12)
    loss = build(dims, negatives=11)
    torch.manual_seed(1)
    student, teacher, batch = make_pair(lengths=(1,) * 12, labelled=(True,) * 12, dims=dims)
    student.features.data.copy_(teacher.features)
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.02)
    values = []
    for number in range(60):
        torch.manual_seed(number)
        optimizer.zero_grad()
        value = loss(student, teacher, batch)
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert sum(values[-5:]) < 0.7 * sum(values[5:10])
