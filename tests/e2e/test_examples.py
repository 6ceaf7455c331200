"""Every file of `examples/` runs as its reader would run it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.places import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(path: Path, *arguments: object, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(path), *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_are_these() -> None:
    assert {path.stem for path in EXAMPLES} == {"detect_file", "evaluate_arrays", "new_loss", "own_loop"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short(path: Any) -> None:
    assert len(path.read_text().splitlines()) <= 50


def test_own_loop(tmp_path: Path) -> None:
    lines = run(ROOT / "examples/own_loop.py", cwd=tmp_path).splitlines()
    values = [[float(number) for number in re.findall(r"\d\.\d+", line)] for line in lines]
    assert len(values) == 4
    assert all(last < first for first, last in zip(values[0], values[-1], strict=True)), "every term falls"


def test_evaluate_arrays(tmp_path: Path) -> None:
    lines = run(ROOT / "examples/evaluate_arrays.py", cwd=tmp_path).splitlines()
    assert [line.split(":")[0] for line in lines[:6]] == [
        "tsu/frame", "frame-map/present", "charades/localize", "action-conditional@0", "event-map", "thumos14/tiou"
    ]  # fmt: skip
    assert float(lines[6].split()[1]) == pytest.approx(100 * float(lines[7]), abs=0.01)


def test_new_loss(tmp_path: Path) -> None:
    assert run(ROOT / "examples/new_loss.py", cwd=tmp_path).rstrip().endswith("equal features 0.0")


def test_detect_file(project: Path, tmp_path: Path) -> None:
    video = next((project / "world").rglob("*.mp4"))
    lines = run(ROOT / "examples/detect_file.py", project / "distilled", video, cwd=tmp_path).splitlines()
    assert any("highest score" in line for line in lines)
    assert (tmp_path / f"{video.stem}.json").is_file()
