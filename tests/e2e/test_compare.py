"""`augrgb compare` on ready-made features and on a tiny world: results, resuming, refusing, failing, being killed."""

import json
import os
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
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.pipelines.compare import FILES
from augrgb.pipelines.compare import compare as compare_workflow
from augrgb.pipelines.comparison.load import load_comparison
from support.places import SUPPORT
from support.toy_comparison import make_features, toy_values, write_recipe

SCRIPT = SUPPORT / "toy_comparison.py"
HERE = Path(".")


def run(*words: Any) -> Any:
    app = typer.Typer()
    app.command()(compare)
    return CliRunner().invoke(app, [*map(str, words), "--workers", "1"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished comparison; copy it to change it. Its paths are relative to its folder."""
    root = tmp_path_factory.mktemp("comparison")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        make_features(HERE)
        outcome = run(write_recipe(HERE, toy_values(HERE)), "--out", "out")
    assert outcome.exit_code == 0, outcome.output
    return root, outcome


@pytest.fixture
def copied(finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    root = tmp_path / "copy"
    shutil.copytree(finished[0], root)
    monkeypatch.chdir(root)
    return root


def test_every_seed_stands_in_the_results_with_its_coverage(finished: Any) -> None:
    root, outcome = finished
    results = json.loads((root / "out" / "results.json").read_text())
    assert list(results["rows"]) == ["both", "logits", "pose", "rgb"]
    for row in results["rows"].values():
        for seed in ("0", "1"):
            for split in ("subject", "view"):
                for name in ("frame-map/present", "event-map"):
                    found = row["seeds"][seed][split][name]
                    assert 0 <= found["value"] <= 1 and found["videos_scored"] == found["videos_total"] == 2
    first = [s for s in results["statistics"] if (s["split"], s["protocol"]) == ("subject", "frame-map/present")]
    assert [s["row"] for s in first] == ["rgb", "logits", "pose", "both"]
    values = {
        k: [row["seeds"][s]["subject"]["frame-map/present"]["value"] for s in "01"]
        for k, row in results["rows"].items()
    }
    assert first[1]["delta"] == pytest.approx(sum(values["logits"]) / 2 - sum(values["rgb"]) / 2)
    assert first[0]["delta"] is None and first[0]["against"] == ""
    assert results["failures"] == []
    assert "RGB + pose" in outcome.output


def test_all_tables_are_written(finished: Any) -> None:
    out = finished[0] / "out"
    assert all((out / name).stat().st_size > 150 for name in FILES)
    assert "p (Holm)" in (out / "comparison.md").read_text()
    assert r"Toy\_comparison" in (out / "comparison.tex").read_text()
    assert (out / "classes.csv").read_text().count("\n") == 1 + 3 * 4 * 3
    assert "Toy_comparison" in (out / "report.html").read_text()


def test_finished_cells_are_never_redone(copied: Any) -> None:
    before = (copied / "out" / "results.json").read_bytes()
    models = {path: path.stat().st_mtime_ns for path in copied.rglob("streams/*/model.safetensors")}
    for name in FILES:
        (copied / "out" / name).unlink()
    (copied / "out" / "evaluation" / "both-1.json").unlink()
    plan = run("toy.yaml", "--out", "out", "--dry-run")
    assert "to do: 1 evaluation." in " ".join(plan.output.split())
    assert run("toy.yaml", "--out", "out").exit_code == 0
    assert (copied / "out" / "results.json").read_bytes() == before
    assert models == {path: path.stat().st_mtime_ns for path in models} and len(models) == 6


def test_a_changed_recipe_is_refused_with_every_cell(copied: Any) -> None:
    outcome = run("toy.yaml", "methods.logits.losses.logit_kd.weight=0.5", "--out", "out")
    assert isinstance(outcome.exception, UsageFault) and outcome.exception.exit_code == 2
    told = str(outcome.exception)
    assert told.startswith("E-RUN-002 out")
    for seed in "01":
        assert f"out/streams/logits-{seed}: distill.losses.logit_kd.weight: 1.0 before, 0.5 now" in told
    assert "streams/rgb" not in told and "new key" in told


def test_a_student_of_a_retrained_teacher_is_refused(copied: Any) -> None:
    teacher = copied / "out" / "streams" / "pose-0" / "model.safetensors"
    teacher.write_bytes((copied / "out" / "streams" / "pose-1" / "model.safetensors").read_bytes())
    told = str(run("toy.yaml", "--out", "out").exception)
    assert "out/streams/logits-0: streams/pose-0/model.safetensors is another one since" in told
    assert "logits-1" not in told


def test_changed_annotations_are_noticed(copied: Any) -> None:
    path = copied / "data" / "dataset.json"
    path.write_text(path.read_text().replace('"toy"', '"toi"'))
    told = str(run("toy.yaml", "--out", "out").exception)
    assert told.count("data/dataset.json is another one since") == 1 and "The same of 5 more: out/streams/" in told


def test_a_test_on_videos_of_another_splits_training_is_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_features(HERE)
    known = json.loads(Path("data/dataset.json").read_text())
    known["splits"]["other"] = {"train": ["v10"], "test": ["v00", "v08"]}
    Path("data/dataset.json").write_text(json.dumps(known))
    recipe = write_recipe(HERE, toy_values(HERE) | {"tests": ["subject", "other"]})
    with pytest.raises(InputRefused, match=r"E-SPL-002 .* 'other' are in 'train' of 'subject': v00\."):
        compare_workflow(load_comparison(recipe), Path("out"), workers=1)
    assert not Path("out/streams").exists()


def test_one_method_diverges_and_the_others_finish(copied: Any) -> None:
    values = toy_values(HERE)
    wild = {"teachers": ["pose"], "losses": {"logit_kd": {"weight": 1e39}}, "set": {"train.steps": 12}}
    values["methods"]["wild"] = wild
    values["methods"]["pupil"] = {"teachers": ["wild"], "losses": {"logit_kd": {}}}
    values["methods"]["plain"] = {"filter": {"linear": {}}, "note": "a <b>note</b>"}
    outcome = run(write_recipe(copied, values), "seeds=1", "--out", "out")
    assert outcome.exit_code == 4
    assert "not finished: stream wild-0: E-RUN-004" in outcome.output
    assert "Skipped because of that: evaluation pupil-0, evaluation wild-0, stream pupil-0." in outcome.output
    results = json.loads((copied / "out" / "results.json").read_text())
    assert results["rows"]["wild"]["seeds"] == {"0": None} == results["rows"]["pupil"]["seeds"]
    assert results["rows"]["plain"]["seeds"]["0"]["subject"]["event-map"]["videos_scored"] == 2
    reasons = {failure["cell"]: failure["reason"] for failure in results["failures"]}
    assert reasons["stream pupil-0"] == "not done, because stream wild-0 failed"
    page = (copied / "out" / "report.html").read_text()
    assert "Not finished" in page and "<b>note</b>" not in page


@pytest.mark.slow
def test_what_failed_is_tried_again_once_mended(copied: Any) -> None:
    values = toy_values(HERE)
    values["methods"]["wild"] = {"teachers": ["pose"], "losses": {"logit_kd": {}}, "set": {"train.steps": 12}}
    recipe = write_recipe(copied, values)
    assert run(recipe, "seeds=1", "methods.wild.losses.logit_kd.weight=1e39", "--out", "out").exit_code == 4
    shutil.rmtree(copied / "out" / "streams" / "wild-0")
    mended = run(recipe, "seeds=1", "--out", "out")
    assert mended.exit_code == 0, mended.output
    assert not list((copied / "out" / "failures").iterdir())


@pytest.mark.slow
def test_killed_again_and_again_ends_in_the_same_bytes(finished: Any, tmp_path: Path) -> None:
    root = tmp_path / "killed"
    shutil.copytree(finished[0], root)
    shutil.rmtree(root / "out")
    for wanted in (1, 3, 5, None):  # finished streams after which it is killed
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), "toy.yaml", "out"],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while wanted is not None and len(list(root.glob("out/streams/*/result.json"))) < wanted:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        if wanted is not None:
            os.killpg(process.pid, signal.SIGKILL) if wanted == 3 else process.kill()
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert (root / "out" / "results.json").read_bytes() == (finished[0] / "out" / "results.json").read_bytes()
    assert not list(root.rglob("*.tmp-*")) and (root / "out" / "compare.lock").read_bytes() == b""


@pytest.mark.slow
def test_encoders_are_trained_shared_and_taught(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train = {"steps": 4, "batch_size": 4, "validate_every": 2, "checkpoint_every": 2, "warmup_steps": 1}
    values = {
        "stream": {
            "data": {"dataset": str(project / "world"), "split": "cross_subject"},
            "student": {"filter": {"sd_tcn": {"width": 8, "layers": 2}}},
            "train": train,
        },
        "encoder": {"train": train},
        "encoders": {
            "pose": {"encoder": {"small_pose": {"dim": 8}}, "seeds": "shared"},
            "rgb": {"encoder": {"small_rgb": {"dim": 8}}},
            "augmented": {
                "encoder": {"small_rgb": {"dim": 8}},
                "distill": {"teachers": ["pose"], "losses": {"atomic_regression": {}}},
            },
        },
        "methods": {
            "rgb": {"encoder": "rgb"},
            "pose": {"encoder": "pose", "sensors": ["pose"]},
            "augmented": {"encoder": "augmented", "teachers": ["pose"], "losses": {"logit_kd": {}}},
        },
        "baseline": "rgb",
        "featured": "augmented",
        "seeds": 2,
        "tests": ["cross_subject", "cross_view"],
    }
    outcome = run(write_recipe(tmp_path, values), "--out", "out")
    assert outcome.exit_code == 0, outcome.output
    assert sorted(p.name for p in (tmp_path / "out" / "encoders").iterdir()) == [
        "augmented-0", "augmented-1", "pose", "rgb-0", "rgb-1",
    ]  # fmt: skip
    before = (tmp_path / "out" / "results.json").read_bytes()
    assert (tmp_path / "out" / "streams" / "augmented-1" / "encoder" / "model.json").is_file()
    plan = run("toy.yaml", "--out", "out", "--dry-run")
    assert "5 encoders, 6 streams, 6 evaluations; to do: nothing." in " ".join(plan.output.split())
    shutil.rmtree(tmp_path / "out" / "features")
    (tmp_path / "out" / "evaluation" / "rgb-0.json").unlink()
    assert run("toy.yaml", "--out", "out").exit_code == 0
    assert (tmp_path / "out" / "results.json").read_bytes() == before


def test_timelines_and_curves_are_drawn_of_any_comparison(copied: Any) -> None:
    extra = ("timelines=[rgb,both]", "curves=[rgb,pose]", "test_names={view: new views}")
    outcome = run("toy.yaml", *extra, "--out", "out")
    assert outcome.exit_code == 0, outcome.output
    page = (copied / "out" / "report.html").read_text()
    for text in ("Streams: detection loss", "Streams: validation mAP", "new views, seed 0", "event-map at each tIoU"):
        assert text in page, text
    assert "Encoders: detection loss" not in page  # these features were not made here
    assert (copied / "out" / "picture.png").stat().st_size > 1000
    assert "frame-map/present, new views" in (copied / "out" / "comparison.md").read_text()
    assert [one["stage"] for one in json.loads((copied / "out" / "costs.json").read_text())][-1].startswith("in all")


def test_what_the_report_should_draw_must_exist(copied: Any) -> None:
    outcome = run("toy.yaml", "timelines=[rbg]", "curves=[both]", "test_names={veiw: x}", "--out", "out", "--dry-run")
    message = str(outcome.exception)
    for text in (
        "timelines: no such method or fusion as 'rbg'",
        "curves: no such method as 'both'",
        "did you mean 'view'",
    ):
        assert text in message, message
