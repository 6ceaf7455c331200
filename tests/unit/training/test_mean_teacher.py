"""The mean teacher: its average, its consistency, and that training with it can stop and go on anywhere."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from augrgb.core.batch import Batch, StreamOutput
from augrgb.core.errors import UsageFault
from augrgb.core.seeds import rng_at
from augrgb.features.stream_data import StreamData
from augrgb.streams import StreamSettings, build_stream, load_stream
from augrgb.training import FitSettings, RunFolder, StreamTask, fit
from augrgb.training.mean_teacher import MeanTeacher
from augrgb.training.moving_average import follow
from augrgb.training.perturbation import Perturbation
from augrgb.training.terms import second_view
from support import toy_training as toy

FIT: FitSettings = replace(toy.FIT, accelerator="cpu")


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(4, 3)
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x: Any, mask: Any) -> Any:
        return StreamOutput(x, self.line(x) * mask[..., None])


def views(labelled: Any = (True, False), pad: Any = 0) -> Any:
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(2, 5 + pad, dtype=torch.bool)
    mask[0, :5] = mask[1, :3] = True
    first, second = (torch.zeros(2, 5 + pad, 4) for _ in range(2))
    for x in (first, second):
        x[:, :5] = torch.randn(2, 5, 4, generator=generator)
    features = {"rgb": first, second_view("rgb"): second}
    return Batch(mask, torch.zeros(2, 5 + pad, 3), torch.tensor(labelled), features)


def task_of(
    *, labelled: Any = 5, perturbation: Any = Perturbation(0.2, 0.1), filter_name: Any = "sd_tcn", **options: Any
) -> StreamTask:
    dataset, features = toy.toy_data()
    ids, rgb = list(dataset.videos), {"rgb": features["rgb"]}
    train = StreamData(dataset, ids[:8], rgb, grid="rgb", labelled=ids[:labelled])
    torch.manual_seed(0)
    settings = StreamSettings("rgb", filter_name, 6, toy.CLASSES, toy.CLOCK, {"width": 8, "layers": 2})
    stream = build_stream(settings)
    terms = [MeanTeacher(stream, "rgb", ramp_steps=6, decay=0.8, **options)]
    val = StreamData(dataset, ids[8:], rgb, grid="rgb")
    return StreamTask(stream, settings, train, val=val, terms=terms, perturbation=perturbation, batch_size=4)


def test_the_average_follows_the_student_as_published() -> None:
    student = Head()
    term = MeanTeacher(student, "rgb", decay=0.6)
    expected = torch.zeros(3, 4)
    for step in range(5):
        with torch.no_grad():
            student.line.weight += 1.0
            student.seen += 1
        decay = min(1 - 1 / (step + 1), 0.6)
        expected = decay * expected + (1 - decay) * student.line.weight.detach()
        follow(term.average, student, step, term.decay)
        torch.testing.assert_close(term.average.line.weight, expected)
        assert term.average.seen == student.seen, "buffers are copied"


@pytest.mark.parametrize("consistency", ["mse", "bce"])
def test_consistency_is_the_mean_over_real_snippets(consistency: Any) -> None:
    student, batch = Head(), views()
    term = MeanTeacher(student, "rgb", consistency=consistency)
    found = term(student, student(batch.features["rgb"], batch.mask), batch, 0)
    total, count = 0.0, 0
    for b, t in batch.mask.nonzero().tolist():
        q, p = (student.line(batch.features[view][b, t]).sigmoid().detach() for view in ("rgb", second_view("rgb")))
        divergence = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
        total, count = total + float(((q - p) ** 2 if consistency == "mse" else divergence).mean()), count + 1
    assert found.value.item() == pytest.approx(total / count, rel=1e-4)
    assert found.snippets == 8 and found.weight == pytest.approx(10 * math.exp(-5))
    padded = views(pad=4)
    again = term(student, student(padded.features["rgb"], padded.mask), padded, 0)
    torch.testing.assert_close(found.value, again.value)


def test_gradient_reaches_the_student_only_and_not_at_equality() -> None:
    student, batch = Head(), views()
    term = MeanTeacher(student, "rgb")
    term(student, student(batch.features["rgb"], batch.mask), batch, 0).value.backward()
    assert student.line.weight.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in term.parameters())
    same = replace(batch, features={**batch.features, second_view("rgb"): batch.features["rgb"]})
    assert term(student, student(batch.features["rgb"], batch.mask), same, 0).value == 0


@pytest.mark.parametrize(("labelled", "snippets"), [((True, False), 3), ((True, True), 0)])
def test_only_unlabelled(labelled: Any, snippets: Any) -> None:
    student, batch = Head(), views(labelled)
    term = MeanTeacher(student, "rgb", only_unlabelled=True)
    found = term(student, student(batch.features["rgb"], batch.mask), batch, 9)
    assert found.snippets == snippets and torch.isfinite(found.value) and (found.value > 0) == (snippets > 0)
    found.value.backward()  # every process needs a graph, even without snippets


def test_the_weight_rises() -> None:
    term = MeanTeacher(Head(), "rgb", ramp_steps=100)
    heights = [term.ramp(step) for step in (0, 50, 100, 1000)]
    assert heights == pytest.approx([math.exp(-5), math.exp(-1.25), 1, 1])
    assert MeanTeacher(Head(), "rgb", ramp_steps=0).ramp(0) == 1


def test_a_decay_outside_its_range_is_refused() -> None:
    with pytest.raises(UsageFault, match="E-CFG-003"):
        MeanTeacher(Head(), "rgb", decay=1.0)


def test_perturbation_is_of_the_stated_size_and_repeatable() -> None:
    x, mean, std = torch.ones(3, 400, 50), torch.full((50,), 7.0), torch.linspace(0.5, 3, 50)
    only_noise = Perturbation(0, 0.2).apply(x, mean, std, rng_at(0))
    torch.testing.assert_close((only_noise - x).flatten(0, 1).std(0), 0.2 * std, rtol=0.1, atol=0)
    dropped = Perturbation(0.3, 0).apply(x, mean, std, rng_at(0))
    assert set(dropped.unique().tolist()) == {1.0, 7.0} and (dropped == dropped[:, :1]).all(), "whole channels"
    assert 0.2 < float((dropped == 7).float().mean()) < 0.4
    torch.testing.assert_close(dropped, Perturbation(0.3, 0).apply(x, mean, std, rng_at(0)), rtol=0, atol=0)
    assert Perturbation(0, 0).apply(x, mean, std, rng_at(0)) is x


def outcome(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("model.safetensors", "metrics.jsonl", "result.json")}


class Power(Exception):
    """The plug is pulled."""


@pytest.mark.parametrize("at", [0, 9])
def test_going_on_after_a_crash_is_exact(tmp_path: Path, at: Any) -> None:
    fit(task_of(), RunFolder(tmp_path / "whole"), FIT)
    task = task_of()
    original = task.batch

    def batch(step: Any) -> Any:
        if step == at:
            raise Power
        return original(step)

    task.batch = batch
    with pytest.raises(Power):
        fit(task, RunFolder(tmp_path / "cut"), FIT)
    fit(task_of(), RunFolder(tmp_path / "cut"), FIT)
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")


def test_unlabelled_videos_are_used_counted_and_reported(tmp_path: Path) -> None:
    task = task_of()
    batch = task.batch(0)
    assert not batch.labelled.all() and batch.labels[~batch.labelled].sum() == 0
    assert not torch.equal(batch.features["rgb"], batch.features[second_view("rgb")])
    fit(task, RunFolder(tmp_path), FIT)
    line = next(line for line in RunFolder(tmp_path).metrics.read() if "terms" in line)
    assert line["terms"]["self/mean_teacher"] > 0
    assert line["snippets"]["self/mean_teacher"] > line["snippets"]["detection"] > 0


@pytest.mark.parametrize("keep", ["average", "student"])
def test_what_is_kept_is_what_was_validated(tmp_path: Path, keep: Any) -> None:
    task = task_of(keep=keep)
    result = fit(task, RunFolder(tmp_path), FIT)
    task.terms = ()  # from here on the student itself is asked
    assert task.validate() == result.validation
    kept = load_stream(tmp_path).stream.state_dict()
    torch.testing.assert_close(kept, dict(task.stream.state_dict()), rtol=0, atol=0)


def test_it_makes_predictions_consistent() -> None:
    """Without labels worth mentioning the student agrees with itself more than a plain one does."""

    def disagreement(weight: float) -> float:
        task = task_of(labelled=2, weight=weight, perturbation=Perturbation(0.4, 0.5))
        optimizer = torch.optim.Adam(task.stream.parameters(), lr=1e-2)
        for step in range(60):
            batch = task.batch(step)
            terms = task.loss_terms(task.stream(batch.features["rgb"], batch.mask), batch, step)
            optimizer.zero_grad()
            torch.stack([term.weight * term.value for term in terms]).sum().backward()
            optimizer.step()
        task.stream.eval()
        batch = task.batch(1000)
        with torch.no_grad():
            a, b = (task.stream(batch.features[v], batch.mask).logits.sigmoid() for v in ("rgb", second_view("rgb")))
        return float((a - b)[batch.mask].square().mean())

    assert disagreement(50.0) < 0.5 * disagreement(1e-9)
