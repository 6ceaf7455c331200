"""A tiny world and recipes for it: the ordinary path at a size that takes seconds."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from augrgb.cli.main import main
from augrgb.world.make import make_world
from augrgb.world.settings import WorldSettings

WORLD = WorldSettings(
    duration_s=10, encoder=2, encoder_unlabelled=2, train=3, unlabelled=2, val=2, test=2,
    train_subjects=2, test_subjects=1, train_cameras=1, test_cameras=1,
)  # fmt: skip
CLOCK = {"fps": 15, "window": 8, "stride": 8}


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def run_cli(*words: object) -> Outcome:
    """Run `augrgb` in this process."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(word) for word in words])
        except SystemExit as ending:
            code = ending.code
    return Outcome(code, out.getvalue(), err.getvalue())


def make_project(root: Path) -> Path:
    """A world and the recipes of one teacher and one student."""
    make_world(root / "world", WORLD, workers=0)
    encoder_train = {"steps": 6, "batch_size": 8, "validate_every": 3, "checkpoint_every": 3}
    for modality in ("rgb", "pose"):
        recipe: dict[str, Any] = {
            "data": {"dataset": str(root / "world"), "frames": str(root / "frames")},
            "encoder": {f"small_{modality}": {"dim": 16}},
            "clock": CLOCK,
            "train": encoder_train,
        }
        write(root / f"encoder_{modality}.yaml", recipe)
    recipe["encoder"] = {"small_rgb": {"dim": 16}}
    recipe["distill"] = {"teachers": {"pose": str(root / "encoder_pose")}, "losses": {"atomic_regression": {}}}
    write(root / "encoder_augmented.yaml", recipe)
    for modality in ("rgb", "pose"):
        write(root / f"{modality}.yaml", stream_values(root, modality))
    values = stream_values(root, "rgb")
    values["data"]["features"]["pose"] = str(root / "features" / "pose")
    losses = {"atomic_contrastive": {"weight": 0.1}, "global_relation": {}, "boundary_saliency": {}, "logit_kd": {}}
    values["distill"] = {"teachers": {"pose": str(root / "pose")}, "losses": losses}
    write(root / "distilled.yaml", values)
    return root


def stream_values(root: Path, modality: str) -> dict[str, Any]:
    """Recipe of a plain stream."""
    return {
        "data": {"dataset": str(root / "world"), "features": {modality: str(root / "features" / modality)}},
        "student": {"modality": modality, "filter": {"sd_tcn": {"width": 16, "layers": 2}}},
        "train": {"steps": 8, "batch_size": 4, "validate_every": 4, "checkpoint_every": 4},
    }


def write(path: Path, recipe: dict[str, Any]) -> Path:
    """A recipe file."""
    path.write_text(yaml.safe_dump(recipe))
    return path


def train_project(root: Path) -> None:
    """Everything of `make_project`, trained through the command line."""
    for name in ("encoder_pose", "encoder_rgb", "encoder_augmented"):
        expect_success("train-encoder", root / f"{name}.yaml", "--out", root / name)
    for name in ("pose", "rgb"):
        expect_success(
            "extract", root / "world", root / f"encoder_{name}", "--out", root / "features" / name, "--workers", 1
        )
        expect_success("train", root / f"{name}.yaml", "--out", root / name)
    expect_success("distill", root / "distilled.yaml", "--out", root / "distilled")


def expect_success(*words: object) -> Outcome:
    """Run a command that must end with code 0."""
    outcome = run_cli(*words)
    assert outcome.code == 0, f"augrgb {' '.join(map(str, words))}: {outcome.err}"
    return outcome
