"""kill -9, Ctrl-C and SIGTERM in the middle of the demo's stages: the same command ends in the same bytes."""

import hashlib
import json
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

SCRIPT = SUPPORT / "tiny_demo.py"


def start(folder: Any) -> Any:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), folder.name],
        cwd=folder.parent,  # results.json holds the recipe, whose paths must be the same in every run
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(folder: Any) -> Any:
    process = start(folder)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out, err


def is_kept(path: Path) -> bool:
    """Whether a file must not depend on interruptions: videos, frames, features, models, metrics, results."""
    kept = (".mp4", ".npz", ".npy", ".safetensors", "metrics.jsonl", "results.json", "result.json")
    return path.name.endswith(kept) and "checkpoints" not in path.parts


def fingerprint(folder: Any) -> Any:
    """Hash of everything that must not depend on interruptions."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and is_kept(path)
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("undisturbed") / "demo"
    out, _ = finish(folder)
    assert "Augmented-RGB" in out and (folder / "report.html").stat().st_size > 50_000
    found = fingerprint(folder)
    assert sum(name.endswith("model.safetensors") for name in found) > 10
    return found


def run_until(folder: Path, count: int) -> Any:
    """Start the demo and let it work until so many of its files are written: the speed of the machine is no matter."""
    process, deadline = start(folder), time.monotonic() + 300
    while process.poll() is None and sum(is_kept(path) for path in folder.rglob("*")) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()[1]
    return process


@pytest.mark.slow
def test_killed_again_and_again(undisturbed: Any, tmp_path: Path) -> None:
    folder, rng = tmp_path / "demo", random.Random(0)
    for count in sorted(rng.sample(range(1, len(undisturbed) - 5), 8)):
        process = run_until(folder, count)
        time.sleep(rng.uniform(0, 0.3))
        os.killpg(process.pid, signal.SIGKILL) if rng.random() < 0.5 else process.kill()
        process.communicate()
        time.sleep(0.5)  # orphaned workers notice that their parent is gone
    finish(folder)
    assert fingerprint(folder) == undisturbed
    assert not list(folder.rglob("*.tmp-*"))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_politely(undisturbed: Any, tmp_path: Path, number: Any, code: Any) -> None:
    folder = tmp_path / "demo"
    for share in (0.1, 0.6):
        process = run_until(folder, round(share * len(undisturbed)))
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        assert "the same command to resume" in err and "Traceback" not in err
    finish(folder)
    assert fingerprint(folder) == undisturbed


@pytest.mark.slow
def test_results_are_plain_json_with_coverage(tmp_path: Path) -> None:
    finish(tmp_path / "demo")
    results = json.loads((tmp_path / "demo" / "results.json").read_text())
    for row in results["rows"].values():
        for splits in row["seeds"].values():
            for protocols in splits.values():
                assert all(p["videos_scored"] == p["videos_total"] == 2 for p in protocols.values())
