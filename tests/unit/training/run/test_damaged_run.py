"""A run folder with a damaged file is written again to the same bytes, or refused by name: never "done" as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from augrgb.core.errors import AugrgbError
from augrgb.training import FitSettings, Interrupted, RunFolder, fit
from support import toy_training as toy
from support.damage import DAMAGES, copied, files_of

torch.set_num_threads(1)
FIT: FitSettings = replace(toy.FIT, accelerator="cpu")
SAYS_NOTHING = ("timings.jsonl", "run.lock")  # of the outcome: wall times
FILES = (
    *("model.safetensors", "model.json", "run.json", "result.json", "metrics.jsonl"),
    *("checkpoints/step-000000024.json", "checkpoints/step-000000024.safetensors", "selected"),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    fit(toy.toy_task(), RunFolder(folder), FIT)
    return folder


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    run = RunFolder(folder)
    with pytest.raises(Interrupted):
        fit(toy.toy_task(), run, FIT, stop=lambda: run.checkpoints.steps()[-1] >= 16)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    found = files_of(folder)
    return {name: data for name, data in found.items() if name not in SAYS_NOTHING and not name.startswith("checkp")}


def place(folder: Path, name: str) -> Path:
    return next((folder / "checkpoints").glob("selected-*")) if name == "selected" else folder / name


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_finished_run(
    finished: Path, tmp_path: Path, name: str, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    whole, folder = content(finished), copied(finished, tmp_path / "run")
    damage(place(folder, name))
    before = content(folder)
    try:
        fit(toy.toy_task(), RunFolder(folder), FIT)
    except AugrgbError as fault:
        assert fault.code == "E-RUN-015" or not place(folder, name).is_file(), fault
        assert name.rpartition("/")[2] in str(fault) and content(folder) == before, fault  # nothing was changed
    else:
        assert content(folder) == whole
        if not name.startswith("checkpoints/") and not (name == "result.json" and not before.get(name)):
            assert "written again" in caplog.text or name == "result.json" or name == "run.json"
    again: Any = RunFolder(folder)
    if name not in ("run.json", "result.json") and not name.startswith("checkpoints/"):
        assert content(folder) == whole or again.damage(again.finished())


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["run.json", "metrics.jsonl", "checkpoints/step-000000016.json", "selected"])
def test_an_unfinished_run_ends_in_the_same_bytes(
    interrupted: Path, finished: Path, tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    folder = copied(interrupted, tmp_path / "run")
    damage(place(folder, name))
    try:
        fit(toy.toy_task(), RunFolder(folder), FIT)
    except AugrgbError as fault:
        assert place(folder, name).exists() and not place(folder, name).is_file(), fault
    else:
        assert content(folder) == content(finished)


def test_a_damaged_checkpoint_of_a_finished_run_is_named(
    finished: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = copied(finished, tmp_path / "run")
    name = sorted((folder / "checkpoints").glob("step-*.safetensors"))[0].name
    DAMAGES["one bit flipped"](folder / "checkpoints" / name)
    fit(toy.toy_task(), RunFolder(folder), FIT)
    assert f"{name} is damaged; the run is finished and does not need it" in caplog.text


def test_checkpoints_of_other_settings_are_not_resumed_without_a_description(interrupted: Path, tmp_path: Path) -> None:
    folder = copied(interrupted, tmp_path / "run")
    (folder / "run.json").unlink()
    with pytest.raises(AugrgbError, match=r"E-RUN-016 .*run.json"):
        fit(toy.toy_task(), RunFolder(folder), replace(FIT, learning_rate=0.5))
