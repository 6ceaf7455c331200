"""The teacher of each class is the one that knows it best on validation videos."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.batch import StreamDims
from augrgb.core.errors import UsageFault
from augrgb.training.encoder_task import SnippetSet, snippet_batches
from augrgb.training.teachers.mixing import TeacherMixing
from augrgb.training.teachers.snippet import SnippetTeacher
from augrgb.training.teachers.terms import LossSpec, distillation_terms
from augrgb.training.teachers.validated import choose_teachers

COUNT = 40


def snippets(labelled: bool = True) -> SnippetSet:
    labels = np.random.default_rng(0).integers(0, 2, (COUNT, 4)).astype(np.float32)
    labels[:, 3] = 0  # never seen
    return SnippetSet(lambda indices, rng: torch.zeros(len(indices), 1), labels, np.full(COUNT, labelled))


def teacher(knows: Any, seed: int, available: Any = None, labels: Any = None) -> SnippetTeacher:
    """Knows some classes, and is sure of the opposite in the others."""
    truth = snippets().labels if labels is None else labels
    signs = np.array([1.0 if k in knows else -1.0 for k in range(4)], np.float32)
    noise = np.random.default_rng(seed).normal(size=truth.shape).astype(np.float32) * 0.1
    return SnippetTeacher(np.zeros((len(truth), 2), np.float32), (2 * truth - 1) * signs + noise, available)


def test_each_class_has_the_teacher_that_knows_it() -> None:
    found = choose_teachers({"pose": teacher([0], 1), "twin": teacher([1, 2], 2)}, snippet_batches(snippets()))
    assert found.teachers == ("pose", "twin") and found.snippets == COUNT
    most, least = 1 / 1.001, 0.001 / 1.001
    expected = torch.tensor([[most, least, least, 0.5], [least, most, most, 0.5]])
    torch.testing.assert_close(found.values, expected)


def test_a_teacher_is_judged_by_what_it_sees_and_one_that_sees_nothing_is_not_chosen() -> None:
    half = np.arange(COUNT) < COUNT // 2
    seeing, blind = teacher([0, 1, 2], 1, available=half), teacher([0, 1, 2], 2, available=np.zeros(COUNT, bool))
    found = choose_teachers({"a": seeing, "b": blind, "c": teacher([], 3)}, snippet_batches(snippets()))
    assert found.values[0, :3].min() > 0.99 and found.values[1, :3].max() < 0.01


def test_without_labels_there_is_nothing_to_choose_by() -> None:
    with pytest.raises(UsageFault, match="E-TRN-005"):
        choose_teachers({"a": teacher([0], 1)}, snippet_batches(snippets(labelled=False)))


def test_terms_follow_the_choice() -> None:
    """Snippets of a class reach the loss of its teacher; on class scores the teachers are one."""
    labels = np.zeros((COUNT, 4), np.float32)
    labels[np.arange(COUNT), np.arange(COUNT) % 2] = 1
    taught = SnippetSet(lambda indices, rng: torch.zeros(len(indices), 1), labels, np.ones(COUNT, bool))
    sources = {"pose": teacher([0], 1, labels=labels), "twin": teacher([1], 2, labels=labels)}
    values = torch.tensor([[0.999, 0.001, 0.5, 0.5], [0.001, 0.999, 0.5, 0.5]])
    dims = {name: StreamDims(3, 2, 4, COUNT) for name in sources}
    losses = [LossSpec("logit_kd"), LossSpec("hint")]
    found = distillation_terms(
        losses, sources, dims, lambda: snippet_batches(taught), mixing=TeacherMixing(("pose", "twin"), values, COUNT)
    )
    assert [(term.name, round(term.weight, 2)) for term in found.terms] == [
        ("pose+twin/logit_kd", 1.0),
        ("pose/hint", 0.5),
        ("twin/hint", 0.5),
    ]
    (batch,) = snippet_batches(taught)
    torch.manual_seed(0)
    _, there = found.terms[1].source.outputs(batch)
    assert there[::2].float().mean() > 0.9 and there[1::2].float().mean() < 0.1
    output, _ = found.terms[0].source.outputs(batch)
    agree = (output.logits[:, 0, :2] > 0) == torch.from_numpy(labels[:, :2] > 0)
    assert agree.all()


def test_recipes_of_streams_and_encoders_take_it() -> None:
    from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe

    distill = {"teachers": {"a": "runs/a"}, "losses": {"hint": {}}, "teacher_mixing": "validated"}
    stream = {"data": {"dataset": "d", "features": {"rgb": "f"}}, "distill": distill}
    assert check_recipe(stream, StreamRecipe).distill.teacher_mixing == "validated"  # type: ignore[union-attr]
    encoder = {"data": {"dataset": "d"}, "encoder": {"small_rgb": {}}, "distill": distill}
    assert check_recipe(encoder, EncoderRecipe).distill.teacher_mixing == "validated"  # type: ignore[union-attr]
