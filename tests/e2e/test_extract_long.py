"""Extraction under hard conditions: a day of video, kill -9 at random moments, a machine of a cluster that dies."""

import hashlib
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.errors import EnvironmentFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, VideoRecord
from augrgb.encoders import ENCODERS
from augrgb.encoders.files import EncoderSettings, save_encoder
from augrgb.features.writer import verify_features
from augrgb.parallel.ray import RayEngine
from augrgb.workflows.extract import extract, extract_together
from support.ray_cluster import two_nodes
from support.video_samples import square_frames, write_video

pytestmark = pytest.mark.slow
CLOCK = Clock(15, 8, 8)


def make_dataset(folder: Any, lengths: Any) -> Any:
    videos = {}
    for number, count in enumerate(lengths):
        file = write_video(folder / f"{number}.mp4", square_frames(count, step=1 + number % 5))
        videos[f"S{number} cam/1"] = VideoRecord(f"S{number} cam/1", count / 10, file)
    return Dataset("little", ("walk",), videos, {})


def make_encoder(folder: Any, name: Any = "small_rgb", clock: Any = CLOCK, **options: Any) -> Any:
    torch.manual_seed(0)
    encoder = ENCODERS[name](**{"dim": 16, "width": 8, **options})
    save_encoder(folder, encoder, EncoderSettings(clock, (32, 24)))
    return folder


def hashes(folder: Any) -> Any:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.safetensors")}


def command_of(folder: Any, body: Any, arguments: Any) -> Any:
    script, given = folder / "script.py", folder / "arguments"
    given.write_bytes(pickle.dumps(arguments))
    head = "import pickle, resource, sys\nfrom pathlib import Path\n"
    script.write_text(
        f"{head}{body}\nif __name__ == '__main__':\n    main(*pickle.loads(Path(sys.argv[1]).read_bytes()))\n"
    )
    return [sys.executable, str(script), str(given)]


MEASURED = """
from augrgb.workflows.extract import extract_together
from augrgb.parallel.engine import LocalEngine
def main(dataset, targets):
    extract_together(dataset, targets, engine=LocalEngine(0))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_a_day_of_video(tmp_path: Path) -> None:
    day = 24 * 3600
    clock = Clock(1.0, 8, 8)
    targets = [(make_encoder(tmp_path / "rgb", clock=clock, dim=4096), tmp_path / "f" / "rgb")]
    targets += [(make_encoder(tmp_path / "flow", "small_flow", clock=clock), tmp_path / "f" / "flow")]
    frames = [np.full((24, 32, 3), 40 + number, np.uint8) for number in range(60)]
    peaks = {}
    for name, seconds in (("minutes", 600), ("day", day)):
        path = write_video(
            tmp_path / f"{name}.mp4", _Looped(frames, seconds), fps=1, options={"preset": "ultrafast", "crf": "40"}
        )
        dataset = Dataset("d", ("a",), {name: VideoRecord(name, float(seconds), path)}, {})
        done = subprocess.run(command_of(tmp_path, MEASURED, (dataset, targets)), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        peaks[name] = int(done.stdout)
    count, _ = verify_features(tmp_path / "f" / "rgb" / "day.safetensors")
    size_mib = count * 4096 * 4 / 2**20
    assert count == clock.num_snippets(day) and size_mib > 160
    assert peaks["day"] - peaks["minutes"] < 64, peaks  # 32 MiB of features before they go to the disk, and the index


class _Looped:
    """So many frames, of which few exist."""

    def __init__(self, frames: Any, count: Any) -> None:
        self.frames, self.count = frames, count

    def __getitem__(self, number: Any) -> Any:
        if number >= self.count:
            raise IndexError
        return self.frames[number % len(self.frames)]


TOGETHER = """
from augrgb.workflows.extract import extract_together
from augrgb.parallel.engine import LocalEngine
def main(dataset, targets, workers):
    extract_together(dataset, targets, engine=LocalEngine(workers), allow_failures=1)
"""


def test_killed_at_random_moments_ends_in_the_same_bytes(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, [100] * 12)
    bad = dataset.videos["S3 cam/1"].file
    bad.write_bytes(bad.read_bytes()[:-500])
    encoders = [make_encoder(tmp_path / "rgb"), make_encoder(tmp_path / "flow", "small_flow")]

    def targets(folder: Any) -> Any:
        return [(encoder, tmp_path / folder / encoder.name) for encoder in encoders]

    extract_together(dataset, targets("clean"), allow_failures=1)
    began_s = time.monotonic()
    assert subprocess.run(command_of(tmp_path, TOGETHER, (dataset, targets("timed"), 2))).returncode == 0
    whole_s = time.monotonic() - began_s
    command = command_of(tmp_path, TOGETHER, (dataset, targets("killed"), 2))
    draw, kills = random.Random(time.time_ns()), 0
    for _ in range(4):
        process = subprocess.Popen(command)
        try:
            process.wait(draw.uniform(0.3, 1.0) * whole_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    assert kills
    time.sleep(0.5)  # children of a killed parent end when they notice
    assert subprocess.run(command).returncode == 0
    for encoder in encoders:
        found = tmp_path / "killed" / encoder.name
        assert hashes(found) == hashes(tmp_path / "clean" / encoder.name) and len(hashes(found)) == 11
        assert json.loads((found / "report.json").read_text())["refused"][0]["video"] == "S3 cam/1"
    assert not list((tmp_path / "killed").rglob("*.tmp-*"))


def test_a_small_disk_is_refused_before_or_while_it_fills(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs the right to mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        dataset = make_dataset(tmp_path, [600] * 3)
        encoder = make_encoder(tmp_path / "e", clock=Clock(15, 8, 1), dim=64)
        out = disk / "f"
        short = {name: VideoRecord(name, 1.0, record.file) for name, record in dataset.videos.items()}
        with pytest.raises(EnvironmentFault, match=r"E-ENV-001.*No space left"):  # their durations are not true
            extract(Dataset("lies", ("a",), short), encoder, out)
        assert all(verify_features(path) for path in out.glob("*.safetensors")) and not list(out.rglob("*.tmp-*"))
        big = {name: VideoRecord(name, 1e5, record.file) for name, record in dataset.videos.items()}
        with pytest.raises(EnvironmentFault, match=r"E-ENV-001.*need about"):
            extract(Dataset("big", ("a",), big), encoder, disk / "g")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_cluster_that_loses_a_machine_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_dataset(tmp_path, [100] * 12)
    bad = dataset.videos["S3 cam/1"].file
    bad.write_bytes(bad.read_bytes()[:-500])
    targets = [(make_encoder(tmp_path / "rgb"), tmp_path / "ray" / "rgb")]
    targets += [(make_encoder(tmp_path / "flow", "small_flow"), tmp_path / "ray" / "flow")]
    local = [(encoder, tmp_path / "local" / out.name) for encoder, out in targets]
    extract_together(dataset, local, allow_failures=1)
    killed = []
    with two_nodes(monkeypatch) as (cluster, second):

        def progress(done: int, total: int) -> None:
            if done >= 4 and not killed:
                cluster.remove_node(second, allow_graceful=False)
                killed.append((done, total))

        reports = extract_together(
            dataset, targets, engine=RayEngine(cluster.address), progress=progress, allow_failures=1
        )
    assert killed == [(4, 12)]
    for (_, out), (_, here), report in zip(targets, local, reports, strict=True):
        assert hashes(out) == hashes(here) and len(report.done) == 11
        assert [video_id for video_id, _ in report.refused] == ["S3 cam/1"]


def test_without_ray_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    dataset = make_dataset(tmp_path, [10])
    with pytest.raises(EnvironmentFault, match=r"E-ENV-003.*augrgb\[ray\]"):
        extract_together(dataset, [(make_encoder(tmp_path / "e"), tmp_path / "f")], engine=RayEngine())


def test_no_cluster_at_the_address(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    dataset, encoder = make_dataset(tmp_path, [10]), make_encoder(tmp_path / "e")
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:x"):
        with pytest.raises(EnvironmentFault, match=r"E-ENV-005.*no Ray cluster.*ray start --head"):
            extract_together(dataset, [(encoder, tmp_path / "f")], engine=RayEngine(address))
