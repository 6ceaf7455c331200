"""Training from recipes: videos cut at random, and losses that look at a teacher's hidden layers."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from support.tiny_project import run_cli, write


def test_cuts_and_hidden_layers_work_from_a_recipe(project: Path, tmp_path: Path) -> None:
    values = yaml.safe_load((project / "distilled.yaml").read_text())
    values["train"].update(steps=4, max_length=5)
    values["distill"]["losses"] = {
        "atomic_contrastive": {"max_negatives": 7},
        "global_relation": {"weight": 0.1},
        "boundary_saliency": {"weight": 0.1},
        "fsp": {"layers": "hidden"},
        "ab": {"last": 2},
        "crd": {"segments": 4, "dim": 8, "negatives": 5},
    }
    outcome = run_cli("distill", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    terms = next(line["terms"] for line in lines if "terms" in line)
    assert {name.split("/")[-1] for name in terms} >= set(values["distill"]["losses"])
    assert all(terms[name] > 0 for name in terms)
    seen = next(line["snippets"] for line in lines if "snippets" in line)
    assert max(seen.values()) <= 4 * values["train"]["batch_size"] * 5


def test_a_teacher_with_fewer_layers_is_told(project: Path, tmp_path: Path) -> None:
    values = yaml.safe_load((project / "distilled.yaml").read_text())
    values["distill"]["losses"] = {"ab": {"last": 3}}
    outcome = run_cli("distill", write(tmp_path / "r.yaml", values), "--out", tmp_path / "run")
    assert outcome.code == 2 and "E-MOD-010" in outcome.err, outcome.err
