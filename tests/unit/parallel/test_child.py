"""Work in child processes that may crash or hang."""

import functools
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import EnvironmentFault, InputRefused
from augrgb.parallel.child import Child, ChildJob, allow_more_time, run_children
from augrgb.parallel.limits import ChildLimits, limit_processor_time


def work(argument: Any) -> Any:
    kind, value = argument
    match kind:
        case "square":
            return value * value
        case "refuse":
            raise InputRefused("E-VID-001", value, "bad")
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "crash once":
            if not Path(value).exists():
                Path(value).touch()
                os._exit(3)
            return "second time"
        case "hang":
            time.sleep(60)
        case "long":
            allow_more_time(value)
            time.sleep(1.0)
            return "in time"
        case "environment":
            return os.environ.get(value)
        case "warn":
            logging.getLogger("augrgb.video").warning("%s: repaired", value)
            logging.getLogger("augrgb.video").info("not of interest")
        case "disk":
            raise EnvironmentFault("E-ENV-001", value, "full")
        case _:
            raise KeyError(kind)
    return None


def run(arguments: Any, workers: Any, timeout_s: Any = 60.0) -> Any:
    jobs = [ChildJob(f"job{number}", argument, timeout_s) for number, argument in enumerate(arguments)]
    return dict(run_children(work, jobs, workers, limits=ChildLimits()))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_and_refusals_come_back(workers: Any) -> None:
    found = run([("square", 3), ("refuse", "b.mp4"), ("square", 5)], workers)
    assert (found[0], found[2]) == (9, 25) and str(found[1]) == "E-VID-001 b.mp4: bad."


def test_warnings_of_children_are_said_by_their_parent(caplog: Any, capfd: Any) -> None:
    run([("warn", "a.mp4"), ("warn", "b.mp4"), ("square", 2)], 2)
    said = sorted((record.name, record.getMessage()) for record in caplog.records if record.name == "augrgb.video")
    assert said == [("augrgb.video", "a.mp4: repaired"), ("augrgb.video", "b.mp4: repaired")]
    assert "repaired" not in capfd.readouterr().err


def test_crashes_and_hangs_take_only_their_own_job(tmp_path: Path) -> None:
    arguments = [("square", 2), ("crash", None), ("crash once", str(tmp_path / "flag")), ("square", 4)]
    found = run(arguments, 2)
    assert (found[0], found[2], found[3]) == (4, "second time", 16)
    assert found[1].code == "E-JOB-001" and "job1" in str(found[1]) and "-11" in str(found[1])
    hung = run([("hang", None)], 1, timeout_s=0.3)
    assert hung[0].code == "E-JOB-003" and "no result" in str(hung[0])


@pytest.mark.parametrize("workers", [0, 1])
def test_the_disk_and_bugs_stop_everything(workers: Any) -> None:
    with pytest.raises(EnvironmentFault, match="E-ENV-001"):
        run([("disk", "x"), ("square", 1)], workers)
    with pytest.raises(RuntimeError, match="KeyError: 'unknown'"):
        run([("unknown", None)], workers)


def test_no_jobs() -> None:
    assert run([], 2) == {}


def serve(argument: Any) -> Any:
    kind, value = argument
    match kind:
        case "pid":
            return os.getpid()
        case "nothing":
            return None
        case "memory":
            return len(bytearray(value))
        case "spin":
            while True:
                pass
        case "threads":
            import cv2

            return cv2.getNumThreads(), os.environ.get("OMP_NUM_THREADS")
        case "warmth":
            return os.environ.get("AUGRGB_WARM")
    return work(argument)


def warm() -> None:
    os.environ["AUGRGB_WARM"] = "yes"


def test_one_process_serves_many_calls_and_is_replaced_when_it_dies() -> None:
    with Child(serve, limits=ChildLimits(), warm_up=warm) as child:
        first = child.call(ChildJob("a", ("pid", None), 60))
        assert first != os.getpid() and child.call(ChildJob("a", ("pid", None), 60)) == first
        assert child.call(ChildJob("a", ("nothing", None), 60)) is None
        fault = child.call(ChildJob("b.mp4", ("crash", None), 60))
        assert fault.code == "E-JOB-001" and "b.mp4" in str(fault) and "SIGSEGV), 2 times" in str(fault)
        assert child.call(ChildJob("a", ("pid", None), 60)) not in (first, os.getpid())
        assert child.call(ChildJob("a", ("warmth", None), 60)) == "yes"
        assert str(child.call(ChildJob("a", ("refuse", "c.mp4"), 60))) == "E-VID-001 c.mp4: bad."
        with pytest.raises(EnvironmentFault, match="E-ENV-001"):
            child.call(ChildJob("a", ("disk", "x"), 60))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process's address space")
def test_a_file_that_wants_too_much_memory_is_its_own_fault() -> None:
    limits = ChildLimits(memory_bytes=2**29)
    with Child(serve, limits=limits) as child:
        assert child.call(ChildJob("small", ("memory", 2**27), 60)) == 2**27
        fault = child.call(ChildJob("bomb.mp4", ("memory", 2**30), 60))
        assert fault.code == "E-JOB-002" and "bomb.mp4" in str(fault) and "memory" in str(fault)
        assert child.call(ChildJob("small", ("memory", 2**27), 60)) == 2**27


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of processor time there")
def load_a_huge_model(place: str) -> None:
    try:
        bytearray(40 * 2**30)  # address space: nothing is touched
    except MemoryError:
        Path(place).write_text("refused")
    else:
        Path(place).write_text("taken")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_limits_hold_before_the_warm_up(tmp_path: Path) -> None:
    warm_up = functools.partial(load_a_huge_model, str(tmp_path / "seen"))
    with Child(work, limits=ChildLimits(2**30), warm_up=warm_up) as child:
        assert child.call(ChildJob("job", ("square", 3), 60.0)) == 9
    assert (tmp_path / "seen").read_text() == "refused"


def test_the_limit_of_processor_time_counts_from_each_job() -> None:
    # What stops a child that spins when nobody is left to kill it: here without a parent that looks at the clock.
    import resource

    before = resource.getrlimit(resource.RLIMIT_CPU)
    try:
        limit_processor_time(1000.0)
        first = resource.getrlimit(resource.RLIMIT_CPU)[0]
        assert 1000 * (os.cpu_count() or 1) <= first < 1000 * (os.cpu_count() or 1) + time.process_time() + 3
        limit_processor_time(2000.0)
        assert resource.getrlimit(resource.RLIMIT_CPU)[0] > first
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


def test_a_hanging_call_ends_at_its_time() -> None:
    with Child(serve, limits=ChildLimits()) as child:
        child.call(ChildJob("a", ("nothing", None), 60))
        fault = child.call(ChildJob("hang.mp4", ("spin", None), 1.0))
        assert fault.code == "E-JOB-003" and "no result in 1 s" in str(fault)


def test_trusted_work_that_dies_is_the_machines_fault(tmp_path: Path) -> None:
    with Child(serve) as child:
        assert child.call(ChildJob("once", ("crash once", str(tmp_path / "flag")))) == "second time"
        with pytest.raises(EnvironmentFault, match=r"E-JOB-004 c: its process died .*SIGSEGV\), 2 times"):
            child.call(ChildJob("c", ("crash", None)))
        assert child.call(ChildJob("threads", ("threads", None))) == (1, "1")


def test_jobs_are_drawn_when_a_process_is_free() -> None:
    drawn = []

    def jobs() -> Any:
        for number in range(6):
            drawn.append(number)
            yield ChildJob(str(number), ("square", number))

    results = run_children(work, jobs(), 2)
    next(results)
    assert len(drawn) <= 4
    assert sum(1 for _ in results) == 5 and drawn == list(range(6))
