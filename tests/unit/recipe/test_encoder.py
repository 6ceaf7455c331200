"""What an encoder recipe may say, and what contradicts itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import AugrgbError
from augrgb.recipe import EncoderRecipe, check_recipe
from augrgb.recipe.build import recipe_to_json

LOSSES = {"logit_kd": {"weight": 0.5}}


def recipe(**parts: Any) -> EncoderRecipe:
    return check_recipe({"data": {"dataset": "d"}, "encoder": {"small_rgb": {}}, **parts}, EncoderRecipe)


def test_a_list_of_streams_is_named_by_folders_and_a_loss_may_be_of_some() -> None:
    distill = {
        "streams": ["runs/pose", "runs/flow"],
        "losses": {"logit_kd": {"teachers": ["flow"], "temperature": 2.0}},
    }
    found = recipe(distill=distill).distill
    assert found.streams == {"pose": Path("runs/pose"), "flow": Path("runs/flow")}
    assert found.losses["logit_kd"].teachers == ["flow"] and found.losses["logit_kd"].options == {"temperature": 2.0}


def test_a_recipe_comes_back_from_its_run_folder() -> None:
    one = recipe(
        init="runs/a",
        average=0.9,
        augment={"strength": 0.5},
        distill={"streams": ["runs/pose"], "losses": LOSSES, "joints": {"axes": "camera"}},
    )
    assert one.init.folder == Path("runs/a") and one.init.classifier
    assert check_recipe(recipe_to_json(one), EncoderRecipe) == one


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"distill": {}}, "no teacher given"),
        ({"distill": {"streams": ["runs/pose"]}}, "`losses` need `teachers` or `streams`"),
        ({"distill": {"joints": {}, "losses": LOSSES}}, "`losses` need `teachers` or `streams`"),
        ({"distill": {"streams": ["a/x", "b/x"], "losses": LOSSES}}, "two run folders have the same name"),
        ({"distill": {"teachers": {"x": "a"}, "streams": ["b/x"], "losses": LOSSES}}, "both a teacher and a stream"),
        ({"distill": {"streams": ["b/joints"], "losses": LOSSES, "joints": {}}}, "cannot be called 'joints'"),
        (
            {"distill": {"teachers": {"joint_cells": "p"}, "losses": LOSSES, "joint_cells": {}}},
            "cannot be called 'joint_cells'",
        ),
        ({"distill": {"joint_cells": {}, "attention": {"teachers": ["pose"]}}}, "attention: no such teacher: 'pose'"),
        ({"distill": {"attention": {"teachers": []}}}, "attention.teachers"),
        ({"augment": {"flip": 0.5, "swap": []}, "distill": {"joint_cells": {}}}, "whose outputs are not mirrored"),
        ({"distill": {"streams": ["x"], "losses": {"logit_kd": {"teachers": ["y"]}}}}, "no such teacher: 'y'"),
        ({"distill": {"streams": ["x"], "losses": LOSSES, "features": {"y": "f"}}}, "no such stream"),
        ({"distill": {"streams": ["x"], "losses": LOSSES, "teacher_mixing": {"y": 1}}}, "no such teacher"),
        ({"distill": {"joints": {"axes": "world"}}}, "'body' or 'camera'"),
        ({"augment": {"flip": 0.5}}, "flip needs swap"),
        ({"augment": {"zoom": 8}}, "at most 7"),
        ({"augment": {"jiter_frames": 1}}, "no such key"),
        ({"average": 1.0}, "average"),
        ({"semi_supervised": {}, "augment": False}, "semi_supervised needs augment"),
        ({"semi_supervised": {}, "augment": {"strength": 0}}, "semi_supervised needs augment"),
        ({"semi_supervised": {}, "average": 0.9}, "an average of the weights already"),
        ({"semi_supervised": {"mean_teacher": {"dekay": 0.9}}}, "did you mean 'decay'"),
        (
            {"augment": {"flip": 0.5, "swap": [["a", "b"]]}, "distill": {"streams": ["x"], "losses": LOSSES}},
            "whose outputs are not mirrored",
        ),
        ({"augment": {"flip": 0.5, "swap": []}, "distill": {"joints": {}}}, "whose outputs are not mirrored"),
        ({"augment": {"turn": 0.5}, "distill": {"joints": {}}}, "whose places are not turned"),
        ({"augment": {"turn": 0.5}, "distill": {"joint_cells": {}}}, "whose places are not turned"),
        ({"train": {"schedule": "cosin"}}, "train.schedule"),
        ({"init": {"freeze": ["x"]}}, "give either folder"),
    ],
)
def test_contradictions(parts: Any, message: Any) -> None:
    with pytest.raises(AugrgbError, match=message) as caught:
        recipe(**parts)
    assert caught.value.exit_code == 2


def test_attention_alone_is_a_way_to_use_teachers() -> None:
    distill = recipe(distill={"teachers": {"pose": "runs/p"}, "attention": {"teachers": ["pose"]}}).distill
    assert distill is not None and distill.attention is not None and distill.attention.weight == 1.0
    found = recipe(distill={"joint_cells": {"weight": 0.5}}).distill
    assert found is not None and found.joint_cells is not None and found.joint_cells.hidden == 64


def test_new_keys_that_are_not_used_leave_old_run_folders_as_they_are() -> None:
    """`RunFolder` takes an absent key, an empty mapping and None for the same."""
    from augrgb.training.run.folder import differences

    now = recipe_to_json(recipe(distill={"teachers": {"pose": "runs/p"}, "losses": {"hint": {}}}))
    before = recipe_to_json(recipe(distill={"teachers": {"pose": "runs/p"}, "losses": {"hint": {}}}))
    for section, keys in (
        ("data", ["allow_missing"]),
        ("distill", ["streams", "features", "joints", "joint_cells", "attention"]),
    ):
        for key in keys:
            before[section].pop(key)
    for key in ("init", "semi_supervised", "average"):
        before.pop(key)
    before["train"].pop("schedule")
    before["distill"]["losses"]["hint"].pop("teachers")
    assert differences(before, now) == []


@pytest.mark.parametrize(
    ("flow", "told"),
    [
        ({"method": "tvl"}, "E-CFG-002 recipe: encoder.small_flow.flow.method.tvl: no such flow method.*'tvl1'"),
        ({"method": "raft"}, "E-CFG-014 recipe: encoder.small_flow.flow.method raft: needs weights"),
        ({"bound": -1}, "E-CFG-003 recipe: encoder.small_flow.flow.bound: must be a positive number"),
        ({"method": 3}, "E-CFG-003 recipe: encoder.small_flow.flow.method: Input should be a valid string"),
        (5, "E-CFG-003 recipe: encoder.small_flow.flow: Input should be a dictionary"),
    ],
)
def test_the_flow_of_an_encoder_is_checked_with_the_recipe_and_told_once(flow: Any, told: Any) -> None:
    with pytest.raises(AugrgbError, match=told) as caught:
        recipe(encoder={"small_flow": {"flow": flow}})
    assert "\n" not in str(caught.value)


def test_any_flow_that_can_be_made_is_taken() -> None:
    pinned = {"weights": "w.safetensors", "sha256": "0" * 64}
    for flow in (None, {"bound": 20}, {"method": "tvl1"}, {"method": "raft", **pinned}):
        recipe(encoder={"small_flow": {"flow": flow}})
