"""The lock of a run folder: whom it names, and when another host's folder may be taken over."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import UsageFault
from augrgb.core.locks import file_lock
from augrgb.parallel.workers import GRAPH_VARIABLE
from augrgb.training.run import lock as module
from augrgb.training.run.lock import run_lock


@pytest.mark.parametrize(("own", "theirs", "broken"), [("a", "a", True), ("a", "b", False), ("", "", False)])
def test_a_lock_of_a_lost_host_is_broken_within_one_job_graph_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: Any, theirs: Any, broken: Any
) -> None:
    monkeypatch.setenv(GRAPH_VARIABLE, own)
    path = tmp_path / "run.lock"
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1, "graph": theirs}))
    if broken:
        with run_lock(path):
            assert json.loads(path.read_text())["graph"] == own
    else:
        for _ in range(2):
            with pytest.raises(UsageFault, match=r"E-RUN-001 .*process 1 on elsewhere"), run_lock(path):
                pass
        path.write_bytes(b"")  # as the message says
        with run_lock(path):
            pass


def test_an_earlier_try_on_this_host_is_given_time_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GRAPH_VARIABLE, "a")
    path, naps = tmp_path / "run.lock", []
    earlier = run_lock(path)
    earlier.__enter__()

    def sleep(seconds: Any) -> None:
        naps.append(seconds)
        earlier.__exit__(None, None, None)  # the earlier try ends meanwhile

    monkeypatch.setattr(module.time, "sleep", sleep)
    with run_lock(path):
        assert len(naps) == 1


def test_a_living_process_is_named(tmp_path: Path) -> None:
    path, host = tmp_path / "run.lock", socket.gethostname()
    refused = pytest.raises(UsageFault, match=rf"E-RUN-001 .*process {os.getpid()} on {host}")
    with run_lock(path), refused, run_lock(path):
        pass
    assert path.read_bytes() == b""


@pytest.mark.parametrize("left", ["", "{", "[1]", "null", json.dumps({"host": socket.gethostname(), "pid": 1})])
def test_what_a_dead_process_of_this_host_left_refuses_nobody(tmp_path: Path, left: str) -> None:
    path = tmp_path / "run.lock"
    path.write_text(left)
    with run_lock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_holder_that_wrote_nothing_is_still_respected(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with file_lock(path), pytest.raises(UsageFault, match=r"E-RUN-001 .*in use by another process"), run_lock(path):
        pass
