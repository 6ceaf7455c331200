"""Semi-supervision without any teacher modality, from recipes, `augrgb train` and `augrgb compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from augrgb.core.errors import AugrgbError
from augrgb.recipe import StreamRecipe, check_recipe
from support.tiny_project import expect_success, run_cli, write
from support.toy_comparison import make_features, toy_values, write_recipe


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("toy")
    make_features(folder)
    return folder


def values(root: Any, **sections: Any) -> Any:
    base = toy_values(root)["stream"]
    base["data"]["features"] = {"rgb": base["data"]["features"]["rgb"]}
    return {**base, **sections}


def metrics(run: Any) -> Any:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "terms" in line]


def test_a_stream_teaches_itself_without_another_modality(root: Any, tmp_path: Path) -> None:
    expect_success("train", write(tmp_path / "rgb.yaml", values(root)), "--out", tmp_path / "rgb")
    loss = {"positive": 0.5, "negative": 0.5, "weight": 0.5}
    distill = {"teachers": {"self": str(tmp_path / "rgb")}, "losses": {"pseudo_labels": loss}}
    recipe = write(tmp_path / "self.yaml", values(root, distill=distill))
    expect_success("distill", recipe, "--out", tmp_path / "taught")
    line = metrics(tmp_path / "taught")[-1]
    assert line["terms"]["self/pseudo_labels"] > 0 and line["snippets"]["self/pseudo_labels"] > 0


def test_mean_teacher_from_a_recipe(root: Any, tmp_path: Path) -> None:
    semi = {"mean_teacher": {"weight": 3.0, "decay": 0.9, "ramp_steps": 2}, "noise": 0.2, "unlabelled_share": 0.5}
    expect_success("train", write(tmp_path / "r.yaml", values(root, semi_supervised=semi)), "--out", tmp_path / "mt")
    line = metrics(tmp_path / "mt")[-1]
    assert line["terms"]["self/mean_teacher"] > 0
    assert line["snippets"]["self/mean_teacher"] == 2 * line["snippets"]["detection"], "half of a batch is unlabelled"
    again = yaml.safe_load((tmp_path / "r.yaml").read_text())
    again["semi_supervised"]["mean_teacher"]["decay"] = 0.5
    refused = run_cli("train", write(tmp_path / "s.yaml", again), "--out", tmp_path / "mt")
    assert refused.code == 2 and "semi_supervised.mean_teacher.decay" in refused.err


@pytest.mark.slow
def test_both_as_methods_of_a_comparison(root: Any, tmp_path: Path) -> None:
    recipe = toy_values(root)
    recipe["methods"] = {
        "rgb": {},
        "pseudo": {"teachers": ["rgb"], "losses": {"pseudo_labels": {"thresholds": "prevalence"}}},
        "mean": {"set": {"semi_supervised": {"mean_teacher": {"weight": 2.0}}}},
    }
    recipe.update(fusions={}, gaps=[], featured="mean", seeds=1, tests=["subject"])
    expect_success("compare", write_recipe(tmp_path, recipe), "--out", tmp_path / "out", "--workers", 1)
    assert "self/mean_teacher" in metrics(tmp_path / "out" / "streams" / "mean-0")[-1]["terms"]
    assert "rgb/pseudo_labels" in metrics(tmp_path / "out" / "streams" / "pseudo-0")[-1]["terms"]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert not results["failures"]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"semi_supervised": {"mean_teacher": {"decoy": 0.9}}}, "did you mean 'decay'"),
        ({"semi_supervised": {"mean_teacher": {"consistency": "kl"}}}, "mean_teacher.consistency"),
        ({"semi_supervised": {"nose": 0.9}}, "did you mean 'noise'"),
        ({"distill": {"teachers": {"a": "x"}, "losses": {"hint": {"teachers": ["b"]}}}}, "no such teacher: 'b'"),
    ],
)
def test_mistakes_are_named(root: Any, section: Any, told: Any) -> None:
    with pytest.raises(AugrgbError) as caught:
        check_recipe(values(root, **section), StreamRecipe)
    assert told in str(caught.value)


def test_a_loss_can_be_of_some_teachers_only(root: Any, tmp_path: Path) -> None:
    everything = toy_values(root)["stream"]
    for modality in ("pose", "rgb"):
        own = {**everything, "student": {**everything["student"], "modality": modality}}
        expect_success("train", write(tmp_path / f"{modality}.yaml", own), "--out", tmp_path / modality)
    losses = {"pseudo_labels": {"teachers": ["self"]}, "hint": {"teachers": ["pose"]}, "logit_kd": {}}
    distill = {"teachers": {"pose": str(tmp_path / "pose"), "self": str(tmp_path / "rgb")}, "losses": losses}
    recipe = write(tmp_path / "r.yaml", {**everything, "distill": distill})
    expect_success("distill", recipe, "--out", tmp_path / "taught")
    terms = set(metrics(tmp_path / "taught")[-1]["terms"]) - {"loss", "detection"}
    assert terms == {"self/pseudo_labels", "pose/hint", "pose/logit_kd", "self/logit_kd"}
