"""Recipes assembled part by part, and the device that they are trained on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest
import torch

from augrgb.core.errors import AugrgbError, EnvironmentFault, UsageFault
from augrgb.recipe import EncoderRecipe, StreamRecipe, check_recipe
from augrgb.recipe.assembly import with_device
from augrgb.recipe.encoder_assembly import open_encoder_teachers
from augrgb.recipe.stream_assembly import open_stream_inputs
from augrgb.training import make_fabric

STREAM = check_recipe(
    {
        "data": {"dataset": "d", "features": {"rgb": "no/rgb"}},
        "distill": {"teachers": {"a": "no/a", "b": "no/b"}, "losses": {"logit_kd": {}}},
    },
    StreamRecipe,
)
ENCODER = check_recipe(
    {
        "data": {"dataset": "d"},
        "encoder": {"small_flow": {}},
        "init": "no/start",
        "distill": {"teachers": {"a": "no/a"}, "streams": {"b": "no/b"}, "losses": {"logit_kd": {}}},
    },
    EncoderRecipe,
)


@pytest.mark.parametrize(
    ("open_parts", "recipe", "parts"),
    [
        (open_stream_inputs, STREAM, ["teacher a", "teacher b", "rgb features"]),
        (open_encoder_teachers, ENCODER, ["init", "teacher a", "teacher b"]),
    ],
)
def test_the_first_fault_ends_a_training_run_and_a_guard_collects_all(open_parts: Any, recipe: Any, parts: Any) -> None:
    with pytest.raises(AugrgbError, match="E-FILE-001"):
        open_parts(recipe)
    faults = {}

    @contextmanager
    def guard(part: Any) -> Any:
        try:
            yield
        except AugrgbError as fault:
            faults[part] = fault

    open_parts(recipe, guard=guard)
    assert list(faults) == parts


def test_a_device_is_an_accelerator_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_device(STREAM, None) == (STREAM, None)
    chosen, gpu = with_device(ENCODER, "cpu")
    assert (chosen.train.accelerator, gpu) == ("cpu", None) and chosen.train.steps == ENCODER.train.steps
    with pytest.raises(UsageFault, match="gpu"):
        with_device(STREAM, "gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for device, accelerator, number in (("auto", "auto", None), ("cuda", "cuda", None), ("cuda:1", "cuda", 1)):
        chosen, gpu = with_device(STREAM, device)
        assert (chosen.train.accelerator, gpu) == (accelerator, number)
    with pytest.raises(EnvironmentFault, match="E-ENV-002"):
        with_device(STREAM, "cuda:2")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageFault, match="cuda:1 is one GPU for 2 processes"):
        make_fabric(accelerator="cuda", gpu=1)
