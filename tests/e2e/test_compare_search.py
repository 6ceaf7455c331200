"""`augrgb compare` with a search: equal budgets, choice on validation, students after teachers, resuming."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from augrgb.cli.compare import compare
from augrgb.core.errors import UsageFault
from support.places import SUPPORT
from support.toy_comparison import make_features, toy_values, write_recipe

SCRIPT = SUPPORT / "toy_comparison.py"
HERE = Path(".")


def run(*words: Any) -> Any:
    app = typer.Typer()
    app.command()(compare)
    return CliRunner().invoke(app, [*map(str, words), "--workers", "1"])


def searched_values(root: Any) -> Any:
    values = toy_values(root)
    values["tests"], values["protocols"] = ["subject"], ["frame-map/present"]
    grid = {"train.learning_rate": [1e-3, 1e-1], "train.weight_decay": [0.01, 0.5]}
    values["search"] = {"seeds": [100, 101], "budget": 3, "grid": grid}
    values["methods"]["logits"]["grid"] = {"scale": [0.5, 2]}
    return values


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("searched")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        make_features(HERE)
        outcome = run(write_recipe(HERE, searched_values(HERE)), "--out", "out")
    assert outcome.exit_code == 0, outcome.output
    return root


@pytest.fixture
def copied(finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    root = tmp_path / "copy"
    shutil.copytree(finished, root)
    monkeypatch.chdir(root)
    return root


def results_of(root: Any) -> Any:
    return json.loads((root / "out" / "results.json").read_text())


def recipe_of(folder: Any) -> Any:
    return json.loads((folder / "run.json").read_text())["identity"]["recipe"]


def test_every_method_makes_the_same_number_of_trials_and_the_best_is_tested(finished: Any) -> None:
    search = results_of(finished)["search"]
    assert (search["budget"], search["seeds"], search["role"]) == (3, [100, 101], "val")
    methods = search["methods"]
    assert {key: len(one["trials"]) for key, one in methods.items()} == {"rgb": 3, "logits": 3, "pose": 3}
    assert {key: one["grid"] for key, one in methods.items()} == {"rgb": 4, "logits": 8, "pose": 4}
    for key, one in methods.items():
        scores = [trial["score"] for trial in one["trials"]]
        assert one["settings"] == one["trials"][scores.index(max(scores))]["settings"]
        for seed in "01":
            recipe = recipe_of(finished / "out" / "streams" / f"{key}-{seed}")
            assert recipe["train"]["learning_rate"] == one["settings"]["train.learning_rate"]
            assert recipe["train"]["weight_decay"] == one["settings"]["train.weight_decay"]
    weight = recipe_of(finished / "out" / "streams" / "logits-0")["distill"]["losses"]["logit_kd"]["weight"]
    assert weight == methods["logits"]["settings"]["scale"]


def test_scores_are_means_over_the_search_seeds_on_validation_videos(finished: Any) -> None:
    folder = finished / "out" / "search" / "evaluation"
    for trial in results_of(finished)["search"]["methods"]["pose"]["trials"]:
        assert trial["score"] == pytest.approx(sum(trial["seeds"].values()) / 2)
    requests = [json.loads(path.read_text())["request"] for path in folder.iterdir()]
    assert len(requests) == 3 * 3 * 2 and {one["role"] for one in requests} == {"val"}


def test_trials_of_a_student_have_the_best_trial_of_their_teacher(finished: Any) -> None:
    best = results_of(finished)["search"]["methods"]["pose"]["settings"]
    for run_folder in (finished / "out" / "search" / "streams").glob("logits-*"):
        recipe = recipe_of(run_folder)
        teacher = finished / recipe["distill"]["teachers"]["pose"]
        assert teacher.parent == finished / "out" / "search" / "streams"
        assert recipe_of(teacher)["train"]["learning_rate"] == best["train.learning_rate"]
        assert recipe_of(teacher)["seed"] == recipe["seed"]


def test_the_choice_stands_in_every_output(finished: Any) -> None:
    chosen = results_of(finished)["search"]["methods"]["rgb"]["settings"]
    said = f"train.learning_rate={chosen['train.learning_rate']:g}"
    for name in ("comparison.md", "report.html"):
        text = (finished / "out" / name).read_text()
        assert "Search" in text and said in text and "3 of 8" in text


def test_nothing_is_left_to_do_and_lost_cells_come_back_equal(copied: Any) -> None:
    assert "to do: nothing" in run("toy.yaml", "--out", "out", "--dry-run").output
    before = (copied / "out" / "results.json").read_bytes()
    (copied / "out" / "results.json").unlink()
    trial = next((copied / "out" / "search" / "streams").glob("rgb-*-100"))
    shutil.rmtree(trial)
    shutil.rmtree(copied / "out" / "streams" / "logits-1")
    assert "2 search" in run("toy.yaml", "--out", "out", "--dry-run").output
    assert run("toy.yaml", "--out", "out").exit_code == 0
    assert (copied / "out" / "results.json").read_bytes() == before


def test_another_choice_is_refused_where_tests_are_finished(copied: Any) -> None:
    chosen = results_of(copied)["search"]["methods"]["rgb"]["settings"]["train.learning_rate"]
    other = 1e-3 if chosen == 1e-1 else 1e-1
    grid = f"methods.rgb.grid={{train.learning_rate: [{other}], train.weight_decay: [0.01, 0.02, 0.03]}}"
    outcome = run("toy.yaml", grid, "--out", "out")
    assert isinstance(outcome.exception, UsageFault)
    assert "out/streams/rgb-0: train.learning_rate" in str(outcome.exception)


def test_trials_that_diverge_count_and_are_not_tried_again(copied: Any) -> None:
    values = searched_values(HERE)
    values["methods"]["wild"] = {
        "teachers": ["pose"],
        "losses": {"logit_kd": {"weight": 1.0}},
        "set": {"train.steps": 12},
        "grid": {"scale": [1.0, 1e39], "train.learning_rate": [0.01], "train.weight_decay": [0.01]},
        "trials": 2,
    }
    values["methods"]["hopeless"] = {**values["methods"]["wild"], "trials": 1}
    values["methods"]["hopeless"]["grid"] = {**values["methods"]["wild"]["grid"], "scale": [1e39]}
    outcome = run(write_recipe(copied, values), "--out", "out")
    assert outcome.exit_code == 4
    assert (
        "search of hopeless: every trial diverged. "
        "Skipped because of that: evaluation hopeless-0, evaluation hopeless-1." in " ".join(outcome.output.split())
    )
    found = results_of(copied)
    wild = found["search"]["methods"]["wild"]
    assert [trial["score"] is None for trial in wild["trials"]] == [False, True]
    assert wild["settings"]["scale"] == 1.0 and found["rows"]["wild"]["seeds"]["0"] is not None
    assert found["rows"]["hopeless"]["seeds"]["0"] is None
    before = (copied / "out" / "results.json").read_bytes()
    stamps = {path: path.stat().st_mtime_ns for path in (copied / "out" / "failures").iterdir()}
    assert run("toy.yaml", "--out", "out").exit_code == 4
    assert (copied / "out" / "results.json").read_bytes() == before
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_bytes(finished: Any, tmp_path: Path) -> None:
    root = tmp_path / "killed"
    shutil.copytree(finished, root)
    shutil.rmtree(root / "out")
    for wanted in (3, 9, 15, 20, None):  # finished streams, trials included, after which it is killed
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), "toy.yaml", "out"],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 120
        while wanted is not None and len(list(root.glob("out/**/streams/*/result.json"))) < wanted:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        if wanted is not None:
            process.send_signal(signal.SIGKILL)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (root / "out" / "results.json").read_bytes() == (finished / "out" / "results.json").read_bytes()
