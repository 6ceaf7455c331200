"""A comparison over worlds and draws of labels: its folders, its settings, its table, and that it resumes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from augrgb.annotations.dataset_file import load_dataset
from augrgb.pipelines.compare import compare_varied
from augrgb.pipelines.comparison.load import check_comparison
from augrgb.pipelines.comparison.variance import is_varied, variants
from support.toy_comparison import make_features, toy_values


def test_draws_and_worlds_become_comparisons_and_components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_features(Path())
    shutil.copytree("data", "other")
    values = toy_values(Path())
    values |= {"tests": ["subject"], "protocols": ["frame-map/present"], "seeds": 2}
    assert not is_varied(check_comparison(values))
    values |= {"worlds": ["data", "other"], "label_seeds": [0, 4]}
    values["search"] = {"seeds": [100], "budget": 2, "grid": {"train.learning_rate": [1e-3, 1e-1]}}
    recipe = check_comparison(values)
    outcome = compare_varied(recipe, Path("out"), workers=1)
    assert is_varied(recipe) and not outcome.failures
    places = [one.folder for one in variants(recipe, Path("out"))]
    assert places == [Path("out") / f"world-{w}" / f"labels-{s}" for w in (0, 1) for s in (0, 4)]
    drawn = load_dataset(places[1] / "dataset").splits["subject"]
    assert len(drawn["train"]) == 4 and drawn["train"] != load_dataset(Path("data")).splits["subject"]["train"]
    assert (places[0] / "search").is_dir() and not (places[1] / "search").exists(), "settings of the first hold for all"
    rates = {
        json.loads((place / "streams" / "rgb-0" / "run.json").read_text())["identity"]["recipe"]["train"][
            "learning_rate"
        ]
        for place in places
    }
    assert len(rates) == 1
    told = json.loads(Path("out/variance.json").read_text())
    rows = {one["row"]: one for one in told["rows"]}
    assert set(rows) == {"rgb", "logits", "pose", "both"} and rows["rgb"]["difference"] is None
    gains = []
    for place in places:
        found = json.loads((place / "results.json").read_text())["statistics"]
        gains.append(next(one["delta"] for one in found if one["row"] == "logits"))
    assert rows["logits"]["difference"]["mean"] == pytest.approx(sum(gains) / 4)
    assert rows["logits"]["difference"]["low"] <= rows["logits"]["difference"]["mean"]
    text = Path("out/variance.md").read_text()
    assert "2 worlds x 2 draws of labels x 2 seeds" in text and "| + logits |" in text
    before = Path("out/variance.json").read_bytes()
    compare_varied(recipe, Path("out"), workers=1)
    assert Path("out/variance.json").read_bytes() == before
