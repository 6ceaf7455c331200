"""Work in child processes that may crash or hang."""

import os
import signal
import time
from pathlib import Path

import pytest

from augrgb.core.errors import EnvironmentFault, InputRefused
from augrgb.video.child_jobs import ChildJob, run_children


def work(argument):
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
        case "disk":
            raise EnvironmentFault("E-ENV-001", value, "full")
        case _:
            raise KeyError(kind)
    return None


def run(arguments, workers, timeout_s=60.0):
    jobs = [ChildJob(f"job{number}", argument, timeout_s) for number, argument in enumerate(arguments)]
    return dict(run_children(work, jobs, workers))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_and_refusals_come_back(workers):
    found = run([("square", 3), ("refuse", "b.mp4"), ("square", 5)], workers)
    assert (found[0], found[2]) == (9, 25) and str(found[1]) == "E-VID-001 b.mp4: bad."


def test_crashes_and_hangs_take_only_their_own_job(tmp_path):
    arguments = [("square", 2), ("crash", None), ("crash once", str(tmp_path / "flag")), ("square", 4)]
    found = run(arguments, 2)
    assert (found[0], found[2], found[3]) == (4, "second time", 16)
    assert found[1].code == "E-VID-011" and "job1" in str(found[1]) and "-11" in str(found[1])
    hung = run([("hang", None)], 1, timeout_s=0.3)
    assert hung[0].code == "E-VID-011" and "no result" in str(hung[0])


@pytest.mark.parametrize("workers", [0, 1])
def test_the_disk_and_bugs_stop_everything(workers):
    with pytest.raises(EnvironmentFault, match="E-ENV-001"):
        run([("disk", "x"), ("square", 1)], workers)
    with pytest.raises(RuntimeError, match="KeyError: 'unknown'"):
        run([("unknown", None)], workers)


def test_no_jobs():
    assert run([], 2) == {}
