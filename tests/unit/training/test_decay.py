"""Distillation weights that decay: the schedule, the recipe, and that training with them can stop and go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from augrgb.core.errors import AugrgbError
from augrgb.recipe import StreamRecipe, check_recipe
from augrgb.recipe.build import recipe_to_json
from augrgb.recipe.sections import LossSection
from augrgb.training import RunFolder, fit
from support import toy_training as toy

FIT = replace(toy.FIT, accelerator="cpu")


def fading_task(decay_steps: Any) -> Any:
    task = toy.toy_task()
    task.terms = tuple(replace(term, decay_steps=decay_steps) for term in task.terms)
    return task


@pytest.mark.parametrize(
    ("decay", "expected"),
    [(None, [2.0] * 5), (1.0, [2.0, 1.5, 1.0, 0.5, 0.0]), (0.5, [2.0, 1.0, 0.0, 0.0, 0.0])],
)
def test_the_weight_falls_evenly_and_stays_at_zero(decay: Any, expected: Any) -> None:
    steps = LossSection(decay=decay).decay_steps(4)
    term = replace(toy.toy_task().terms[0], weight=2.0, decay_steps=steps)
    assert [term.weight_at(step) for step in range(5)] == expected


def test_a_faded_teacher_no_longer_moves_the_student() -> None:
    task = fading_task(3)
    batch = task.batch(0)
    for step, moves in ((0, True), (2, True), (3, False), (20, False)):
        task.student.zero_grad()
        output = task.student(batch.features[task.modality], batch.mask)
        terms = [term for term in task.loss_terms(output, batch, step) if term.name != "detection"]
        assert terms, "it is measured all the same"
        torch.stack([term.weight * term.value for term in terms]).sum().backward()
        moved = any(p.grad is not None and p.grad.abs().sum() > 0 for p in task.student.parameters())
        assert moved == moves, step


def test_training_with_it_stops_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    fit(fading_task(10), RunFolder(tmp_path / "whole"), FIT)
    calls = iter([False] * 6 + [True] * 50)
    with pytest.raises(AugrgbError, match="E-RUN-003"):
        fit(fading_task(10), RunFolder(tmp_path / "parts"), FIT, stop=lambda: next(calls))
    fit(fading_task(10), RunFolder(tmp_path / "parts"), FIT)
    whole, parts = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts
    fit(toy.toy_task(), RunFolder(tmp_path / "constant"), FIT)
    assert (tmp_path / "constant" / "model.safetensors").read_bytes() != whole
    with pytest.raises(AugrgbError, match="E-RUN-002"):
        fit(fading_task(11), RunFolder(tmp_path / "whole"), FIT)


def test_in_a_recipe() -> None:
    values = {
        "data": {"dataset": "world", "features": {"rgb": "rgb", "pose": "pose"}},
        "distill": {"teachers": {"pose": "runs/pose"}, "losses": {"logit_kd": {"weight": 0.5}, "hint": {"decay": 0.5}}},
    }
    recipe = check_recipe(values, StreamRecipe)
    losses = recipe_to_json(recipe)["distill"]["losses"]
    assert losses["hint"]["decay"] == 0.5 and "decay" not in losses["logit_kd"], "older runs keep their identity"
    assert check_recipe(recipe_to_json(recipe), StreamRecipe) == recipe
    assert (
        recipe.distill.losses["hint"].decay_steps(400) == 200 and "decay" not in recipe.distill.losses["hint"].options
    )
    for bad in (0, 1.5, "soon"):
        values["distill"]["losses"]["hint"]["decay"] = bad
        with pytest.raises(AugrgbError, match=r"losses\.hint\.decay"):
            check_recipe(values, StreamRecipe)
