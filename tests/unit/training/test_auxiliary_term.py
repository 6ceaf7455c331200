"""Auxiliary losses of a filter: the heat-map branch of MS-TCT, from a recipe to the log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from augrgb.features.stream_data import StreamData
from augrgb.filters import FILTERS
from augrgb.streams import StreamSettings, build_stream, load_stream
from augrgb.training import RunFolder, StreamTask, fit
from augrgb.training.auxiliary_term import AuxiliaryTerm
from support import toy_training as toy
from support.tiny_project import expect_success, write
from support.toy_comparison import make_features, toy_values

SMALL = {"width": 8, "stages": (8, 8, 8, 8), "heads": 2, "blocks": 1, "expansion": 2, "dropout": 0.0}


def task_of(**options: Any) -> StreamTask:
    dataset, features = toy.toy_data()
    ids, rgb = list(dataset.videos), {"rgb": features["rgb"]}
    train = StreamData(dataset, ids[:8], rgb, grid="rgb", labelled=ids[:5])
    torch.manual_seed(0)
    settings = StreamSettings("rgb", "ms_tct", 6, toy.CLASSES, toy.CLOCK, {**SMALL, **options})
    stream = build_stream(settings)
    val = StreamData(dataset, ids[8:], rgb, grid="rgb")
    return StreamTask(stream, settings, train, val=val, terms=AuxiliaryTerm.of_filter(stream), batch_size=4)


def test_only_some_filters_have_one_and_zero_leaves_it_out() -> None:
    branches = {"ms_tct": {"heat_map"}, "ms_temba": {"blocks"}}
    small: dict[str, dict[str, Any]] = {"ms_tct": SMALL, "ms_temba": {"width": 8, "channels": (4, 4)}}
    for name, kind in FILTERS.items():
        assert set(kind(6, **small.get(name, {})).auxiliary_losses(3)) == branches.get(name, set())
    (term,) = task_of().terms
    assert (term.name, term.weight, term.uses_unlabelled) == ("ms_tct/heat_map", 0.05, False)
    assert task_of(heat_map_weight=0.0).terms == () and task_of(heat_map_weight=0.7).terms[0].weight == 0.7


def test_training_decreases_it_and_more_so_than_without(tmp_path: Path) -> None:
    def heights(weight: float) -> list[float]:
        task = task_of(heat_map_weight=weight)
        run = RunFolder(tmp_path / str(weight))
        settings = replace(toy.FIT, steps=30, log_every=5, accelerator="cpu", keep="last", checkpoint_every=30)
        fit(task, run, settings)
        return [line["terms"]["ms_tct/heat_map"] for line in run.metrics.read() if "terms" in line]

    with_it, hardly = heights(1.0), heights(1e-12)
    assert with_it[-1] < 0.8 * with_it[0]
    assert with_it[-1] < hardly[-1]


def test_masks_and_unlabelled_videos_are_honoured() -> None:
    task = task_of()
    (term,) = task.terms
    batch = task.data.collate([0, 1, 6])
    student = task.stream.eval()
    found = term(student, student(batch.features["rgb"], batch.mask), batch, 0)
    assert batch.labelled.tolist() == [True, True, False]
    assert found.snippets == batch.mask[:2].sum()
    # rubbish where nothing is known, and more padding, change nothing
    rubbish = torch.where((batch.mask & batch.labelled[:, None])[..., None], batch.labels, 1.0)
    again = term(student, student(batch.features["rgb"], batch.mask), replace(batch, labels=rubbish), 0)
    torch.testing.assert_close(again.value, found.value)
    alone = task.data.collate([0, 1])
    few = term(student, student(alone.features["rgb"], alone.mask), alone, 0)
    torch.testing.assert_close(few.value, found.value)


def test_without_labels_it_is_zero_with_a_graph() -> None:
    task = task_of()
    (term,) = task.terms
    batch = replace(task.data.collate([0, 1]), labelled=torch.tensor([False, False]))
    found = term(task.stream, task.stream(batch.features["rgb"], batch.mask), batch, 0)
    found.value.backward()
    assert torch.isfinite(found.value) and found.snippets == 0
    assert all(p.grad is None or (p.grad == 0).all() for p in task.stream.parameters())


def test_going_on_after_a_stop_is_exact(tmp_path: Path) -> None:
    settings = replace(toy.FIT, steps=8, accelerator="cpu")
    fit(task_of(), RunFolder(tmp_path / "whole"), settings)
    asked = iter([False, False, True])
    with pytest.raises(Exception, match="E-RUN-003"):
        fit(task_of(), RunFolder(tmp_path / "cut"), settings, stop=lambda: next(asked))
    fit(task_of(), RunFolder(tmp_path / "cut"), settings)
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_from_a_recipe_the_branch_is_trained_and_then_dropped(tmp_path: Path) -> None:
    make_features(tmp_path)
    recipe = toy_values(tmp_path)["stream"]
    recipe["student"] = {"filter": {"ms_tct": {**SMALL, "stages": [8, 8, 8, 8], "heat_map_weight": 0.2}}}
    expect_success("train", write(tmp_path / "r.yaml", recipe), "--out", tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    terms = next(line["terms"] for line in lines if "terms" in line)
    assert terms["loss"] == pytest.approx(terms["detection"] + 0.2 * terms["ms_tct/heat_map"], rel=1e-5)
    stream = load_stream(tmp_path / "run").stream
    assert not any("predict" in name or "branch" in name for name in stream.state_dict())
