"""The folder of one training run: its settings, its history, checkpoints, and the result."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.files import remove_leftovers, sha256_json
from augrgb.core.nested import leaves
from augrgb.core.opening import is_file, sha256_file
from augrgb.core.plain_data import parse_json, read_json
from augrgb.core.sealed import read_sealed, unsealed, write_sealed
from augrgb.training.run.checkpoints import Checkpoints
from augrgb.training.run.history import History
from augrgb.training.run.lock import run_lock

SCHEMA = "augrgb.run/1"
RESULT = "augrgb.result/1"
LEFT_OUT = ("run.json", "result.json", "timings.jsonl", "inputs.json", "thresholds.json", "card.json")
"""Files of a run that its result does not list: they carry a hash themselves, are written later, or say nothing."""
_PARTS = ("encoder",)
_AS_WRITTEN = {"encoder", "filter", "losses", "mean_teacher", "teacher_mixing"}
"""Keys of a recipe under which only what the user wrote is recorded: what is absent there has its default."""
_AGAIN = "Run the command that began it again."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _About:
    """What `run.json` says."""

    identity: dict[str, Any]
    versions: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def latest(self) -> dict[str, Any]:
        return (self.changes or [self.identity])[-1]


@dataclass(frozen=True, slots=True)
class Finished:
    """What `result.json` says.

    Args:
        result: The outcome, plain values.
        selected: Name of the file of weights that were kept, among the checkpoints; "" in folders of older versions.
        files: SHA-256 of every file of the finished run, by its path in the folder; empty in older ones.
        identity: Hash of what it was trained with.
    """

    result: dict[str, Any]
    selected: str = ""
    files: dict[str, str] = field(default_factory=dict)
    identity: str = ""


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
        self._identity = ""
        self.metrics = History(self.path / "metrics.jsonl")
        self.timings = History(self.path / "timings.jsonl")
        self.checkpoints = Checkpoints(self.path / "checkpoints")

    @property
    def identity(self) -> dict[str, Any]:
        """What the run is trained with: as begun, or as last resumed with other settings.

        Raises:
            InputRefused: E-FILE-001/002/010/018, E-RUN-006: there is no intact `run.json`.
        """
        return self._about().latest

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
            InputRefused: E-RUN-016, its description is damaged, and what was trained was trained with other settings.
        """
        self._identity = sha256_json(parse_json(json.dumps(dict(identity)), "identity"))
        try:
            about = self._about() if os.path.lexists(self.path / "run.json") else None
        except InputRefused as fault:
            _log.error("%s; it is written again", fault)
            about = None
        if about is None:
            known = self._known_identity()
            if known not in ("", self._identity) and not resume_anyway:
                problem = "is absent or damaged, and the checkpoints beside it are of other settings"
                raise InputRefused("E-RUN-016", self.path / "run.json", problem, "Restore it, or use another folder.")
            self._write_about(_About(dict(identity), versions()))
            return
        changed = differences(about.latest, identity)
        if changed and not resume_anyway:
            remedy = "Use another folder, or restore them."
            raise UsageFault(
                "E-RUN-002", self.path, "started with other settings or data: " + "; ".join(changed), remedy
            )
        if changed:
            self._write_about(replace(about, changes=[*about.changes, dict(identity)]))

    def marks(self) -> dict[str, Any]:
        """What a checkpoint notes about the files beside it; for `check_marks`."""
        return {"identity": self._identity, "metrics": self.metrics.mark()}

    def check_marks(self, values: Mapping[str, Any]) -> None:
        """Refuse a checkpoint whose history is no longer there.

        Raises:
            ValueError: Its history was damaged.
        """
        if "metrics" in values:
            self.metrics.check(values["metrics"])

    def finish(self, result: Mapping[str, Any], selected: str = "") -> None:
        """Mark the run as finished, and note the hash of every file that makes it up.

        Args:
            result: Plain values.
            selected: Name of the file of weights that were kept, among the checkpoints.
        """
        kept = self.checkpoints.folder / selected
        files = [path for path in sorted(self.path.iterdir()) if is_file(path) and path.name not in LEFT_OUT]
        files = [path for path in files if path.suffix in (".json", ".jsonl", ".safetensors")]
        for folder in _PARTS:
            files += sorted(path for path in (self.path / folder).glob("model.*") if is_file(path))
        hashes = {path.relative_to(self.path).as_posix(): sha256_file(path) for path in files}
        if selected:
            hashes[kept.relative_to(self.path).as_posix()] = sha256_file(kept)
        values = {"selected": selected, "files": hashes, "identity": self._identity}
        write_sealed(self.path / "result.json", RESULT, {"result": dict(result), **values})

    def finished(self) -> Finished | None:
        """What is known about the finished run; None while it is not finished.

        Raises:
            InputRefused: E-FILE-002/008/010/018, E-RUN-006: its result is damaged.
        """
        path = self.path / "result.json"
        if not os.path.lexists(path):
            return None
        raw = read_json(path, "result")
        if isinstance(raw, dict) and "schema" not in raw and "steps" in raw:  # of a version before schemas
            return Finished(raw)
        found: Finished = unsealed(raw, path, RESULT, Finished, code="E-RUN-006", remedy=_AGAIN)
        return found

    def result(self) -> dict[str, Any] | None:
        """The outcome; None while the run is not finished.

        Raises:
            InputRefused: As `finished`.
        """
        found = self.finished()
        return found.result if found is not None else None

    def damage(self, finished: Finished) -> list[str]:
        """The files of a finished run that are absent, damaged or altered."""
        return [name for name, known in finished.files.items() if not self._holds(name, known)]

    def _holds(self, name: str, known: str) -> bool:
        try:
            return sha256_file(self.path / name) == known
        except AugrgbError:
            return False

    def _about(self) -> _About:
        path = self.path / "run.json"
        found: _About = read_sealed(path, SCHEMA, _About, what="run folder (run.json)", code="E-RUN-006", remedy=_AGAIN)
        return found

    def _write_about(self, about: _About) -> None:
        write_sealed(self.path / "run.json", SCHEMA, asdict(about))

    def _known_identity(self) -> str:
        """Hash of what was trained here, as the result or the newest checkpoint says; "" if nothing says it."""
        with contextlib.suppress(AugrgbError):
            found = self.finished()
            if found is not None and found.identity:
                return found.identity
        return str(([""] + [values.get("identity", "") for values in self.checkpoints.values()])[-1])


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """`"a.b: 1 before, 2 now"` for every leaf that differs, in order of name; None counts as no leaf.

    A field that is off (0, false, empty) equals one that an earlier version did not have, so that work of earlier
    versions resumes. That is not so for the options of a part, such as a filter: their defaults are not recorded, and
    need not be off. Of fingerprints, leaves of a mapping `content`, it says only which differ.

    >>> differences({"a": {"b": 1, "c": 0}}, {"a": {"b": 2, "c": 0}})
    ['a.b: 1 before, 2 now']
    >>> differences({"content": {"teacher flow": "0a"}}, {"content": {"teacher flow": "1b"}})
    ['teacher flow has changed']
    >>> differences({"augment": {"flip": 0.5}}, {"augment": {"flip": 0.5, "blur": 0.0}})
    []
    >>> differences({"filter": {"sd_tcn": {}}}, {"filter": {"sd_tcn": {"dropout": 0.0}}})
    ["filter.sd_tcn.dropout: 'absent' before, 0.0 now"]
    """
    left, right = leaves(before), leaves(after)
    found = []
    for key in sorted(left.keys() | right.keys()):
        off = not left.get(key) and not right.get(key) and _AS_WRITTEN.isdisjoint(key.split("."))
        old, new = left.get(key, "absent"), right.get(key, "absent")
        if old != new and not (off and "absent" in (old, new)):
            found.append(_difference(key, old, new))
    return found


def _difference(key: str, before: object, now: object) -> str:
    _, content, name = f".{key}".partition(".content.")
    if content and "absent" not in (before, now):
        return f"{name} {'have' if name.split(' of ')[0].endswith('s') else 'has'} changed"
    return f"{key}: {before!r} before, {now!r} now"


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
