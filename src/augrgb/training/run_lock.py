"""One run folder, one process: a lock that dies with its process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from augrgb.core.errors import UsageFault
from augrgb.core.files import disk_faults
from augrgb.parallel.workers import GRAPH_VARIABLE

_PATIENCE_S = 10.0


@contextlib.contextmanager
def run_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path`.

    A lock is broken only if its process is provably dead: same host, and another boot, or no such process, or one that
    was started at another time; or another host, and both worked for one job graph, which only gives a job to another
    host when the first one is lost.

    Raises:
        UsageFault: E-RUN-001, another process holds it.
    """
    own: dict[str, object] = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "boot": _boot_id(),
        "started": _started(os.getpid()),
        "graph": os.environ.get(GRAPH_VARIABLE, ""),
    }
    until_s = time.monotonic() + _PATIENCE_S
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except FileExistsError:
                _break_if_dead(path, own, until_s)
                continue
            with os.fdopen(descriptor, "w") as handle:
                json.dump(own, handle)
            break
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _break_if_dead(path: Path, own: dict[str, object], until_s: float) -> None:
    try:
        held = json.loads(path.read_text())
    except FileNotFoundError:
        return
    except ValueError:
        held = {}
    same_graph = own["graph"] != "" and held.get("graph") == own["graph"]
    if held.get("host") == own["host"]:
        dead = held.get("boot") != own["boot"] or _started(int(held["pid"])) != held.get("started")
    else:
        dead = same_graph
    if not dead and same_graph and time.monotonic() < until_s:
        time.sleep(0.1)  # an earlier try of this job, whose process is about to notice that its parent is gone
        return
    if not dead:
        holder = f"process {held.get('pid', '?')} on {held.get('host', 'an unknown host')}"
        remedy = f"Wait for it, choose another folder, or delete {path.name} if that process is gone."
        raise UsageFault("E-RUN-001", path.parent, f"in use by {holder}", remedy)
    path.unlink(missing_ok=True)


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks; "" if there is none, "?" where the system does not say."""
    if not Path("/proc/self/stat").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return ""
        except PermissionError:
            return "?"
        return "?"
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return ""
