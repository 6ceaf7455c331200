"""A Ray cluster of two nodes on this machine, one core each, and jobs to run on it."""

import contextlib
import hashlib
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.files import write_bytes
from augrgb.parallel.jobs import Job
from support.places import ROOT

_MEMORY = 80 * 2**20


@contextlib.contextmanager
def two_nodes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives the cluster and its second node; this process is its driver."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ["PYTHONPATH"]]))
    options = {"num_cpus": 1, "object_store_memory": _MEMORY, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=options)
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=_MEMORY)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        assert len({node["NodeID"] for node in ray.nodes() if node["Alive"]}) == 2
        yield cluster, second
    finally:
        ray.shutdown()
        cluster.shutdown()


def make_part(folder: Any, number: Any, pause_s: Any, progress: Any) -> Any:
    """Write one part, in steps that a second try goes on from."""
    path = Path(folder) / f"part-{number}.npy"
    progress(1, 2)
    time.sleep(pause_s)
    write_bytes(path, np.random.default_rng(number).normal(size=1000).astype(np.float32).tobytes())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sum_parts(folder: Any, count: Any, progress: Any) -> Any:
    """Needs all parts."""
    parts = [np.frombuffer((Path(folder) / f"part-{number}.npy").read_bytes(), np.float32) for number in range(count)]
    write_bytes(Path(folder) / "sum.npy", np.sum(parts, axis=0).tobytes())
    return len(parts)


def small_graph(folder: Any, count: Any = 8, pause_s: Any = 0.0) -> Any:
    """Parts, and their sum."""
    folder.mkdir()
    jobs = [
        Job(f"part {number}", "parts", make_part, {"folder": folder, "number": number, "pause_s": pause_s})
        for number in range(count)
    ]
    names = tuple(job.name for job in jobs)
    return [Job("sum", "sum", sum_parts, {"folder": folder, "count": count}, after=names), *jobs]


def refuse(progress: Any) -> None:
    """A job that fails."""
    from augrgb.core.errors import InputRefused

    raise InputRefused("E-VID-001", "file", "bad")


def die(progress: Any) -> None:
    """A job that kills its process."""
    os._exit(3)
