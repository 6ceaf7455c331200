"""`augrgb fit`: from a project file to a detector; killed and continued, it ends in the same bytes."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from augrgb.pipelines.fit import FILES
from augrgb.pipelines.fitting import plan
from augrgb.pipelines.fitting.speed import Speed
from augrgb.world.make import make_world
from support.places import SUPPORT
from support.tiny_project import WORLD, expect_success, run_cli

PROJECT = "dataset: world\nsplit: cross_subject\nclock: {fps: 15, window: 8, stride: 8}\nlayers: 2\nfolds: []\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fit")
    make_world(root / "world", WORLD, workers=0)
    (root / "project.yaml").write_text(PROJECT)
    return root


def digests(folder: Path) -> dict[str, str]:
    wanted = [folder / name for name in FILES[:3]] + sorted((folder / "bundle").rglob("*.*"))
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in wanted if p.is_file()}


def run_fit(project: Path, out: str, *more: str, kill: str = "never") -> subprocess.CompletedProcess[str]:
    script = str(SUPPORT / "fit_killed_at.py")
    words = [sys.executable, script, kill, "fit", "project.yaml", "--out", out, *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def fitted(project: Path) -> Path:
    done = run_fit(project, "whole")
    assert done.returncode == 0, done.stderr
    assert "estimated" in done.stdout and "Next: augrgb detect" in done.stdout
    return project / "whole"


def test_it_ends_in_a_detector_and_a_report(fitted: Path, project: Path, tmp_path: Path) -> None:
    summary = json.loads((fitted / "summary.json").read_text())
    assert summary["chosen"] in ("rgb", "augmented") and summary["failures"] == [] == summary["left_out"]
    assert (
        set(summary["held_out"]["frame_map"])
        == {"rgb", "augmented", "flow", "pose"}
        == set(summary["test"]["frame_map"])
    )
    assert summary["teachers"] == ["flow", "pose"] and summary["held_out_on"] == "validation videos"
    assert "The bundle uses" in summary["verdict"]
    rows = (fitted / "per_class.csv").read_text().splitlines()
    assert rows[0].startswith("class,events,ap_rgb,ap_augmented,on,off,precision")
    page = (fitted / "report.html").read_text()
    assert "too few to measure" in page and "data:image/jpeg" in page
    video = next((project / "world").rglob("*.mp4"))
    expect_success("detect", video, "--model", fitted / "bundle", "--out", tmp_path / "found")


def test_killed_and_continued_it_ends_in_the_same_bytes(fitted: Path, project: Path) -> None:
    work = project / "killed" / "work"

    def finished(part: str) -> set[str]:
        return {path.parent.name for path in (work / part).glob("*/result.json")}

    # In the middle of a training: it has begun, what came before it is finished, and it is not.
    assert run_fit(project, "killed", kill="step:encoders/flow-0:5").returncode == -signal.SIGKILL
    assert (work / "encoders" / "flow-0" / "run.json").is_file() and finished("encoders") == {"rgb-0"}
    # Between two stages: the encoders of a teacher are finished, its features are not begun.
    assert run_fit(project, "killed", kill="features:features/augmented-0").returncode == -signal.SIGKILL
    assert "augmented-0" in finished("encoders") and not (work / "features" / "augmented-0").exists()
    assert run_fit(project, "killed", kill="step:streams/augmented-0:6").returncode == -signal.SIGKILL
    assert (work / "streams" / "augmented-0" / "run.json").is_file() and "augmented-0" not in finished("streams")
    # Everything is trained and the bundle is written, but no report.
    assert run_fit(project, "killed", kill="report:").returncode == -signal.SIGKILL
    assert (project / "killed" / "bundle" / "thresholds.json").is_file()
    assert not (project / "killed" / "report.html").exists()
    assert run_fit(project, "killed").returncode == 0
    assert digests(project / "killed") == digests(fitted) and len(digests(fitted)) >= 7
    assert not list((project / "killed").rglob("*.tmp-*"))


def test_finished_it_says_the_same_again_at_once(fitted: Path, project: Path) -> None:
    before = digests(fitted)
    again = run_fit(project, "whole", "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["chosen"] and digests(fitted) == before


def test_other_settings_are_refused_with_the_difference(fitted: Path, project: Path) -> None:
    outcome = run_cli("fit", project / "project.yaml", "--out", fitted, "--isotonic")
    assert outcome.code == 2 and "E-RUN-011" in outcome.err
    assert "isotonic: False then, True now" in outcome.err and "--replace" in outcome.err


def test_the_plan_comes_first_and_a_budget_shortens_training(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speed = Speed(decode=0.2, plain_step=0.15, large_step=0.15, encode=0.01, stream_step=0.08)
    monkeypatch.setattr("augrgb.pipelines.fit.measure_speed", lambda *_: speed)  # the same on every machine
    words = ("fit", project, "--dry-run", "--json", "--workers", "2")  # the estimate is for as many processes
    whole = json.loads(expect_success(*words).out)
    budget = math.ceil(0.7 * whole["seconds"])
    short = json.loads(expect_success(*words, "--budget", f"{budget}s").out)
    assert short["seconds"] <= budget < whole["seconds"] and not (project / "fit").exists()
    assert "have it" in " ".join(expect_success("fit", project, "--dry-run").out.split())
    for wrong in ("1s", "soon"):
        assert "E-RUN-012" in run_cli("fit", project, "--dry-run", "--budget", wrong).err
    assert plan.ENCODER_STEPS > 100


def test_few_videos_are_held_out_in_turn_and_bad_ones_left_out(project: Path, tmp_path: Path) -> None:
    make_world(tmp_path / "world", WORLD, workers=0)
    roles = json.loads((tmp_path / "world" / "dataset.json").read_text())["splits"]["cross_subject"]
    ids = [*roles["train"], *roles["val"]]
    folds = [ids[:3], ids[3:]]
    (tmp_path / "project.yaml").write_text(PROJECT.replace("folds: []", f"sensors: false\nfolds: {json.dumps(folds)}"))
    files = {path.stem: path for path in (tmp_path / "world").rglob("*.mp4")}
    sound = {name: file.read_bytes() for name, file in files.items()}
    files[ids[0]].write_text("no video any more")
    files[ids[3]].write_bytes(files[ids[3]].read_bytes()[: files[ids[3]].stat().st_size // 2])
    files[roles["unlabelled"][0]].unlink()
    done = run_fit(tmp_path, "fit")
    assert done.returncode == 4 and "E-RUN-013" in done.stderr, done.stderr
    for name in (ids[0], ids[3], roles["unlabelled"][0]):
        assert name in done.stderr
    assert "Report: " in done.stdout
    summary = json.loads((tmp_path / "fit" / "summary.json").read_text())
    assert len(summary["left_out"]) == 3 and summary["held_out_on"] == "2 folds" and not summary["failures"]
    assert summary["held_out"]["videos"] == len(ids) - 2 and summary["teachers"] == ["flow"]
    assert set(summary["splits"]) == {"fold1", "fold2", "final"}
    assert set(summary["splits"]["final"]["train"]) == set(ids) - {ids[0], ids[3]}
    assert set(summary["splits"]["final"]["test"]) == set(roles["test"])
    page = (tmp_path / "fit" / "report.html").read_text()
    assert "Left out (3)" in page and "2 folds" in page
    found = expect_success("detect", files[ids[1]], "-m", tmp_path / "fit" / "bundle", "--out", tmp_path / "found")
    assert "scores may mean nothing" not in found.err
    for name, content in sound.items():
        files[name].write_bytes(content)
    again = run_fit(tmp_path, "fit", "--extend")
    assert again.returncode == 0, again.stderr
    summary = json.loads((tmp_path / "fit" / "summary.json").read_text())
    assert not summary["left_out"] and set(summary["splits"]["final"]["train"]) == set(ids)


def test_extend_trains_only_what_is_made_from_something_else(project: Path) -> None:
    out, dataset = project / "grown", project / "world" / "dataset.json"
    settings, before = project / "project.yaml", (project / "project.yaml").read_text()
    labels = dataset.read_text()

    def trained() -> dict[str, int]:
        runs = [*(out / "work" / "encoders").iterdir(), *(out / "work" / "streams").iterdir()]
        return {f"{run.parent.name}/{run.name}": (run / "result.json").stat().st_mtime_ns for run in runs}

    def extended(*more: str) -> set[str]:
        """What was trained again."""
        old = trained()
        done = run_fit(project, "grown", "--extend", *more)
        assert done.returncode == 0, done.stderr
        return {name for name, at in trained().items() if old.get(name) != at}

    assert run_fit(project, "grown").returncode == 0
    assert extended("--isotonic") == set() and json.loads((out / "settings.json").read_text())["isotonic"]
    try:
        world = json.loads(labels)
        test_video = world["splits"]["cross_subject"]["test"][0]
        next(v for v in world["videos"] if v["id"] == test_video)["events"].pop()
        dataset.write_text(json.dumps(world))
        assert extended() == set()  # labels of a test video train nothing
        settings.write_text(before + "sensors: false\n")
        assert extended() == {"encoders/augmented-0", "streams/augmented-0"}
        assert not (out / "work" / "encoders" / "pose-0").exists()
        assert run_fit(project, "fresh").returncode == 0
        assert digests(out) == digests(project / "fresh")
    finally:
        dataset.write_text(labels)
        settings.write_text(before)


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    assert "augrgb init" in run_cli("fit", tmp_path / "none.yaml").err
    (tmp_path / "project.yaml").write_text("dataset: x\nlayers: 0\n")
    refused = run_cli("fit", tmp_path).err
    assert "E-RUN-010" in refused and "layers" in refused and "clock" in refused
    (tmp_path / "project.yaml").write_text(PROJECT + "layer: 2\n")
    assert "layer: no such key (did you mean 'layers'?)" in " ".join(run_cli("fit", tmp_path).err.split())
