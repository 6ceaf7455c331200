from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from augrgb.core.batch import StreamDims, StreamOutput
from augrgb.core.errors import AugrgbError
from augrgb.losses import LOSSES
from augrgb.training import (
    DistillationTerm,
    EncoderClassifier,
    EncoderTask,
    FitSettings,
    RunFolder,
    SnippetSet,
    SnippetTeacher,
    fit,
)
from augrgb.training.encoder_task import Mirroring
from augrgb.training.mean_teacher import MeanTeacher
from augrgb.training.teachers.snippet_classifier import SnippetClassifier
from augrgb.training.weight_average import WeightAverage

torch.set_num_threads(1)
FIT = FitSettings(
    steps=30, learning_rate=0.01, warmup_steps=2, validate_every=15, checkpoint_every=7, accelerator="cpu"
)


def snippets(count: int, labelled: int, seed: int) -> tuple[SnippetSet, np.ndarray]:
    """Snippets whose three classes move an input of shape (4, 3), and a teacher that sees the classes."""
    rng = np.random.default_rng(seed)
    meaning = np.random.default_rng(99).normal(size=(3, 12))
    labels = (rng.random((count, 3)) < 0.4).astype(np.float32)
    x = torch.from_numpy((labels @ meaning + rng.normal(size=(count, 12))).astype(np.float32)).view(count, 4, 3)

    def inputs(indices: Any, generator: Any) -> Any:
        noise = (
            0.0 if generator is None else torch.from_numpy(generator.normal(size=(len(indices), 4, 3)) * 0.1).float()
        )
        return x[torch.from_numpy(indices)] + noise

    known = np.arange(count) < labelled
    teacher = (labels @ np.random.default_rng(98).normal(size=(3, 6))).astype(np.float32)
    return SnippetSet(inputs, labels, known), teacher


def write(folder: Path, encoder: nn.Module) -> None:
    save_file(encoder.state_dict(), folder / "encoder.safetensors")


def build(
    losses: tuple[str, ...] = ("atomic_contrastive", "atomic_regression", "logit_kd"),
    *,
    student_terms: Any = lambda student: [],
    classifier: SnippetClassifier | None = None,
    **options: Any,
) -> EncoderTask:
    train, teacher = snippets(60, 20, 0)
    val, _ = snippets(40, 40, 1)
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU())
    source = SnippetTeacher(teacher, logits=train.labels * 4 - 2)
    dims = StreamDims(student=5, teacher=6, classes=3)
    terms = [DistillationTerm("pose", LOSSES[name](dims), 0.5, source) for name in losses]
    student = EncoderClassifier(encoder, 5, 3, dropout=0.2)
    if classifier is not None:
        student.start_from(classifier)
    return EncoderTask(student, train, write=write, val=val, terms=[*terms, *student_terms(student)], **options)


def test_trains_mixes_and_writes_the_encoder_only(tmp_path: Path) -> None:
    task = build(batch_size=12, unlabelled_share=0.5)
    batch = task.batch(0)
    assert batch.features["rgb"].shape == (12, 4, 3) and batch.mask.shape == (12, 1)
    assert batch.labelled.tolist() == [True] * 6 + [False] * 6
    assert batch.labels[6:].abs().sum() == 0, "labels of unlabelled snippets must not be seen"
    before = task.validate()
    result = fit(task, RunFolder(tmp_path), FIT)
    assert result.validation["frame_map"] > before["frame_map"]
    assert set(load_file(tmp_path / "encoder.safetensors")) == {"1.weight", "1.bias"}
    seen = RunFolder(tmp_path).metrics.read()[0]["snippets"]
    assert seen["pose/logit_kd"] == 2 * seen["detection"] == 120


def test_every_loss_is_a_loss_of_snippets(tmp_path: Path) -> None:
    task = build(tuple(sorted(LOSSES)), batch_size=8)
    fit(task, RunFolder(tmp_path), replace(FIT, steps=3))
    terms = RunFolder(tmp_path).metrics.read()[0]["terms"]
    assert terms["pose/global_relation"] == terms["pose/boundary_saliency"] == 0  # nothing to compare inside T = 1
    assert terms["pose/atomic_contrastive"] > 0


def test_going_on_is_exact_with_augmentation(tmp_path: Path) -> None:
    for name in ("whole", "twice"):
        run = RunFolder(tmp_path / name)
        if name == "twice":
            task = build(("atomic_contrastive",))
            original = task.batch
            task.batch = lambda step, original=original: original(step if step < 17 else 1 / 0)
            with pytest.raises(ZeroDivisionError):
                fit(task, run, FIT)
        fit(build(("atomic_contrastive",)), run, FIT)
    for file in ("encoder.safetensors", "metrics.jsonl"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "twice" / file).read_bytes()


def test_a_teacher_that_knows_some_snippets_only() -> None:
    _, teacher = snippets(10, 10, 0)
    there = np.arange(10) < 4
    task = build(())
    batch = task.batch(0)
    output, available = SnippetTeacher(teacher, available=there).outputs(replace(batch, indices=torch.tensor([1, 7])))
    assert available[:, 0].tolist() == [True, False] and output.features.shape == (2, 1, 6)
    with pytest.raises(AugrgbError, match=r"E-MOD-008 logit_kd: the teacher has logits of 0 classes, the student 3"):
        LOSSES["logit_kd"](StreamDims(5, 6, 3))(StreamOutput(torch.zeros(2, 1, 5), torch.zeros(2, 1, 3)), output, batch)


def test_plain_training_uses_labelled_snippets_only() -> None:
    task = build((), batch_size=7)
    assert {int(i) for step in range(9) for i in task.plan.at(step)} == set(range(20))


def semi(student: nn.Module, **options: Any) -> list[MeanTeacher]:
    return [MeanTeacher(student, "rgb", ramp_steps=5, **options)]


def test_a_mean_teacher_of_snippets_sees_another_view_and_the_unlabelled() -> None:
    task = build((), batch_size=12, unlabelled_share=0.5, student_terms=semi)
    batch = task.batch(0)
    first, second = batch.features["rgb"], batch.features["rgb (second view)"]
    assert not torch.equal(first, second) and (first - second).abs().max() < 1.0  # the same snippets, other noise
    assert batch.labelled.tolist() == [True] * 6 + [False] * 6
    output = task.student(first, batch.mask)
    terms = {term.name: term for term in task.loss_terms(output, batch, 3)}
    assert terms["detection"].snippets == 6 and terms["self/mean_teacher"].snippets == 12
    terms["detection"].value.backward(inputs=[output.logits], retain_graph=True)
    assert output.logits.grad[6:].abs().sum() == 0 < output.logits.grad[:6].abs().sum()


@pytest.mark.parametrize("student_terms", [semi, lambda student: [WeightAverage(student, decay=0.8)]])
def test_going_on_is_exact_with_averages(tmp_path: Path, student_terms: Any) -> None:
    for name in ("whole", "twice"):
        run = RunFolder(tmp_path / name)
        if name == "twice":
            task = build(("logit_kd",), student_terms=student_terms)
            original = task.batch
            task.batch = lambda step, original=original: original(step if step < 17 else 1 / 0)
            with pytest.raises(ZeroDivisionError):
                fit(task, run, FIT)
        fit(build(("logit_kd",), student_terms=student_terms), run, FIT)
    for file in ("encoder.safetensors", "classifier.safetensors", "metrics.jsonl"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "twice" / file).read_bytes()


def test_the_average_is_kept_and_training_stays_the_same(tmp_path: Path) -> None:
    settings = replace(FIT, keep="last", checkpoint_every=1, validate_every=30)
    plain, averaged = build(()), build((), student_terms=lambda student: [WeightAverage(student, decay=0.8)])
    weights = []
    original = averaged.loss_terms

    def noted(output: Any, batch: Any, step: Any) -> Any:
        weights.append(averaged.encoder[1].weight.detach().clone())
        return original(output, batch, step)

    averaged.loss_terms = noted
    fit(plain, RunFolder(tmp_path / "plain"), settings)
    fit(averaged, RunFolder(tmp_path / "averaged"), settings)
    expected = weights[0]
    for step, weight in enumerate(weights):  # by hand, from the weights at the beginning of each step
        keep = min(0.8, 1 - 1 / (step + 1))
        expected = keep * expected + (1 - keep) * weight
    kept = load_file(tmp_path / "averaged" / "encoder.safetensors")["1.weight"]
    torch.testing.assert_close(kept, expected)
    losses = [RunFolder(tmp_path / name).metrics.read()[-2]["terms"]["loss"] for name in ("plain", "averaged")]
    assert losses[0] == losses[1]
    assert not torch.allclose(kept, load_file(tmp_path / "plain" / "encoder.safetensors")["1.weight"])


def test_mirrored_snippets_have_the_labels_of_the_mirror() -> None:
    mirror = Mirroring(0.5, lambda x: -x, np.array([1, 0, 2]))
    plain, mirrored = build((), batch_size=20), build((), batch_size=20, mirroring=mirror)
    some = 0
    for step in range(5):
        before, after = plain.batch(step), mirrored.batch(step)
        for row in range(20):
            turned = torch.equal(after.features["rgb"][row], -before.features["rgb"][row])
            assert turned or torch.equal(after.features["rgb"][row], before.features["rgb"][row])
            wanted = before.labels[row][:, [1, 0, 2]] if turned else before.labels[row]
            assert torch.equal(after.labels[row], wanted)
            some += turned
    assert 20 < some < 80
    assert torch.equal(mirrored.batch(3).features["rgb"], mirrored.batch(3).features["rgb"])


def test_a_classifier_to_start_from() -> None:
    given = SnippetClassifier(np.full((3, 5), 0.5, np.float32), np.arange(3, dtype=np.float32))
    task = build((), classifier=given)
    torch.testing.assert_close(task.student.classifier.bias, torch.arange(3.0))
    with pytest.raises(AugrgbError, match=r"E-ENC-002 init: the classifier is \(2, 5\), not \(3, 5\)"):
        build((), classifier=SnippetClassifier(np.zeros((2, 5), np.float32), np.zeros(2, np.float32)))


def test_a_frozen_part_does_not_move(tmp_path: Path) -> None:
    train, _ = snippets(30, 30, 0)
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 5))
    encoder[1].requires_grad_(False)
    before = [parameter.detach().clone() for parameter in encoder.parameters()]
    fit(EncoderTask(EncoderClassifier(encoder, 5, 3), train, write=write), RunFolder(tmp_path), FIT)
    moved = [not torch.equal(old, new) for old, new in zip(before, encoder.parameters(), strict=True)]
    assert moved == [False, False, True, True]


@pytest.mark.parametrize(("schedule", "rates"), [(None, (0.5, 0.0)), ("linear", (0.5, 0.0)), ("constant", (1.0, 1.0))])
def test_schedules(schedule: Any, rates: Any) -> None:
    settings = FitSettings(steps=110, warmup_steps=10, learning_rate=1.0, schedule=schedule)
    assert settings.learning_rate_at(4) == pytest.approx(0.5) and settings.learning_rate_at(10) == 1.0
    assert (settings.learning_rate_at(60), settings.learning_rate_at(110)) == pytest.approx(rates)
    quarter = {None: 0.8536, "linear": 0.75, "constant": 1.0}[schedule]
    assert settings.learning_rate_at(35) == pytest.approx(quarter, abs=1e-4)
