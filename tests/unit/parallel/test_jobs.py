import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from augrgb.core.errors import EnvironmentFault, InputRefused
from augrgb.parallel.jobs import Job, JobRunner
from augrgb.parallel.pool import visible_gpus


def add(a: Any, b: Any, progress: Any) -> Any:
    progress(1, 2)
    return a + b


def refuse(progress: Any) -> None:
    raise InputRefused("E-VID-001", "file", "bad")


def die(progress: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def append(path: Any, word: Any, progress: Any) -> None:
    with open(path, "a") as file:
        file.write(word)


def gpu_once_all_have_started(folder: Any, own: Any, others: Any, progress: Any) -> Any:
    (Path(folder) / own).touch()
    deadline = time.monotonic() + 120
    while not all((Path(folder) / other).exists() for other in others):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return os.environ.get("CUDA_VISIBLE_DEVICES")


@pytest.mark.parametrize(("gpus", "expected"), [(("5", "GPU-7a"), ["5", "GPU-7a"]), (("5",), [None, None])])
def test_each_process_sees_one_of_several_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: Any, expected: Any
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    names = ("a", "b")
    jobs = [Job(n, "s", gpu_once_all_have_started, {"folder": str(tmp_path), "own": n, "others": names}) for n in names]
    with JobRunner(2, gpus=gpus) as runner:
        assert sorted(runner.run(jobs).values(), key=str) == expected


def test_gpus_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 3")
    assert visible_gpus() == ("2", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == ()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert visible_gpus() == ("0", "1")


def test_a_stage_that_comes_twice_costs_the_sum() -> None:
    with JobRunner(1) as runner:
        runner.run([Job("x", "s", add, {"a": 1, "b": 2})])
        first = runner.costs["s"].wall_s
        runner.run([Job("x", "s", add, {"a": 1, "b": 2})])
        assert runner.costs["s"].wall_s > first


def test_a_part_has_progress_of_its_own() -> None:
    seen = []
    with JobRunner(0, lambda stage, fraction: seen.append((stage, fraction))) as runner:
        for part in ("folds", "bundle"):
            runner.run([Job(part, "train", add, {"a": 1, "b": 2})], part=part)
        assert set(runner.costs) == {"train"}
    assert ("train (folds)", 1.0) in seen and ("train (bundle)", 1.0) in seen and "train" not in dict(seen)


def test_jobs_run_after_what_they_depend_on(tmp_path: Path) -> None:
    path = str(tmp_path / "order")
    jobs = [
        Job("c", "two", append, {"path": path, "word": "c"}, after=("b",)),
        Job("b", "one", append, {"path": path, "word": "b"}, after=("a",)),
        Job("a", "one", append, {"path": path, "word": "a"}),
        Job("sum", "two", add, {"a": 1, "b": 2}),
    ]
    seen = []
    with JobRunner(2, lambda stage, fraction: seen.append((stage, fraction))) as runner:
        results = runner.run(jobs)
        assert results["sum"] == 3
        assert set(runner.costs) == {"one", "two"}
        assert runner.run([Job("again", "three", add, {"a": 2, "b": 2})]) == {"again": 4}
    assert Path(path).read_text() == "abc"
    assert ("two", 1.0) in seen and ("one", 1.0) in seen


def test_an_error_of_a_job_arrives_with_its_message() -> None:
    with pytest.raises(InputRefused, match="E-VID-001 file: bad"), JobRunner(1) as runner:
        runner.run([Job("x", "s", refuse)])


def test_a_killed_worker_is_named() -> None:
    with (
        pytest.raises(EnvironmentFault, match=r"E-JOB-004 x: its process died .*SIGKILL\), 2 times"),
        JobRunner(1) as runner,
    ):
        runner.run([Job("x", "s", die)])


def die_once(flag: Any, progress: Any) -> Any:
    if not Path(flag).exists():
        Path(flag).touch()
        die(progress)
    return "resumed"


def test_a_job_whose_worker_dies_is_tried_again(tmp_path: Path) -> None:
    with JobRunner(1) as runner:
        assert runner.run([Job("x", "s", die_once, {"flag": str(tmp_path / "flag")})]) == {"x": "resumed"}


def bug(progress: Any) -> None:
    raise KeyError("oops")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bug_arrives_with_its_traceback(workers: Any) -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'oops'"), JobRunner(workers) as runner:
        runner.run([Job("x", "s", bug)])


def test_no_workers_means_this_process() -> None:
    with JobRunner(0) as runner:
        jobs = [Job("b", "s", process_id, after=("a",)), Job("a", "s", process_id)]
        assert set(runner.run(jobs).values()) == {os.getpid()}


def process_id(progress: Any) -> Any:
    return os.getpid()


def save_when_asked(folder: Any, progress: Any) -> None:
    from augrgb.training.interrupts import noted_signals

    with noted_signals() as flag:
        (Path(folder) / "started").touch()
        while flag.number is None:
            time.sleep(0.02)
        (Path(folder) / "saved").touch()


def fail_when_started(folder: Any, progress: Any) -> None:
    while not (Path(folder) / "started").exists():
        time.sleep(0.02)
    raise InputRefused("E-VID-001", "file", "bad")


def test_when_a_job_fails_those_that_run_may_save(tmp_path: Path) -> None:
    arguments = {"folder": str(tmp_path)}
    jobs = [Job("long", "s", save_when_asked, arguments), Job("bad", "s", fail_when_started, arguments)]
    with pytest.raises(InputRefused), JobRunner(2) as runner:
        runner.run(jobs)
    assert (tmp_path / "saved").exists()


def test_unknown_and_circular_dependencies_are_bugs() -> None:
    with JobRunner(1) as runner:
        with pytest.raises(ValueError, match="unknown jobs"):
            runner.run([Job("x", "s", add, {"a": 1, "b": 1}, after=("y",))])
        with pytest.raises(ValueError, match="wait for each other"):
            runner.run([Job("x", "s", add, after=("y",)), Job("y", "s", add, after=("x",))])


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(
        "import time\n"
        "from augrgb.parallel.jobs import Job, JobRunner\n"
        "def sleep(progress):\n"
        "    open('started', 'w').close()\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    with JobRunner(1) as runner:\n"
        "        runner.run([Job('x', 's', sleep)])\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    children = psutil.Process(parent.pid).children(recursive=True)
    assert children
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
