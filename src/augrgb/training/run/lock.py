"""One run folder, one process: a lock that dies with its process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.locks import Busy, file_lock
from augrgb.core.plain_data import parse_json
from augrgb.parallel.workers import GRAPH_VARIABLE

_PATIENCE_S = 10.0


@contextlib.contextmanager
def run_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which stays.

    The system releases the lock of a process that ends, however it ends. Only a folder whose last holder was on another
    host and never released it stays refused, for not every shared file system tells hosts of each other's locks; unless
    both worked for one job graph, which only gives a job to another host when the first one is lost.

    Raises:
        UsageFault: E-RUN-001, another process holds it.
        EnvironmentFault: E-ENV-001, the disk.
    """
    own = {"host": socket.gethostname(), "pid": os.getpid(), "graph": os.environ.get(GRAPH_VARIABLE, "")}
    until_s = time.monotonic() + _PATIENCE_S

    def check(note: bytes) -> None:
        left = _holder(note)
        if left.get("host", own["host"]) != own["host"] and not _same_graph(own, left):
            remedy = f"Wait for it, choose another folder, or empty {path.name} if that process is gone."
            raise UsageFault("E-RUN-001", path.parent, f"in use by {_named(left)}", remedy)

    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(file_lock(path, json.dumps(own).encode(), check=check))
            except Busy as busy:
                held = _holder(busy.note)
                if not _same_graph(own, held) or time.monotonic() > until_s:
                    remedy = "Wait for it, or choose another folder."
                    raise UsageFault("E-RUN-001", path.parent, f"in use by {_named(held)}", remedy) from None
                time.sleep(0.1)  # an earlier try of this job, whose process is about to notice that its parent is gone
            else:
                break
        yield


def _holder(note: bytes) -> dict[str, Any]:
    try:
        found = parse_json(note.decode(), "lock")
    except (InputRefused, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _same_graph(own: dict[str, Any], held: dict[str, Any]) -> bool:
    return bool(own["graph"] != "" and held.get("graph") == own["graph"])


def _named(held: dict[str, Any]) -> str:
    if not held:
        return "another process"
    return f"process {held.get('pid', '?')} on {held.get('host', 'an unknown host')}"
