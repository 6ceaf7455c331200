"""The folder of one training run: its settings, its history, checkpoints, and the result."""

from __future__ import annotations

import contextlib
import platform
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from augrgb.core.errors import UsageFault
from augrgb.core.files import remove_leftovers, write_json
from augrgb.core.nested import leaves
from augrgb.core.plain_data import read_json
from augrgb.training.checkpoints import Checkpoints
from augrgb.training.history import History
from augrgb.training.run_lock import run_lock

SCHEMA = "augrgb.run/1"


class RunFolder:
    """Files of one run.

    `run.json` (identity, versions), `metrics.jsonl` (the same after any interruption), `timings.jsonl` (wall and
    processor times), `checkpoints/`, the task's own files such as `model.safetensors`, and `result.json`, which marks
    it as finished.

    Args:
        path: The folder; created when training starts.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.metrics = History(self.path / "metrics.jsonl")
        self.timings = History(self.path / "timings.jsonl")
        self.checkpoints = Checkpoints(self.path / "checkpoints")

    @property
    def selected(self) -> Path:
        """Weights of the best step so far."""
        return self.path / "checkpoints" / "selected.safetensors"

    @property
    def identity(self) -> dict[str, Any]:
        """What the run is trained with: as begun, or as last resumed with other settings.

        Raises:
            InputRefused: E-FILE-001 or E-FILE-002, there is no readable `run.json`.
        """
        return _latest_identity(read_json(self.path / "run.json", "run folder (run.json)"))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, and remove what dead processes left half-written.

        Raises:
            UsageFault: E-RUN-001, another process is training into it.
        """
        with run_lock(self.path / "run.lock"):
            remove_leftovers(self.path)
            yield

    def begin(self, identity: Mapping[str, Any], *, resume_anyway: bool = False) -> None:
        """Record what is to be trained, or check that it is what was started here.

        Args:
            identity: Everything the outcome depends on; plain JSON.
            resume_anyway: Resume although it differs, and record that.

        Raises:
            UsageFault: E-RUN-002, this folder was started with other settings; all differences.
        """
        path = self.path / "run.json"
        if not path.exists():
            about = {"schema": SCHEMA, "identity": dict(identity), "versions": versions(), "changes": []}
            write_json(path, about)
            return
        about = read_json(path, "run description")
        changed = differences(_latest_identity(about), identity)
        if changed and not resume_anyway:
            remedy = "Use another folder, or restore them."
            raise UsageFault(
                "E-RUN-002", self.path, "started with other settings or data: " + "; ".join(changed), remedy
            )
        if changed:
            about["changes"].append(dict(identity))
            write_json(path, about)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Mark the run as finished."""
        write_json(self.path / "result.json", dict(result))

    def result(self) -> dict[str, Any] | None:
        """The result; None while the run is not finished."""
        path = self.path / "result.json"
        return dict(read_json(path, "result")) if path.exists() else None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """`"a.b: 1 before, 2 now"` for every leaf that differs, in order of name; None counts as no leaf.

    Of fingerprints, leaves of a mapping `content`, it says only which differ.

    >>> differences({"a": {"b": 1, "c": 0}}, {"a": {"b": 2, "c": 0}})
    ['a.b: 1 before, 2 now']
    >>> differences({"content": {"teacher flow": "0a"}}, {"content": {"teacher flow": "1b"}})
    ['teacher flow has changed']
    """
    left, right = leaves(before), leaves(after)
    return [
        _difference(key, left.get(key, "absent"), right.get(key, "absent"))
        for key in sorted(left.keys() | right.keys())
        if left.get(key, "absent") != right.get(key, "absent")
    ]


def _difference(key: str, before: object, now: object) -> str:
    _, content, name = f".{key}".partition(".content.")
    if content and "absent" not in (before, now):
        return f"{name} {'have' if name.split(' of ')[0].endswith('s') else 'has'} changed"
    return f"{key}: {before!r} before, {now!r} now"


def _latest_identity(about: Mapping[str, Any]) -> dict[str, Any]:
    return dict((about["changes"] or [about["identity"]])[-1])


def versions() -> dict[str, str | None]:
    """Versions of the packages that compute, and the commit of this code if it is a git checkout."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in ("augrgb", "torch", "numpy", "lightning-fabric", "safetensors"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    found["commit"] = _commit(Path(__file__).parent)
    return found


def _commit(folder: Path) -> str | None:
    try:
        command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
