"""SIGKILL around every kind of write: the run begun again ends in the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from support.places import SUPPORT

SCRIPT = SUPPORT / "toy_training.py"


def train(folder: Path, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, str(SCRIPT), str(folder), *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})


def outcome(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("model.safetensors", "metrics.jsonl", "result.json")}


def finish(folder: Path) -> dict[str, bytes]:
    process = train(folder)
    errors = process.communicate(timeout=300)[1].decode()
    assert process.returncode == 0, errors
    assert not list(folder.rglob("*.tmp-*")) and (folder / "run.lock").read_bytes() == b""
    return outcome(folder)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return finish(tmp_path_factory.mktemp("clean"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "number"),
    [
        *(("replace", n) for n in (1, 2, 3, 4, 5, 6, 9, 12, 20, 25, 26, 27, 28)),
        *(("fsync", n) for n in (3, 8, 17, 30, 41)),
        *(("unlink", n) for n in (1, 2, 5, 8)),
    ],
)
def test_killed_around_a_write(clean: Any, tmp_path: Path, function: Any, number: Any) -> None:
    process = train(tmp_path, "die-at", function, number)
    process.communicate(timeout=300)
    assert process.returncode in (-signal.SIGKILL, 0)
    assert finish(tmp_path) == clean


@pytest.mark.slow
def test_killed_again_and_again_at_random(clean: Any, tmp_path: Path) -> None:
    rng = random.Random(0)
    kills = 0
    for _ in range(30):
        process = train(tmp_path, "slow", 0.1)
        time.sleep(2.5 + 2 * rng.random())
        if process.poll() is not None:
            break
        process.kill()
        process.communicate()
        kills += 1
    assert kills > 0
    assert finish(tmp_path) == clean


@pytest.mark.slow
def test_sigterm_leaves_with_a_checkpoint(clean: Any, tmp_path: Path) -> None:
    process = train(tmp_path, "slow", 0.2)
    deadline = time.monotonic() + 60
    while not (tmp_path / "metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    errors = process.communicate(timeout=60)[1].decode()
    assert "E-RUN-003" in errors and process.returncode == 1  # an exception; the command line turns it into 143
    assert finish(tmp_path) == clean
