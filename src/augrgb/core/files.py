"""Files that are either complete or absent, and their hashes.

A file with its final name is complete: everything is written to `name.tmp-<pid>-<random>-<host>` in the same folder,
flushed, synced, renamed, and the folder synced.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import socket
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from augrgb.core.errors import EnvironmentFault, InputRefused

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EIO}
ARRAY_DAMAGE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, ValueError, KeyError, RuntimeError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
"""What `numpy.load` raises for a damaged or third-party `.npy` or `.npz` file; more than its documentation lists."""
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


@contextlib.contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn a full, read-only or forbidden disk into one clear error that names the file and the free space."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        free = shutil.disk_usage(existing_parent(path)).free / 2**20
        raise EnvironmentFault(
            "E-ENV-001",
            path,
            f"cannot write ({error.strerror}; {free:.0f} MiB free)",
            "Free some space or choose another folder; finished files are kept and the same command resumes.",
        ) from error


def existing_parent(path: Path) -> Path:
    """The nearest folder above `path` (or itself) that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; on success it becomes `path`, on any failure it is removed.

    Raises:
        EnvironmentFault: The disk is full, read-only or forbidden.
    """
    path = Path(path)
    temporary = path.with_name(f"{path.name[:200]}.tmp-{os.getpid()}-{secrets.token_hex(4)}-{_HOST}")
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with open(temporary, "rb+") as handle:
                os.fsync(handle.fileno())
            os.replace(temporary, path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: sorted keys, so equal values give equal bytes; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def unreadable(path: Path, error: OSError, what: str = "file") -> InputRefused:
    """The refusal of a file that is absent (E-FILE-001) or that the system does not let us read (E-FILE-008)."""
    if isinstance(error, FileNotFoundError):
        return InputRefused("E-FILE-001", path, f"no such {what}")
    return InputRefused("E-FILE-008", path, f"cannot be read ({error.strerror})", "Check its permissions.")


def read_json(path: Path, what: str = "JSON file") -> Any:
    """Read JSON, with an error that names file, line and column."""
    try:
        return json.loads(Path(path).read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise InputRefused("E-FILE-001", path, f"no such {what}") from error
    except UnicodeDecodeError as error:
        raise InputRefused("E-FILE-002", path, f"not UTF-8 at byte {error.start}", "Save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        message = f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        raise InputRefused("E-FILE-010", path, message) from error
    except RecursionError as error:
        raise InputRefused("E-FILE-010", path, "not valid JSON: nested too deeply") from error


def remove_leftovers(folder: Path) -> int:
    """Remove temporary files of processes of this machine that no longer run; returns how many."""
    count = 0
    if folder.is_dir():
        for path in folder.rglob("*.tmp-*"):
            parts = path.name.rsplit(".tmp-", 1)[1].split("-")
            if parts[0].isdigit() and parts[2:] in ([], [_HOST]) and not _alive(int(parts[0])):
                path.unlink(missing_ok=True)
                count += 1
    return count


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """Hex SHA-256 of a JSON value in canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_name_of(identifier: str) -> str:
    """A video id as a file name that stays inside its folder on every system: percent-encoded, never `..` or empty.

    >>> file_name_of("S01 cam/2"), file_name_of("..")
    ('S01%20cam%2F2', '%2E%2E')
    """
    name = quote(identifier.encode("utf-8", "surrogateescape"), safe="-_.()")
    if name.strip(".") == "":
        name = name.replace(".", "%2E")
    if not name or len(name) > 200:
        raise InputRefused("E-ID-006", repr(identifier[:80]), "empty, or too long for a file name", "Shorten the id.")
    return name


def identifier_of(file_name: str) -> str:
    """The inverse of `file_name_of`."""
    return unquote(file_name, errors="surrogateescape")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
