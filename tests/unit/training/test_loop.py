from __future__ import annotations

import json
import math
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from augrgb.core.errors import AugrgbError, UsageFault
from augrgb.training import FitSettings, Interrupted, RunFolder, Terminated, fit
from support import toy_training as toy

torch.set_num_threads(1)
FIT: FitSettings = replace(toy.FIT, accelerator="cpu")


def outcome(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("model.safetensors", "metrics.jsonl", "result.json")}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    fit(toy.toy_task(), RunFolder(folder), FIT)
    return outcome(folder)


def test_a_second_run_has_the_same_bytes(uninterrupted: Any, tmp_path: Path) -> None:
    fit(toy.toy_task(), RunFolder(tmp_path), FIT)
    assert outcome(tmp_path) == uninterrupted


def test_another_seed_has_not(uninterrupted: Any, tmp_path: Path) -> None:
    fit(toy.toy_task(), RunFolder(tmp_path), replace(FIT, seed=1))
    assert outcome(tmp_path)["model.safetensors"] != uninterrupted["model.safetensors"]


class Power(Exception):
    """The plug is pulled."""


@pytest.mark.parametrize("at", [0, 1, 5, 8, 13, 23])
def test_going_on_after_a_crash_is_exact(
    uninterrupted: Any, tmp_path: Path, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = toy.toy_task()
    original = task.batch

    def batch(step: Any) -> Any:
        if step == at:
            raise Power
        return original(step)

    task.batch = batch
    with pytest.raises(Power):
        fit(task, RunFolder(tmp_path), FIT)
    assert not (tmp_path / "result.json").exists()
    with open(tmp_path / "metrics.jsonl", "a") as handle:
        handle.write('{"step": 9')  # a torn line
    fit(toy.toy_task(), RunFolder(tmp_path), FIT)
    assert outcome(tmp_path) == uninterrupted


def test_loss_goes_down_and_the_best_step_is_kept(uninterrupted: Any, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    task = toy.toy_task()
    result = fit(task, run, FIT)
    lines = run.metrics.read()
    losses = [line["terms"]["loss"] for line in lines if "terms" in line]
    assert losses[-1] < losses[0] and all(math.isfinite(loss) for loss in losses)
    validations = {line["step"]: line["validation"]["frame_map"] for line in lines if "validation" in line}
    assert set(validations) == {6, 12, 18, 24}
    assert result.validation["frame_map"] == max(validations.values()) == validations[result.kept_step]
    assert task.validate() == result.validation, "the student must hold the kept weights"
    names = {"detection", "loss", *(f"pose/{name}" for name in toy.LOSS_NAMES)}
    assert set(lines[0]["terms"]) == names
    seen = lines[0]["snippets"]
    assert seen["pose/logit_kd"] > seen["detection"] > 0, "unlabelled videos teach, but have no detection loss"


def test_keeping_the_last(tmp_path: Path) -> None:
    result = fit(toy.toy_task(), RunFolder(tmp_path), replace(FIT, keep="last"))
    assert result.kept == "last" and result.kept_step == FIT.steps


def test_a_finished_run_is_returned(tmp_path: Path, uninterrupted: Any) -> None:
    first = fit(toy.toy_task(), RunFolder(tmp_path), FIT)
    task = toy.toy_task()
    task.batch = None  # would fail if it were called
    assert fit(task, RunFolder(tmp_path), FIT) == first
    assert task.validate() == first.validation


def test_other_settings_are_refused_with_the_difference(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        fit(toy.toy_task(), RunFolder(tmp_path), FIT, stop=lambda: True)
    other = replace(FIT, learning_rate=0.5)
    with pytest.raises(AugrgbError, match=r"E-RUN-002 .*settings.learning_rate: 0.003 before, 0.5 now"):
        fit(toy.toy_task(), RunFolder(tmp_path), other)
    with pytest.raises(AugrgbError, match=r"task.batch_size: 4 before, 5 now"):
        fit(toy.toy_task(batch_size=5), RunFolder(tmp_path), FIT)
    with pytest.raises(AugrgbError, match=r"recipe.a: 'absent' before, 1 now"):
        fit(toy.toy_task(), RunFolder(tmp_path), FIT, recipe={"a": 1})
    fit(toy.toy_task(), RunFolder(tmp_path), other, resume_anyway=True)
    assert json.loads((tmp_path / "run.json").read_text())["changes"][0]["settings"]["learning_rate"] == 0.5


def test_stopping_saves_and_goes_on_exactly(uninterrupted: Any, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for _ in range(3):
        with pytest.raises(Interrupted, match="E-RUN-003") as caught:
            fit(toy.toy_task(), run, FIT, stop=lambda: True)
        assert caught.value.exit_code == 130
    assert run.checkpoints.steps()[-1] == 3
    fit(toy.toy_task(), run, FIT)
    assert outcome(tmp_path) == uninterrupted


@pytest.mark.parametrize(("number", "kind", "code"), [("SIGTERM", Terminated, 143), ("SIGINT", Interrupted, 130)])
def test_signals_save_first(uninterrupted: Any, tmp_path: Path, number: Any, kind: Any, code: Any) -> None:
    before = signal.getsignal(getattr(signal, number))

    def progress(step: Any, steps: Any, numbers: Any) -> None:
        if step == 4:  # a step that is logged, but not validated: a second signal would kill
            os.kill(os.getpid(), getattr(signal, number))

    with pytest.raises(kind) as caught:
        fit(toy.toy_task(), RunFolder(tmp_path), FIT, progress=progress)
    assert caught.value.exit_code == code and signal.getsignal(getattr(signal, number)) == before
    fit(toy.toy_task(), RunFolder(tmp_path), FIT)
    assert outcome(tmp_path) == uninterrupted


def poison(task: Any, steps: Any) -> Any:
    original = task.loss_terms

    def loss_terms(output: Any, batch: Any, step: Any) -> Any:
        terms = original(output, batch, step)
        if step in steps:
            terms[2] = replace(terms[2], value=terms[2].value * torch.nan)
        return terms

    task.loss_terms = loss_terms
    return task


def test_a_loss_that_is_not_finite_is_skipped_and_counted(tmp_path: Path) -> None:
    result = fit(poison(toy.toy_task(), {3, 4, 10}), RunFolder(tmp_path), FIT)
    assert result.skipped_steps == 3
    assert RunFolder(tmp_path).metrics.read()[-1]["step"] == FIT.steps


def test_too_many_in_a_row_stop_and_name_the_term(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"E-RUN-004 .*10 steps in a row.*pose/global_relation"):  # 1 would be a bug
        fit(poison(toy.toy_task(), range(2, 24)), RunFolder(tmp_path), FIT)


def test_a_damaged_checkpoint_falls_back_loudly(
    uninterrupted: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = RunFolder(tmp_path)

    def stop() -> Any:
        return run.checkpoints.steps()[-1] >= 8

    with pytest.raises(Interrupted):
        fit(toy.toy_task(), run, FIT, stop=stop)
    newest = sorted((tmp_path / "checkpoints").glob("step-*.safetensors"))
    assert len(newest) == 2
    content = bytearray(newest[-1].read_bytes())
    content[len(content) // 2] ^= 1
    newest[-1].write_bytes(content)
    fit(toy.toy_task(), run, FIT)
    assert "falling back to the checkpoint before it" in caplog.text
    assert outcome(tmp_path) == uninterrupted


def test_the_callers_random_numbers_are_left_alone(tmp_path: Path) -> None:
    task = toy.toy_task()
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    fit(task, RunFolder(tmp_path), replace(FIT, steps=2))
    assert torch.equal(torch.rand(3), expected)


def test_plain_training_leaves_unlabelled_videos_aside(tmp_path: Path) -> None:
    task = toy.toy_task(losses=())
    assert {int(i) for step in range(9) for i in task.plan.at(step)} == set(range(5))
    fit(task, RunFolder(tmp_path), replace(FIT, steps=4))


def test_long_videos_are_cut_the_same_for_student_and_teacher(tmp_path: Path) -> None:
    task = toy.toy_task(max_length=5)
    batch = task.batch(3)
    assert batch.mask.shape[1] == 5
    source, starts = task.terms[0].source, batch.starts.tolist()
    teacher, there = source.outputs(batch)
    whole, _ = source.outputs(task.data.collate(batch.indices.numpy()))
    for row, start in enumerate(starts):
        assert there[row].all()
        torch.testing.assert_close(teacher.features[row], whole.features[row, start : start + 5])
    assert any(starts)
    fit(task, RunFolder(tmp_path), replace(FIT, steps=3))


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(AugrgbError, match="E-ENV-002"):
        fit(toy.toy_task(), RunFolder(tmp_path), replace(FIT, accelerator="cuda"))


def test_reduced_precision(tmp_path: Path) -> None:
    for precision in ("bf16-mixed", "bf16-true"):
        result = fit(toy.toy_task(), RunFolder(tmp_path / precision), replace(FIT, steps=4, precision=precision))
        assert result.skipped_steps == 0
