from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from augrgb.core.batch import StreamDims, StreamOutput
from augrgb.core.errors import AugrgbError
from augrgb.losses import LOSSES
from augrgb.training import DistillTerm, EncoderTask, FitSettings, RunFolder, SnippetSet, SnippetTeacher, fit

torch.set_num_threads(1)
toy = SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().parents[1] / "e2e" / "toy_training.py")))
FIT = FitSettings(
    steps=30, learning_rate=0.01, warmup_steps=2, validate_every=15, checkpoint_every=7, accelerator="cpu"
)


def snippets(count: int, labelled: int, seed: int) -> tuple[SnippetSet, np.ndarray]:
    """Snippets whose three classes move an input of shape (4, 3), and a teacher that sees the classes."""
    rng = np.random.default_rng(seed)
    meaning = np.random.default_rng(99).normal(size=(3, 12))
    labels = (rng.random((count, 3)) < 0.4).astype(np.float32)
    x = torch.from_numpy((labels @ meaning + rng.normal(size=(count, 12))).astype(np.float32)).view(count, 4, 3)

    def inputs(indices, generator):
        noise = (
            0.0 if generator is None else torch.from_numpy(generator.normal(size=(len(indices), 4, 3)) * 0.1).float()
        )
        return x[torch.from_numpy(indices)] + noise

    known = np.arange(count) < labelled
    teacher = (labels @ np.random.default_rng(98).normal(size=(3, 6))).astype(np.float32)
    return SnippetSet(inputs, labels, known), teacher


def write(folder: Path, encoder: nn.Module) -> None:
    save_file(encoder.state_dict(), folder / "encoder.safetensors")


def build(losses: tuple[str, ...] = ("atomic_contrastive", "atomic_regression", "logit_kd"), **options) -> EncoderTask:
    train, teacher = snippets(60, 20, 0)
    val, _ = snippets(40, 40, 1)
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU())
    source = SnippetTeacher(teacher, logits=train.labels * 4 - 2)
    dims = StreamDims(student=5, teacher=6, classes=3)
    terms = [DistillTerm("pose", LOSSES[name](dims), 0.5, source) for name in losses]
    return EncoderTask(encoder, 5, train, write=write, val=val, terms=terms, dropout=0.2, **options)


def test_trains_mixes_and_writes_the_encoder_only(tmp_path):
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


def test_every_loss_is_a_loss_of_snippets(tmp_path):
    task = build(tuple(sorted(LOSSES)), batch_size=8)
    fit(task, RunFolder(tmp_path), replace(FIT, steps=3))
    terms = RunFolder(tmp_path).metrics.read()[0]["terms"]
    assert terms["pose/global_relation"] == terms["pose/boundary_saliency"] == 0  # nothing to compare inside T = 1
    assert terms["pose/atomic_contrastive"] > 0


def test_going_on_is_exact_with_augmentation(tmp_path):
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


def test_a_teacher_that_knows_some_snippets_only():
    _, teacher = snippets(10, 10, 0)
    there = np.arange(10) < 4
    task = build(())
    batch = task.batch(0)
    output, available = SnippetTeacher(teacher, available=there).outputs(
        replace(batch, indices=torch.tensor([1, 7])), [0, 0]
    )
    assert available[:, 0].tolist() == [True, False] and output.features.shape == (2, 1, 6)
    with pytest.raises(AugrgbError, match=r"E-MOD-008 logit_kd: the teacher has logits of 0 classes, the student 3"):
        LOSSES["logit_kd"](StreamDims(5, 6, 3))(StreamOutput(torch.zeros(2, 1, 5), torch.zeros(2, 1, 3)), output, batch)


def test_plain_training_uses_labelled_snippets_only():
    task = build((), batch_size=7)
    assert {int(i) for step in range(9) for i in task.plan.at(step)} == set(range(20))
