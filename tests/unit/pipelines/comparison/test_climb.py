"""Weights of losses are searched until they harm: the rule, what it makes of recipes, and a small search."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import AugrgbError
from augrgb.pipelines.compare import compare, plan_comparison
from augrgb.pipelines.comparison.load import check_comparison
from augrgb.pipelines.comparison.search_space import ClimbSection, next_scale
from augrgb.pipelines.comparison.values import Places, encoder_values
from support.toy_comparison import make_features, toy_values

SCALES = [0.01, 0.1, 1, 10, 100]
CLIMB = ClimbSection.model_validate({"scales": SCALES, "step": 0.01})


def climbed(score: Callable[[float], float | None], start: float = 1.0) -> dict[float, float | None]:
    scored = {start: score(start)}
    while (scale := next_scale(scored, CLIMB)) is not None:
        scored[scale] = score(scale)
    return scored


def test_a_loss_that_never_acts_is_tried_at_every_scale() -> None:
    found = climbed(lambda scale: 0.30)
    assert sorted(found) == SCALES


def test_a_loss_that_helps_is_followed_until_it_harms() -> None:
    best = {0.01: 0.30, 0.1: 0.30, 1: 0.31, 10: 0.40, 100: 0.20}
    assert list(climbed(best.get)) == [1, 10, 100], "not downwards: a larger weight was the best"


def test_a_loss_that_harms_is_followed_down_until_it_does_not() -> None:
    harm = {0.01: 0.299, 0.1: 0.30, 1: 0.25, 10: 0.1, 100: 0.0}
    assert list(climbed(harm.get)) == [1, 10, 0.1, 0.01]
    diverging = {**harm, 10: None}
    assert list(climbed(diverging.get)) == [1, 10, 0.1, 0.01]


def test_a_start_between_the_scales_and_at_their_ends() -> None:
    assert list(climbed(lambda scale: 1 / scale, start=3.0)) == [3, 10, 1, 0.1, 0.01]
    assert list(climbed(lambda scale: -scale, start=0.01)) == [0.01, 0.1]
    assert list(climbed(lambda scale: scale, start=100)) == [100, 10], "the start was the smallest that was tried"


def climbing(root: Path, **section: Any) -> dict[str, Any]:
    values = toy_values(root)
    values |= {"tests": ["subject"], "protocols": ["frame-map/present"], "seeds": 1}
    values["search"] = {"seeds": [100], "budget": 1, "grid": {}, "climb": {"scales": [0.1, 1, 1000]}, **section}
    return values


def test_an_encoder_climbs_by_encoders_with_other_weights() -> None:
    values = toy_values(Path("x"))
    values["encoders"] = {
        "pose": {"encoder": {"small_pose": {}}, "seeds": "shared"},
        "mars": {
            "encoder": {"small_rgb": {}},
            "distill": {
                "teachers": ["pose"],
                "losses": {"mars": {"weight": 0.3}},
                "joint_cells": {},
                "attention": {"weight": 0.5, "teachers": ["pose"]},
            },
        },
    }
    values["methods"]["by_mars"] = {"encoder": "mars", "climb": "encoder"}
    assert set(check_comparison(values).encoders) == {"pose", "mars"}, "without a climb there is nothing to climb to"
    values["search"] = {"seeds": [100], "budget": 1, "grid": {}, "climb": {"scales": [0.1, 1, 3]}}
    recipe = check_comparison(values)
    assert set(recipe.encoders) == {"pose", "mars", "mars_x0.1", "mars_x3"}
    made = encoder_values(recipe, Places(Path("out"), recipe), "mars_x0.1", 0)["distill"]
    assert made["losses"]["mars"]["weight"] == 0.03 and made["attention"]["weight"] == 0.05
    assert made["joint_cells"]["weight"] == pytest.approx(0.16) and made["joints"] is None
    assert recipe.settled({"by_mars": {"encoder": "mars_x3"}}).methods["by_mars"].encoder == "mars_x3"


def test_scales_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(AugrgbError, match=r"search\.climb\.scales"):
        check_comparison(climbing(tmp_path, climb={"scales": [0, 1]}))


def test_a_small_search_climbs_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_features(tmp_path)
    recipe = check_comparison(climbing(tmp_path))
    outcome = compare(recipe, tmp_path / "out", workers=1)
    assert not outcome.failures
    search = json.loads((tmp_path / "out" / "results.json").read_text())["search"]["methods"]
    assert {key: len(one["trials"]) for key, one in search.items()}["rgb"] == 1, "nothing to scale without losses"
    tried = {trial["settings"].get("scale", 1.0): trial["score"] for trial in search["logits"]["trials"]}
    assert set(tried) >= {1.0, 1000.0}
    assert next_scale(tried, ClimbSection.model_validate({"scales": [0.1, 1, 1000]})) is None
    assert search["logits"]["score"] == max(tried.values())
    used = json.loads((tmp_path / "out" / "streams" / "logits-0" / "run.json").read_text())["identity"]["recipe"]
    chosen = search["logits"]["settings"].get("scale", 1.0)
    assert used["distill"]["losses"]["logit_kd"]["weight"] == chosen
    assert plan_comparison(recipe, tmp_path / "out").jobs == ()
    text = (tmp_path / "out" / "comparison.md").read_text()
    assert "the weights of losses are scaled (0.1, 1, 1000) until that costs more than 1 points" in text
