"""Batches, run folders, locks, checkpoints, histories."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from augrgb.core.errors import AugrgbError
from augrgb.training.processes import own_rows
from augrgb.training.run.checkpoints import Checkpoints
from augrgb.training.run.folder import RunFolder
from augrgb.training.run.history import History
from augrgb.training.sampler import BatchPlan
from augrgb.training.settings import FitSettings
from augrgb.training.tensorboard import Board


def test_every_sample_comes_equally_often_at_a_fixed_ratio() -> None:
    plan = BatchPlan(np.arange(10), np.arange(100, 117), batch_size=6, unlabelled_share=0.5, seed=3)
    batches = [plan.at(step) for step in range(170)]
    assert all([(batch < 100).sum(), (batch >= 100).sum()] == [3, 3] for batch in batches)
    counts = np.bincount(np.concatenate(batches))
    assert set(counts[:10]) == {51} and set(counts[100:]) == {30}
    rounds = np.concatenate([batch[:3] for batch in batches]).reshape(-1, 10)
    assert all(set(order) == set(range(10)) for order in rounds)
    assert [plan.epoch_of(step) for step in (0, 3, 4, 169)] == [0, 0, 1, 50]


def test_a_batch_is_a_pure_function_of_its_number() -> None:
    def plan() -> BatchPlan:
        return BatchPlan(np.arange(10), np.arange(10, 30), batch_size=4, seed=1)

    forward = [plan().at(step) for step in range(25)]
    one = plan()
    for step in reversed(range(25)):
        np.testing.assert_array_equal(one.at(step), forward[step])
    other = BatchPlan(np.arange(10), np.arange(10, 30), batch_size=4, seed=2)
    assert any(not np.array_equal(other.at(step), forward[step]) for step in range(3))
    assert not np.array_equal(forward[0], forward[10])


def test_shares() -> None:
    assert (BatchPlan(range(10), range(10, 40), batch_size=8).at(0) >= 10).sum() == 6  # as in the data
    assert (BatchPlan(range(10), range(10, 40), batch_size=8, unlabelled_share=0).at(0) >= 10).sum() == 0
    only = BatchPlan((), range(5), batch_size=2)
    assert len(only.at(0)) == 2 and only.epoch_of(5) == 2
    assert sorted(BatchPlan(range(3), batch_size=8).at(0)) == [0, 1, 2], "no sample twice in a batch"
    with pytest.raises(AugrgbError, match="E-TRN-002"):
        BatchPlan((), (), batch_size=2)
    with pytest.raises(AugrgbError, match="E-TRN-003"):
        BatchPlan([1], [2], batch_size=1)


def test_learning_rate() -> None:
    settings = FitSettings(steps=100, learning_rate=1.0, warmup_steps=10)
    rates = [settings.learning_rate_at(step) for step in range(100)]
    assert rates[0] == 0.1 and max(rates) == rates[9] == 1.0 and rates[-1] < 0.01
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_rows_cover_the_batch() -> None:
    for total in range(9):
        rows = [own_rows(total, rank, 4) for rank in range(4)]
        assert [i for r in rows for i in range(r.start, r.start + r.count)] == list(range(total))


def test_history_survives_a_torn_line(tmp_path: Path) -> None:
    history = History(tmp_path / "metrics.jsonl")
    assert history.read() == []
    history.cut_after(3)
    for step in (1, 2, 3):
        history.append({"step": step, "loss": 0.5})
    with open(history.path, "ab") as handle:
        handle.write(b'{"step": 4, "lo\xff')
    assert [line["step"] for line in history.read()] == [1, 2, 3]
    history.cut_after(2)
    assert [line["step"] for line in history.read()] == [1, 2]
    history.append({"step": 3})
    assert [line["step"] for line in history.read()] == [1, 2, 3]


def test_checkpoints_keep_two_and_skip_the_incomplete(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.latest() is None
    for step in (0, 5, 10):
        checkpoints.save(step, {"w": torch.full((2,), float(step))}, {"note": step})
    assert checkpoints.steps() == [5, 10] and len(list(tmp_path.iterdir())) == 4
    (tmp_path / "step-000000015.safetensors").write_bytes(b"half")  # no description: does not exist
    latest = checkpoints.latest()
    assert latest.step == 10 and latest.values == {"note": 10} and latest.tensors["w"].tolist() == [10, 10]
    (tmp_path / "step-000000010.json").write_text("{")
    assert checkpoints.latest().step == 5
    checkpoints.save(20, {"w": torch.zeros(1)}, {})
    assert not (tmp_path / "step-000000015.safetensors").exists()


def test_run_folder_records_identity_and_versions(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with run.locked():
        run.begin({"a": {"b": 1}, "c": [1, 2]})
        run.begin({"a": {"b": 1}, "c": (1, 2)})
        about = json.loads((tmp_path / "run" / "run.json").read_text())
        assert about["identity"]["a"] == {"b": 1} and about["versions"]["torch"]
        with pytest.raises(AugrgbError, match=r"E-RUN-002 .*a.b: 1 before, 2 now; d: 'absent' before, 3 now"):
            run.begin({"a": {"b": 2}, "c": [1, 2], "d": 3})
    assert run.result() is None
    run.finish({"steps": 3})
    assert run.result() == {"steps": 3}


def test_tensorboard_that_is_not_installed_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(AugrgbError, match=r"E-ENV-003 .*pip install 'augrgb\[track\]'"):
        Board(tmp_path)


def test_tensorboard_writes_its_files(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `track` is not installed")
    board = Board(tmp_path)
    board.write(1, {"loss": 0.5})
    board.close()
    assert list(tmp_path.glob("events*"))
