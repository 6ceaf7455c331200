"""The tutorials are followed, block by block, in an empty folder: what a reader types works, in the order of the pages.

Training is shortened, and nothing else: fewer steps, a smaller world. A block that is not run says why, in the page.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations import folds
from augrgb.pipelines.fitting import plan
from support.places import ROOT
from support.pose_samples import kinect_people, write_kinect
from support.tiny_project import run_cli

_BLOCK = re.compile(r"(?:<!-- not run: (?P<why>[^\n]+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```", re.M | re.S)
_SIZES = ("duration_s=6", "encoder=2", "encoder_unlabelled=2", "train=2", "unlabelled=2", "val=2", "test=2")
_SMALL_WORLD = " --set ".join(("augrgb world make -o world", *_SIZES))
SHORT_TRAINING = ["train.steps=6", "train.validate_every=3", "train.checkpoint_every=3", "train.warmup_steps=1"]
SHORTENED = {
    "augrgb world make -o world": _SMALL_WORLD,
    "train.steps=300": " ".join(SHORT_TRAINING),
    "duration_s=20": "duration_s=6",
}


@dataclass(frozen=True)
class Block:
    """A fenced block, and why it is not run."""

    page: str
    language: str
    text: str
    why: str | None


def blocks(page: str) -> Iterator[Block]:
    for found in _BLOCK.finditer((ROOT / "docs" / page).read_text(encoding="utf-8")):
        yield Block(page, found["language"], found["text"], found["why"])


def follow(page: str, names: dict[str, Any]) -> None:
    """Do what a page says."""
    for block in blocks(page):
        if block.why is not None:
            continue
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, page, "exec"), names)
        elif block.language == "sh":
            for line in block.text.splitlines():
                if line.strip():
                    command(line, page)


def command(line: str, page: str) -> None:
    for long, short in SHORTENED.items():
        line = line.replace(long, short)
    words = shlex.split(line, comments=True)
    if words[1] in ("train-encoder", "train", "distill") and "train.steps=6" not in words:
        words += SHORT_TRAINING
    assert words[0] == "augrgb", f"{page}: {line}"
    outcome = run_cli(*words[1:])
    assert outcome.code == 0, f"{page}: {line}\n{outcome.err}"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plan, "ENCODER_STEPS", 8)
    monkeypatch.setattr(plan, "STREAM_STEPS", 10)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_from_the_first_detector_to_a_camera(tmp_path: Path) -> None:
    follow("first_detector.md", {})
    assert (tmp_path / "films/videos/fit/report.html").is_file() and (tmp_path / "found/test_view-000.srt").is_file()
    follow("camera.md", {})
    assert (tmp_path / "events.jsonl").is_file()


@pytest.mark.slow
def test_your_own_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "FEW_VIDEOS", 0)  # one split instead of four folds: a quarter of the trainings
    assert run_cli("world", "make", "-o", "world", *(word for size in _SIZES for word in ("--set", size))).code == 0
    assert run_cli("data", "convert", "world", "-o", "events.csv").code == 0
    (tmp_path / "videos").mkdir()
    (tmp_path / "skeletons").mkdir()
    for film in sorted((tmp_path / "world" / "videos").glob("*.mp4")):
        shutil.copy(film, tmp_path / "videos" / film.name)
        write_kinect(tmp_path / "skeletons" / f"{film.stem}.txt", kinect_people(180))
    shutil.copy(film, tmp_path / "new_video.mp4")
    follow("own_data.md", {})
    assert (tmp_path / "videos/fit/report.html").is_file()
    for run in ("encoder_pose", "augmented", "augmented_rgb"):
        assert (tmp_path / "runs" / run / "result.json").is_file(), run


@pytest.mark.slow
def test_the_paper(tmp_path: Path) -> None:
    follow("reproduce_paper.md", {})


def test_a_loss() -> None:
    from augrgb.losses import LOSSES

    before = dict(LOSSES)
    try:
        follow("add_a_loss.md", {})
        assert set(LOSSES) - set(before) == {"rhythm"}
    finally:
        for name in set(LOSSES) - set(before):
            del LOSSES[name]


@pytest.mark.parametrize(
    "page", ["first_detector.md", "own_data.md", "camera.md", "reproduce_paper.md", "add_a_loss.md"]
)
def test_every_tutorial_has_blocks_that_are_run(page: str) -> None:
    run = [block for block in blocks(page) if block.why is None]
    assert len(run) >= 2 and all(block.language in ("sh", "python", "text") for block in run)
