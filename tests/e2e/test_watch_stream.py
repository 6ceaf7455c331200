"""`augrgb watch` on an RTSP stream: lines while it runs, and an end within two seconds of Ctrl-C, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.causal_bundle import make_causal_bundle
from support.fault_proxy import fault_proxy
from support.rtsp_server import missing_rtsp_server, rtsp_server

pytestmark = pytest.mark.skipif(bool(missing_rtsp_server()), reason=missing_rtsp_server())


def start(bundle: Path, port: int, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "augrgb", "watch", f"rtsp://me:pass@127.0.0.1:{port}/ball", "-m", str(bundle)]
    command += ["--device", "cpu", "--on", "0", "--name", "hall", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[list[Any], str, float]:
    children = psutil.Process(process.pid).children(recursive=True)
    begun = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    seconds = time.monotonic() - begun
    assert process.returncode == 130, err
    assert psutil.wait_procs(children, timeout=5.0)[1] == []
    return [json.loads(line) for line in out.splitlines()], err, seconds


@pytest.mark.parametrize("mode", ["pass", "stall", "refuse"])
def test_ctrl_c_ends_it_within_two_seconds(tmp_path: Path, mode: str) -> None:
    bundle = make_causal_bundle(tmp_path / "bundle")
    with rtsp_server() as port, fault_proxy(port) as proxy:
        process = start(bundle, proxy.port)
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(4)]
        assert lines[0]["kind"] == "connected" and {line["type"] for line in lines[1:]} <= {"start", "health"}
        proxy.mode = mode
        if mode == "refuse":
            proxy.reset()
            assert json.loads(process.stdout.readline())["kind"] in ("disconnected", "gap")
        elif mode == "stall":
            time.sleep(1.0)
        rest, err, seconds = ended(process)
    assert seconds < (
        2.0 if os.getloadavg()[0] < 2 * (os.cpu_count() or 1) else 6.0
    )  # a crowded machine is slow to stop
    every = [*lines, *rest]
    assert "pass@" not in json.dumps(every) + err and "rtsp://***@127.0.0.1" in err
    starts = {line["id"] for line in every if line["type"] == "start"}
    assert starts and starts == {line["id"] for line in every if line["type"] == "end"}
    assert all(line["warming_up"] for line in every if line["type"] == "start")
