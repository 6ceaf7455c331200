"""Which terms a list of losses and teachers makes, and with what weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.batch import StreamDims
from augrgb.training.encoder_task import SnippetSet, snippet_batches
from augrgb.training.teachers.snippet import SnippetTeacher
from augrgb.training.teachers.terms import LossSpec, distillation_terms, hidden_layers

COUNT, CLASSES = 30, 3
LOSS_SPECS = [
    LossSpec("logit_kd", 0.5, teachers=["pose", "flow"]),
    LossSpec("atomic_regression", 0.4, decay_steps=10),
]


@pytest.fixture
def snippets() -> SnippetSet:
    labels = np.random.default_rng(0).integers(0, 2, (COUNT, CLASSES)).astype(np.float32)
    return SnippetSet(lambda indices, rng: torch.zeros(len(indices), 1), labels, np.ones(COUNT, bool))


def sources_of(snippets: SnippetSet) -> dict[str, SnippetTeacher]:
    """The third knows the labels, the second is sure of the opposite."""
    rng = np.random.default_rng(1)
    scores = {"flow": 0 * snippets.labels, "pose": 4 - 8 * snippets.labels, "twin": 8 * snippets.labels - 4}
    return {
        name: SnippetTeacher(rng.standard_normal((COUNT, width), np.float32), logits)
        for width, (name, logits) in zip((4, 5, 6), scores.items(), strict=True)
    }


def taught(snippets: SnippetSet, losses: Any = LOSS_SPECS, **options: Any) -> Any:
    sources = sources_of(snippets)
    dims = {name: StreamDims(7, source.width, CLASSES, COUNT) for name, source in sources.items()}
    torch.manual_seed(0)
    return distillation_terms(losses, sources, dims, lambda: snippet_batches(snippets), **options)


def test_every_teacher_uses_every_loss_that_names_it(snippets: Any) -> None:
    found = taught(snippets, mixing={"pose": 2.0})
    assert found.mixing is None
    assert {term.name: (term.weight, term.decay_steps) for term in found.terms} == {
        "flow/logit_kd": (0.5, None),
        "flow/atomic_regression": (0.4, 10),
        "pose/logit_kd": (1.0, None),
        "pose/atomic_regression": (0.8, 10),
        "twin/atomic_regression": (0.4, 10),
    }
    assert {term.loss.dims.teacher for term in found.terms if term.teacher == "twin"} == {6}


def test_equal_shares_and_one_voice_on_class_scores(snippets: Any) -> None:
    found = taught(snippets, mixing="equal")
    weights = {term.name: term.weight for term in found.terms}
    thirds = dict.fromkeys(("flow", "pose", "twin"), round(0.4 / 3, 4))
    assert weights == {"flow+pose/logit_kd": 0.5} | {f"{name}/atomic_regression": w for name, w in thirds.items()}
    assert found.mixing is None


@pytest.mark.parametrize("groups", [None, [["flow"], ["pose", "twin"]]])
def test_learned_weights_sum_to_one_in_each_group(snippets: Any, groups: Any) -> None:
    found = taught(snippets, mixing="learned", groups=groups)
    assert found.mixing is not None and found.mixing.teachers == ("flow", "pose", "twin")
    flow, pose, twin = found.mixing.values
    assert (twin > pose).all()
    expected = torch.full_like(flow, 1.0)
    torch.testing.assert_close(flow if groups else flow + pose + twin, expected)
    torch.testing.assert_close(pose + twin if groups else flow + pose + twin, expected)


@pytest.mark.parametrize("mixing", [None, "equal"])
def test_a_loss_that_none_of_the_teachers_uses_makes_no_term(snippets: Any, mixing: Any) -> None:
    assert taught(snippets, [LossSpec("logit_kd", teachers=["nobody"])], mixing=mixing).terms == ()
    assert distillation_terms(LOSS_SPECS, {}, {}, tuple, mixing=mixing).terms == ()


def test_asking_for_hidden_layers_draws_no_random_numbers() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert hidden_layers([LossSpec("hint"), LossSpec("fsp", options={"layers": "hidden"})], StreamDims(4, 4, 3)) == 2
    assert hidden_layers([LossSpec("hint")], StreamDims(4, 4, 3)) == hidden_layers([], StreamDims(4, 4, 3)) == 0
    assert torch.equal(torch.get_rng_state(), before)
