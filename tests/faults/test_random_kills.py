"""SIGKILL at random moments of every long command: begun again, it ends in the same bytes, or says why it does not.

Two kills of each command with the slow tests, 200 in all with `make kill` (`AUGRGB_KILLS=200`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from augrgb.annotations.dataset_file import load_dataset
from support.causal_bundle import make_causal_bundle
from support.command_server import CommandServer
from support.pose_samples import kinect_people, write_kinect
from support.server_client import upload, video_bytes, wait_for_job
from support.server_process import ServerProcess
from support.tiny_project import expect_success, make_project
from support.toy_comparison import make_features, toy_values, write_recipe
from support.video_samples import square_frames, write_video

pytestmark = pytest.mark.slow
_log = logging.getLogger(__name__)

KEPT = (".mp4", ".npz", ".npy", ".safetensors", "metrics.jsonl", "results.json", "result.json", ".srt", ".csv")
IN_A_ROW = 3
"""Kills before a command may finish."""


@dataclass(frozen=True)
class Command:
    """A command, where it writes (below its folder), and what it needs there."""

    words: str
    out: str
    needs: tuple[str, ...] = ()


COMMANDS = {
    "train-encoder": Command("train-encoder encoder_rgb.yaml -o out data.frames=frames", "out"),
    "pretrain": Command("train-encoder encoder_rgb.yaml -o out data.frames=frames --pretrain world/videos", "out"),
    "extract": Command("extract world encoder_rgb -o out --workers 1", "out"),
    "train": Command("train rgb.yaml -o out", "out"),
    "distill": Command("distill distilled.yaml -o out", "out"),
    "fit": Command("fit project.yaml -o out --workers 1", "out"),
    "detect": Command("detect world/videos -m rgb -o out", "out"),
    "data poses": Command("data poses kinect -o out --workers 1", "out"),
    "compare": Command("compare compare.yaml -o out --workers 1", "out"),
    "world make": Command(
        "world make -o out --workers 1 --set duration_s=10 --set encoder=1 --set encoder_unlabelled=1 --set train=2 "
        "--set unlabelled=1 --set val=1 --set test=1 --set train_subjects=2 --set test_subjects=1 "
        "--set train_cameras=1 --set test_cameras=1",
        "out",
    ),
}


def kills_each() -> int:
    total = int(os.environ.get("AUGRGB_KILLS", "0"))
    return max(2, -(-total // (len(COMMANDS) + 2)))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that the commands need."""
    root = tmp_path_factory.mktemp("kills")
    make_project(root)
    for name in ("encoder_pose", "encoder_rgb"):
        expect_success("train-encoder", root / f"{name}.yaml", "--out", root / name)
    for name in ("pose", "rgb"):
        expect_success(
            "extract", root / "world", root / f"encoder_{name}", "--out", root / "features" / name, "--workers", 1
        )
        expect_success("train", root / f"{name}.yaml", "--out", root / name)
    (root / "project.yaml").write_text(
        "dataset: world\nsplit: cross_subject\nclock: {fps: 15, window: 8, stride: 8}\nlayers: 2\nfolds: []\n"
    )
    (root / "kinect").mkdir()
    for number in range(12):
        write_kinect(root / "kinect" / f"S{number:02d}.txt", kinect_people(40 + number))
    make_features(root / "toy")
    recipe = write_recipe(root / "toy", toy_values(root / "toy"))
    (root / "compare.yaml").write_text(yaml.safe_dump(yaml.safe_load(recipe.read_text())))
    assert load_dataset(root / "world").videos
    return root


@pytest.fixture(scope="module")
def server() -> Iterator[CommandServer]:
    running = CommandServer()
    yield running
    running.stop()


def fingerprint(folder: Path) -> dict[str, str]:
    """Hashes of all that must not depend on interruptions."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name.endswith(KEPT) and "checkpoints/" not in name and "tensorboard/" not in name:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def fresh(project: Path, folder: Path) -> Path:
    """A folder in which the project seems to lie, so that each try writes for itself."""
    folder.mkdir()
    for path in project.iterdir():
        if path.name not in ("frames", "out"):
            (folder / path.name).symlink_to(path)
    return folder


def kill(process: int, rng: random.Random) -> None:
    ends = os.killpg if rng.random() < 0.5 else os.kill  # after the second, its workers notice it themselves
    with contextlib.suppress(ProcessLookupError):  # it has ended already
        ends(process, signal.SIGKILL)


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_random_and_begun_again(name: str, project: Path, server: CommandServer, tmp_path: Path) -> None:
    command, rng = COMMANDS[name], random.Random(os.environ.get("AUGRGB_SEED", "0") + name)
    words = command.words.split()
    here = tmp_path / "here"  # one place for all tries: files of a fit and of a comparison hold absolute paths
    folder = fresh(project, here)
    server.start(folder, words)
    begin_s = time.monotonic()
    assert server.wait() == 0, (folder / "log").read_text()[-3000:]
    whole_s = time.monotonic() - begin_s
    expected = fingerprint(folder / command.out)
    assert expected
    folder.rename(tmp_path / "whole")
    killed = 0
    for number in range(1, 100):
        folder = fresh(project, here)
        for _ in range(IN_A_ROW):
            process = server.start(folder, words)
            time.sleep(rng.uniform(0.02, 0.8) * whole_s)
            with_luck = os.path.exists(f"/proc/{process}/stat")
            kill(process, rng)
            code = server.wait()
            killed += code == -signal.SIGKILL and with_luck
            if code != -signal.SIGKILL:
                break
        time.sleep(1.0)  # orphaned workers notice that their parent is gone
        server.start(folder, words)
        code, log = server.wait(), (folder / "log").read_text()
        assert code == 0 and "E-BUG" not in log and "Traceback" not in log, log[-3000:]
        assert fingerprint(folder / command.out) == expected
        assert not list((folder / command.out).rglob("*.tmp-*"))
        folder.rename(tmp_path / str(number))
        if killed >= kills_each():
            break
    _log.info("%s", f"kills: {name}: {killed} in {number} tries, {whole_s:.1f} s undisturbed")


def test_a_server_killed_at_random_loses_no_job(tmp_path: Path) -> None:
    rng, running = random.Random(0), ServerProcess(tmp_path)
    client, killed, uploaded = running.start(), 0, []
    try:
        for _ in range(kills_each()):
            with_video: Any = client
            uploaded.append(upload(with_video, video_bytes(tmp_path))["id"])
            time.sleep(rng.uniform(0, 0.3))
            running.kill()
            killed += 1
            client = running.start()
        for video in uploaded:
            wait_for_job(client, video)  # type: ignore[arg-type]
    finally:
        running.kill()
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log and "E-BUG" not in log, log[-3000:]
    _log.info("%s", f"kills: serve: {killed}")


def test_a_watch_killed_at_random_leaves_whole_messages(server: CommandServer, tmp_path: Path) -> None:
    rng, killed = random.Random(0), 0
    make_causal_bundle(tmp_path / "bundle")
    write_video(tmp_path / "v.mp4", square_frames(300, step=3.0))
    words = (
        "watch v.mp4 -m bundle -o events.jsonl --spool spool --webhook http://127.0.0.1:9/ --webhook-private --on 0.5"
    )
    before: set[str] = set()
    while killed < kills_each():
        process = server.start(tmp_path, words.split())
        time.sleep(rng.uniform(2.0, 9.0))
        os.kill(process, signal.SIGKILL)
        killed += server.wait() == -signal.SIGKILL
        messages = {path.name: path for path in tmp_path.rglob("*.message.json")}
        for path in messages.values():
            body = json.loads(json.loads(path.read_text())["body"])
            assert body
        assert before <= messages.keys()  # none was lost: nobody could be told
        before = set(messages)
        if (tmp_path / "events.jsonl").exists():
            *lines, last = (tmp_path / "events.jsonl").read_text().split("\n")
            assert all(json.loads(line) for line in lines) or last
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log and "E-BUG" not in log, log[-3000:]
    _log.info("%s", f"kills: watch: {killed}, {len(before)} messages wait")
