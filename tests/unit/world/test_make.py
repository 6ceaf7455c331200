import hashlib
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from augrgb.annotations.dataset_file import load_dataset
from augrgb.core.errors import InputRefused
from augrgb.world import CLASS_NAMES, WorldSettings, load_packed_motion
from augrgb.world.make import make_world, make_world_from_motion
from support.world_samples import packed

SETTINGS = WorldSettings(
    width=64,
    height=48,
    duration_s=6.0,
    fps=10.0,
    encoder=1,
    encoder_unlabelled=0,
    train=1,
    unlabelled=1,
    val=0,
    test=1,
    train_subjects=2,
)


def hashes(folder: Any) -> Any:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("world")
    calls = []
    dataset = make_world(folder, SETTINGS, workers=0, progress=lambda done, total: calls.append((done, total)))
    return folder, dataset, calls


def test_the_folder_is_a_dataset(world: Any) -> None:
    folder, dataset, calls = world
    loaded = load_dataset(folder)
    assert loaded.videos == dataset.videos and loaded.splits == dataset.splits
    assert loaded.classes == CLASS_NAMES and len(CLASS_NAMES) == 16
    assert calls == [(i, 5) for i in range(6)]
    for video in loaded.videos.values():
        assert video.file.is_file() and video.fps == 10 and video.duration_s == 6
        with np.load(video.poses, allow_pickle=False) as pose:
            assert pose["joints"].shape == (60, 21, 3) and pose["joints"].dtype == np.float32
            assert float(pose["fps"]) == 10 and list(pose["parents"]).count(-1) == 1 and len(pose["names"]) == 21


def test_same_bytes_on_two_workers(world: Any, tmp_path: Path) -> None:
    make_world(tmp_path, SETTINGS, workers=2)
    assert hashes(tmp_path) == hashes(world[0])


def test_another_seed_gives_another_world(world: Any, tmp_path: Path) -> None:
    make_world(tmp_path, replace(SETTINGS, seed=1), workers=0)
    ours, theirs = hashes(world[0]), hashes(tmp_path)
    assert set(ours) == set(theirs) and not set(ours.values()) & set(theirs.values())


def test_resume_redoes_only_what_is_missing(world: Any, tmp_path: Path) -> None:
    make_world(tmp_path, SETTINGS, workers=0)
    before = hashes(tmp_path)
    kept = tmp_path / "videos" / "train-000.mp4"
    stamp = kept.stat().st_mtime_ns
    (tmp_path / "videos" / "encoder-000.mp4").unlink()
    (tmp_path / "poses" / "unlabelled-000.npz").unlink()
    (tmp_path / "dataset.json").unlink()
    (tmp_path / "videos" / "encoder-000.mp4.tmp-999999999-00000000").write_text("left by a killed process")
    make_world(tmp_path, SETTINGS, workers=0)
    assert hashes(tmp_path) == before == hashes(world[0])
    assert kept.stat().st_mtime_ns == stamp


@pytest.mark.slow
def test_killed_and_started_again_gives_the_same_bytes(world: Any, tmp_path: Path) -> None:
    folder = tmp_path / "world"
    program = f"""
from pathlib import Path
from augrgb.world import WorldSettings
from augrgb.world.make import make_world
if __name__ == "__main__":
    make_world(Path({str(folder)!r}), WorldSettings(**{SETTINGS.to_json()!r}), workers=2)
"""
    (tmp_path / "program.py").write_text(program)
    process = subprocess.Popen([sys.executable, str(tmp_path / "program.py")])
    deadline = time.monotonic() + 60
    while not list(folder.glob("poses/*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.002)
    workers = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive  # orphans would go on writing, or wait for ever
    assert len(hashes(folder)) < len(hashes(world[0]))
    make_world(folder, SETTINGS, workers=0)
    assert hashes(folder) == hashes(world[0])


def test_two_worlds_do_not_mix(world: Any) -> None:
    with pytest.raises(InputRefused) as caught:
        make_world(world[0], replace(SETTINGS, clutter=0.9), workers=0)
    assert caught.value.code == "E-WLD-001" and "clutter: 0.2 there, 0.9 asked for" in caught.value.problem


def test_a_folder_with_other_videos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    with pytest.raises(InputRefused, match=r"E-WLD-001.*world\.json"):
        make_world(tmp_path, SETTINGS, workers=0)


def test_given_motion(tmp_path: Path) -> None:
    motion = load_packed_motion(packed(tmp_path / "motion.npz", takes=8))
    settings = replace(SETTINGS, val=1)
    dataset = make_world_from_motion(tmp_path / "a", motion, settings, styles=True, workers=0)
    assert dataset.classes == ("walk", "wave_left", "calm", "wild")
    assert load_dataset(tmp_path / "a").videos == dataset.videos
    labels = [{e.label for e in video.events} for video in dataset.videos.values()]
    assert all(own & {"walk", "wave_left"} and own & {"calm", "wild"} for own in labels)
    make_world_from_motion(tmp_path / "b", motion, settings, styles=True, workers=2)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    with pytest.raises(InputRefused, match="E-WLD-001"):
        make_world_from_motion(tmp_path / "a", motion, settings, styles=False, workers=0)
    with pytest.raises(InputRefused, match="E-WLD-001"):
        make_world(tmp_path / "a", settings, workers=0)
