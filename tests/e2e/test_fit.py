"""`augrgb fit`: from a project file to a detector; killed and continued, it ends in the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from augrgb.pipelines.fit import FILES
from augrgb.pipelines.fitting import plan
from augrgb.world.make import make_world
from support.tiny_project import WORLD, expect_success, run_cli

SHORT = (
    "import sys; from augrgb.pipelines.fitting import plan; plan.ENCODER_STEPS, plan.STREAM_STEPS = 8, 10; "
    "from augrgb.cli.main import main; main(sys.argv[1:])"
)
PROJECT = "dataset: world\nsplit: cross_subject\nclock: {fps: 15, window: 8, stride: 8}\nlayers: 2\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fit")
    make_world(root / "world", WORLD, workers=0)
    (root / "project.yaml").write_text(PROJECT)
    return root


def digests(folder: Path) -> dict[str, str]:
    wanted = [folder / name for name in FILES[:3]] + sorted((folder / "bundle").rglob("*.*"))
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in wanted if p.is_file()}


def start(project: Path, out: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", SHORT, "fit", "project.yaml", "--out", out, "--workers", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, cwd=project, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def fitted(project: Path) -> Path:
    assert start(project, "whole").wait() == 0
    return project / "whole"


def test_it_ends_in_a_detector_and_a_report(fitted: Path, project: Path, tmp_path: Path) -> None:
    summary = json.loads((fitted / "summary.json").read_text())
    assert summary["chosen"] in ("rgb", "augmented") and summary["failures"] == []
    assert set(summary["frame_map"]) == {"validation", "test"} and summary["teachers"] == ["flow", "pose"]
    assert summary["verdict"].endswith(("plain RGB.", "Augmented-RGB."))
    rows = (fitted / "per_class.csv").read_text().splitlines()
    assert rows[0].startswith("class,test_events,ap_rgb,ap_augmented,on,off,precision")
    page = (fitted / "report.html").read_text()
    assert "too few to measure" in page and "data:image/jpeg" in page
    video = next((project / "world").rglob("*.mp4"))
    expect_success("detect", video, "--model", fitted / "bundle", "--out", tmp_path / "found")


def test_killed_and_continued_it_ends_in_the_same_bytes(fitted: Path, project: Path) -> None:
    out = project / "killed"
    for mark in ("work/encoders/flow-0/run.json", "work/encoders/augmented-0/run.json", "work/streams/rgb-0/run.json"):
        child = start(project, "killed")
        until = time.monotonic() + 120
        while child.poll() is None and not (out / mark).is_file() and time.monotonic() < until:
            time.sleep(0.02)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    assert start(project, "killed").wait() == 0
    assert digests(out) == digests(fitted) and len(digests(out)) >= 7


def test_other_settings_are_refused_with_the_difference(fitted: Path, project: Path) -> None:
    outcome = run_cli("fit", project / "project.yaml", "--out", fitted, "--isotonic")
    assert outcome.code == 2 and "E-RUN-011" in outcome.err
    assert "isotonic: False then, True now" in outcome.err and "--replace" in outcome.err


def test_the_plan_comes_first_and_a_budget_shortens_training(project: Path, tmp_path: Path) -> None:
    whole = json.loads(expect_success("fit", project, "--dry-run", "--json").out)
    short = json.loads(expect_success("fit", project, "--dry-run", "--json", "--budget", "2m").out)
    assert short["seconds"] <= 121 < whole["seconds"] and not (project / "fit").exists()
    assert "all training videos have them" in " ".join(expect_success("fit", project, "--dry-run").out.split())
    for words in (["--budget", "5s"], ["--budget", "soon"]):
        assert "E-RUN-012" in run_cli("fit", project, "--dry-run", *words).err
    assert plan.ENCODER_STEPS > 100


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    assert "augrgb init" in run_cli("fit", tmp_path / "none.yaml").err
    (tmp_path / "project.yaml").write_text("dataset: x\nlayers: 0\n")
    refused = run_cli("fit", tmp_path).err
    assert "E-RUN-010" in refused and "layers" in refused and "clock" in refused
