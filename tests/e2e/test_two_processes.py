"""Two processes end where one does: dropout and in-batch contrast included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from support.places import SUPPORT

SCRIPT = SUPPORT / "two_processes.py"


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path) -> None:
    weights, lines = [], []
    for world in (1, 2):
        folder = tmp_path / str(world)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={world}"]
        done = subprocess.run(
            [*command, str(SCRIPT), str(folder)],
            capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        weights.append(load_file(folder / "model.safetensors"))
        lines.append([json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()])
    assert json.loads((tmp_path / "2" / "run.json").read_text())["identity"]["processes"] == 2
    for name, one in weights[0].items():
        assert (weights[1][name] - one).abs().max() < 1e-6, name
    assert [line["step"] for line in lines[0]] == [line["step"] for line in lines[1]]
    assert lines[0][0]["snippets"] == lines[1][0]["snippets"]
