"""Two processes that train together: one dies, is stopped, hangs, or was started with another recipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.places import SUPPORT

SCRIPT = SUPPORT / "lost_rank.py"


def torchrun(folder: Path, way: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, str(SCRIPT), str(folder), way], capture_output=True, text=True, timeout=300, env=environment
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("run")
    done = torchrun(folder, "never")
    assert done.returncode == 0, done.stderr[-3000:]
    return (folder / "model.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("die", "another process of this training ended or cannot be reached"),
        ("stop", "process 1 of 2 has not answered for 6 s"),
        ("hang", "process 1 of 2 hangs: step 9 has taken over 6 s"),
    ],
)
def test_one_lost_process_ends_all_and_the_same_command_resumes(
    undisturbed: bytes, tmp_path: Path, way: str, said: str
) -> None:
    lost = torchrun(tmp_path, way)
    assert time.time() - (tmp_path / "lost").stat().st_mtime < 60
    lines = [line for line in lost.stderr.splitlines() if line.startswith("E-")]
    assert lost.returncode != 0 and len(lines) == 1, lost.stderr[-4000:]
    assert lines[0].startswith("E-JOB-006") and said in lines[0] and "the same command resumes" in lines[0]
    assert "E-BUG" not in lost.stderr and not (tmp_path / "result.json").exists()
    done = torchrun(tmp_path, "never")
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "model.safetensors").read_bytes() == undisturbed


@pytest.mark.slow
def test_processes_with_different_recipes_are_refused_before_the_first_step(tmp_path: Path) -> None:
    lost = torchrun(tmp_path, "differ")
    lines = [line for line in lost.stderr.splitlines() if line.startswith("E-")]
    assert lost.returncode != 0 and len(lines) == 1, lost.stderr[-4000:]
    assert "E-RUN-017" in lines[0] and "learning_rate: 0.003 in 0, 0.0001 in 1" in lines[0]
    assert not (tmp_path / "checkpoints").exists()
