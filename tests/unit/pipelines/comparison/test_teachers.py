"""Methods of a comparison whose teachers are ensembles, or weighed per class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import AugrgbError
from augrgb.pipelines.comparison.graph import rounds
from augrgb.pipelines.comparison.load import check_comparison
from augrgb.pipelines.comparison.values import Places, encoder_values, stream_values
from augrgb.recipe import StreamRecipe, check_recipe
from support.tiny_project import expect_success
from support.toy_comparison import make_features, toy_values, write_recipe


def values(root: Path) -> Any:
    recipe = toy_values(root)
    pose = {"set": {"student.modality": "pose"}}
    recipe["methods"] = {
        "rgb": {},
        "pose": pose,
        "pose_b": {"set": {**pose["set"], "seed": 1001}},
        "taught": {"teachers": ["poses"], "losses": {"logit_kd": {}, "hint": {}}},
        "weighed": {
            "teachers": ["pose", "rgb"],
            "losses": {"logit_kd": {}},
            "set": {"distill.teacher_mixing": "learned"},
        },
    }
    recipe["fusions"] = {"poses": {"members": ["pose", "pose_b"]}, "mixed": {"members": ["pose", "rgb"]}}
    recipe.update(gaps=[], featured="taught", seeds=1, tests=["subject"])
    return recipe


def test_a_fusion_of_one_modality_teaches_as_an_ensemble(tmp_path: Path) -> None:
    recipe = check_comparison(values(tmp_path))
    places = Places(Path("out"), recipe)
    found = stream_values(recipe, places, "taught", 0)
    assert found["distill"]["teachers"] == {"poses": ["out/streams/pose-0", "out/streams/pose_b-0"]}
    assert found["distill"]["teacher_mixing"] == {"poses": 1.0}
    assert set(found["data"]["features"]) == {"rgb", "pose"}
    assert check_recipe(found, StreamRecipe).distill is not None
    assert stream_values(recipe, places, "pose_b", 0)["seed"] == 1001
    assert rounds(recipe) == [["rgb", "pose", "pose_b"], ["taught", "weighed"]]


@pytest.mark.parametrize(
    ("teachers", "told"),
    [(["mixed"], "the fusion mixed sees pose, rgb"), (["posse"], "did you mean 'pose"), (["loop"], "teaches itself")],
)
def test_mistakes_are_named(tmp_path: Path, teachers: Any, told: Any) -> None:
    recipe = values(tmp_path)
    recipe["methods"]["taught"]["teachers"] = teachers
    recipe["fusions"]["loop"] = {"members": ["pose", "taught"]}
    with pytest.raises(AugrgbError) as caught:
        check_comparison(recipe)
    assert told in str(caught.value)


@pytest.mark.slow
def test_both_kinds_are_trained_and_compared(tmp_path: Path) -> None:
    make_features(tmp_path)
    recipe = write_recipe(tmp_path, values(tmp_path))
    expect_success("compare", recipe, "--out", tmp_path / "out", "--workers", 1)
    streams = tmp_path / "out" / "streams"
    lines = [json.loads(line) for line in (streams / "taught-0" / "metrics.jsonl").read_text().splitlines()]
    assert {"poses/logit_kd", "poses/hint"} <= set(next(line for line in lines if "terms" in line)["terms"])
    assert set(json.loads((streams / "weighed-0" / "teacher_mixing.json").read_text())["weights"]) == {"pose", "rgb"}
    assert not json.loads((tmp_path / "out" / "results.json").read_text())["failures"]
    again = expect_success("compare", recipe, "--out", tmp_path / "out", "--workers", 1, "--dry-run")
    assert again.code == 0


def test_an_encoder_may_have_learned_weights(tmp_path: Path) -> None:
    recipe = values(tmp_path)
    recipe["encoders"] = {
        "other": {"encoder": {"small_rgb": {}}},
        "taught": {
            "encoder": {"small_rgb": {}},
            "distill": {"teachers": ["other"], "losses": {"hint": {"decay": 0.5}}, "teacher_mixing": "learned"},
        },
    }
    recipe["encoder"] = {"data": {"dataset": "world"}, "train": {"steps": 2}}
    recipe["methods"]["seen"] = {"encoder": "taught"}
    checked = check_comparison(recipe)
    found = encoder_values(checked, Places(Path("out"), checked), "taught", 0)
    assert found["distill"]["teacher_mixing"] == "learned"
    assert found["distill"]["losses"]["hint"]["decay"] == 0.5
