"""`augrgb fit` with what some of the videos have beside their images: poses, thermal images, a wearable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from augrgb.training.run.folder import RunFolder
from augrgb.world.make import make_world
from support.places import SUPPORT
from support.tiny_project import WORLD, expect_success

PROJECT = "dataset: world\nsplit: cross_subject\nclock: {fps: 15, window: 8, stride: 8}\nlayers: 2\nfolds: []\n"


def with_sensors(root: Path) -> dict[str, list[str]]:
    """Grids and poses of all videos but one of each role, signals of a single one; ids by role."""
    path = root / "world" / "dataset.json"
    world = json.loads(path.read_text())
    roles: dict[str, list[str]] = world["splits"]["cross_subject"]
    without = {roles[role][-1] for role in ("train", "val", "test", "unlabelled")}
    rng = np.random.default_rng(0)
    for video in world["videos"]:
        name = video["id"]
        if name in without:
            (root / "world" / video.pop("poses")).unlink()
            continue
        marks = np.zeros(int(8 * video["duration_s"]), np.float32)
        for event in video.get("events") or []:
            marks[int(8 * event["start_s"]) : int(8 * event["end_s"])] += 1
        grid = marks[:, None, None] + rng.normal(0, 0.1, (len(marks), 6, 8)).astype(np.float32)
        np.savez(root / "world" / f"{name}.grid.npz", values=grid, fps=8.0)
        video["grid"] = f"{name}.grid.npz"
        if name == roles["train"][0]:
            np.savez(root / "world" / f"{name}.signal.npz", values=marks[:, None], fps=8.0)
            video["signal"] = f"{name}.signal.npz"
    path.write_text(json.dumps(world))
    return roles


def fit_briefly(folder: Path) -> subprocess.CompletedProcess[str]:
    """`augrgb fit` with the few steps of `fit_killed_at`."""
    words = [sys.executable, str(SUPPORT / "fit_killed_at.py"), "never", "fit", "project.yaml"]
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def test_sensors_of_part_of_the_videos_teach(tmp_path: Path) -> None:
    make_world(tmp_path / "world", WORLD, workers=0)
    roles = with_sensors(tmp_path)
    (tmp_path / "project.yaml").write_text(PROJECT + "look_ahead: 1.1\n")
    done = fit_briefly(tmp_path)
    plan = " ".join(done.stdout.split())
    assert "signal: too few training or validation videos" in plan and "grid: 9 of 13 videos have it" in plan
    fit = tmp_path / "fit"
    summary = json.loads((fit / "summary.json").read_text())
    assert summary["teachers"] == ["flow", "pose", "grid"] and not summary["failures"] and not summary["left_out"]
    # A sensor that one of the judged videos lacks cannot be judged on them; the students need no sensor.
    assert set(summary["held_out"]["frame_map"]) == {"rgb", "augmented", "flow"} == set(summary["test"]["frame_map"])
    streams = fit / "work" / "streams"
    assert {path.name for path in streams.iterdir()} == {f"{n}-0" for n in ("rgb", "augmented", "flow", "pose", "grid")}
    taught = RunFolder(streams / "augmented-0").identity["recipe"]["distill"]["teachers"]
    assert set(taught) == {"flow", "pose", "grid"}
    page = (fit / "report.html").read_text()
    assert "Sensors that do not teach" in page and "taught by flow and pose and grid" in page
    # With a look-ahead the bundle also follows a live source; it needs no sensor to detect.
    video = next((tmp_path / "world").rglob(f"{roles['test'][-1]}.mp4"))
    assert "Or live: augrgb watch" in done.stdout
    expect_success("detect", video, "--model", fit / "bundle", "--out", tmp_path / "found")
    events = tmp_path / "events.jsonl"
    expect_success("watch", video, "--model", fit / "bundle", "--speed", "0", "--on", "0", "--out", events)
    assert {json.loads(line)["type"] for line in events.read_text().splitlines()} >= {"start", "end"}


def test_rgb_that_sees_motion_begins_as_the_flow_teacher(tmp_path: Path) -> None:
    make_world(tmp_path / "world", WORLD, workers=0)
    (tmp_path / "project.yaml").write_text(PROJECT + "encoder: motion\nsensors: false\n")
    assert "RGB: motion" in " ".join(fit_briefly(tmp_path).stdout.split())
    encoders = tmp_path / "fit" / "work" / "encoders"
    student, plain = (RunFolder(encoders / f"{name}-0").identity["recipe"] for name in ("augmented", "rgb"))
    assert student["encoder"] == plain["encoder"] == {"small_rgb": {"sees": "motion"}}
    assert Path(student["init"]["folder"]).name == "flow-0" and plain["init"] is None
    assert list(student["distill"]["teachers"]) == ["flow"]
    video = next((tmp_path / "world").rglob("*.mp4"))
    expect_success("detect", video, "--model", tmp_path / "fit" / "bundle", "-o", tmp_path / "found")
