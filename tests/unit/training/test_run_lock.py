"""Locks of jobs that a cluster gives to another host, because the first one is lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.core.errors import UsageFault
from augrgb.parallel.workers import GRAPH_VARIABLE
from augrgb.training import run_lock as module
from augrgb.training.run_lock import run_lock


@pytest.mark.parametrize(("own", "theirs", "broken"), [("a", "a", True), ("a", "b", False), ("", "", False)])
def test_a_lock_of_a_lost_host_is_broken_within_one_job_graph_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: Any, theirs: Any, broken: Any
) -> None:
    monkeypatch.setenv(GRAPH_VARIABLE, own)
    path = tmp_path / "run.lock"
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1, "boot": "x", "started": "1", "graph": theirs}))
    if broken:
        with run_lock(path):
            assert json.loads(path.read_text())["graph"] == own
    else:
        with pytest.raises(UsageFault, match="E-RUN-001"), run_lock(path):
            pass


def test_an_earlier_try_on_this_host_is_given_time_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GRAPH_VARIABLE, "a")
    path, naps = tmp_path / "run.lock", []

    def sleep(seconds: Any) -> None:
        naps.append(seconds)
        path.unlink()  # the earlier try ends meanwhile

    with run_lock(path):
        monkeypatch.setattr(module.time, "sleep", sleep)
        with run_lock(path):
            assert naps
