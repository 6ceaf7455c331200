"""Batches and job graphs on a Ray cluster of two nodes: the same bytes as on this machine, and a lost node survived."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import EnvironmentFault, InputRefused
from augrgb.parallel.jobs import Job, JobRunner
from augrgb.parallel.ray import RayEngine
from augrgb.pipelines.compare import compare
from augrgb.pipelines.comparison.load import load_comparison
from augrgb.poses.convert import convert_poses
from augrgb.poses.estimate import estimate_poses
from support.pose_samples import kinect_people, write_kinect, write_simcc_model
from support.ray_cluster import die, refuse, small_graph, two_nodes
from support.toy_comparison import make_features, toy_values, write_recipe
from support.video_samples import square_frames, write_video

pytestmark = pytest.mark.slow


def hashes(folder: Any) -> Any:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "report.json")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_poses_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    (tmp_path / "kinect").mkdir()
    for number in range(6):
        write_kinect(tmp_path / "kinect" / f"S{number}.txt", kinect_people(4 + number))
    (tmp_path / "kinect" / "bad.txt").write_text("no skeletons")
    videos = [write_video(tmp_path / f"{number}.mp4", square_frames(20, step=1 + number)) for number in range(3)]
    (tmp_path / "broken.mp4").write_text("no video")
    model = write_simcc_model(tmp_path / "m.onnx", (64, 48))

    def both(name: Any, **where: Any) -> Any:
        reports = [
            convert_poses([tmp_path / "kinect"], tmp_path / name / "converted", allow_failures=1, **where),
            estimate_poses(
                [*videos, tmp_path / "broken.mp4"], tmp_path / name / "estimated", model, allow_failures=1, **where
            ),
        ]
        return [(report.done, [(item_id, fault.code) for item_id, fault in report.refused]) for report in reports]

    here = both("here", workers=0)
    with two_nodes(monkeypatch) as (cluster, _):
        there = both("there", engine=RayEngine(cluster.address))
    assert there == here and [len(done) for done, _ in here] == [6, 3]
    assert hashes(tmp_path / "there") == hashes(tmp_path / "here")


def test_a_job_graph_survives_the_loss_of_a_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with JobRunner(0) as runner:
        here = runner.run(small_graph(tmp_path / "here"))
    killed, seen = [], []
    with two_nodes(monkeypatch) as (cluster, second):

        def on_progress(stage: Any, fraction: Any) -> None:
            seen.append((stage, fraction))
            if stage == "parts" and fraction >= 2 / 8 and not killed:
                cluster.remove_node(second, allow_graceful=False)
                killed.append(fraction)

        with JobRunner(on_progress=on_progress, engine=RayEngine(cluster.address)) as runner:
            assert runner.workers == 2
            there = runner.run(small_graph(tmp_path / "there", pause_s=1.0))
            assert set(runner.costs) == {"parts", "sum"}
    assert killed and killed[0] < 1 and there == here
    assert hashes(tmp_path / "there") == hashes(tmp_path / "here")
    assert ("sum", 1.0) in seen and all(0 <= fraction <= 1 for _, fraction in seen)


def test_faults_of_jobs_arrive_from_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    with two_nodes(monkeypatch) as (cluster, _):
        engine = RayEngine(cluster.address)
        with pytest.raises(InputRefused, match="E-VID-001 file: bad"), JobRunner(engine=engine) as runner:
            runner.run([Job("x", "s", refuse)])
        with pytest.raises(EnvironmentFault, match=r"E-JOB-004 x: .*exit code 3"), JobRunner(engine=engine) as runner:
            runner.run([Job("x", "s", die)])
        with pytest.raises(RuntimeError, match="TypeError"), JobRunner(engine=engine) as runner:
            runner.run([Job("x", "s", os.getpid)])


def test_a_comparison_is_the_same_bytes_although_a_node_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_features(tmp_path)
    recipe = load_comparison(write_recipe(tmp_path, toy_values(tmp_path)), [])
    compare(recipe, Path("here"), workers=2)
    killed = []
    with two_nodes(monkeypatch) as (cluster, second):

        def on_progress(stage: Any, fraction: Any) -> None:
            if stage == "streams" and fraction > 0.2 and not killed:
                cluster.remove_node(second, allow_graceful=False)
                killed.append(fraction)

        outcome = compare(recipe, Path("there"), engine=RayEngine(cluster.address), on_progress=on_progress)
    assert killed and not outcome.failures
    for pattern, count in (("results.json", 1), ("comparison.*", 3), ("streams/*/model.safetensors", 6)):
        here = {path.relative_to("here"): path.read_bytes() for path in Path("here").glob(pattern)}
        assert len(here) == count
        assert here == {path.relative_to("there"): path.read_bytes() for path in Path("there").glob(pattern)}


def test_an_interrupted_driver_leaves_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = small_graph(tmp_path / "parts", pause_s=0.5)
    with two_nodes(monkeypatch) as (cluster, _):
        engine = RayEngine(cluster.address)

        def interrupt(stage: Any, fraction: Any) -> None:
            if fraction >= 3 / 8:  # two that are whole, and two that are half done
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), JobRunner(on_progress=interrupt, engine=engine) as runner:
            runner.run(jobs)
        finished = {path: path.read_bytes() for path in (tmp_path / "parts").glob("part-*.npy")}
        assert 2 <= len(finished) < 8 and not (tmp_path / "parts" / "sum.npy").exists()
        with JobRunner(engine=engine) as runner:
            assert runner.run(jobs)["sum"] == 8
    assert all(path.read_bytes() == content for path, content in finished.items())


def test_a_killed_driver_loses_nothing_and_leaves_nobody_working(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL of `augrgb compare --engine ray` at four moments, each time begun again at once."""
    monkeypatch.chdir(tmp_path)
    make_features(tmp_path)
    recipe = write_recipe(tmp_path, toy_values(tmp_path))
    compare(load_comparison(recipe, []), Path("here"), workers=2)
    streams = Path("there/streams")
    with two_nodes(monkeypatch) as (cluster, _):
        words = ["compare", str(recipe), "-o", "there", "--engine", "ray", "--address", cluster.address]

        def begin() -> subprocess.Popen[bytes]:
            with open("log", "ab") as log:
                return subprocess.Popen([sys.executable, "-m", "augrgb", *words], stdout=log, stderr=log)

        finished: dict[Path, bytes] = {}
        for wanted in range(4):
            driver = begin()
            until = time.monotonic() + 240
            while len(list(streams.glob("*/result.json"))) < max(1, wanted) and driver.poll() is None:
                assert time.monotonic() < until, Path("log").read_text()[-3000:]
                time.sleep(0.02)
            time.sleep(0.3 * wanted)
            driver.kill()
            assert driver.wait() in (-signal.SIGKILL, 0)
            assert all(path.read_bytes() == content for path, content in finished.items())
            finished = {path: path.read_bytes() for path in streams.glob("*/model.safetensors")}
        time.sleep(10.0)  # the cluster notices, and its workers end
        before = {path: path.stat().st_mtime_ns for path in Path("there").rglob("*")}
        time.sleep(3.0)
        assert before == {path: path.stat().st_mtime_ns for path in Path("there").rglob("*")}
        assert begin().wait(240) == 0, Path("log").read_text()[-3000:]
    assert "E-BUG" not in Path("log").read_text() and "E-RUN-001" not in Path("log").read_text()
    for pattern, count in (("results.json", 1), ("comparison.*", 3), ("streams/*/model.safetensors", 6)):
        here = {path.relative_to("here"): path.read_bytes() for path in Path("here").glob(pattern)}
        assert len(here) == count
        assert here == {path.relative_to("there"): path.read_bytes() for path in Path("there").glob(pattern)}
    assert not list(Path("there").rglob("*.tmp-*"))
