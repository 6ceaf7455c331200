"""The one way to write a file: it is either complete or absent. Hashes, and names that files can have.

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
import stat
import tempfile
import tokenize
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

from augrgb.core.errors import AugrgbError, EnvironmentFault, InputRefused, UsageFault
from augrgb.core.opening import is_folder, unusable_name
from augrgb.core.shown import shown

ARRAY_DAMAGE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, ValueError, KeyError, RuntimeError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
"""What `numpy.load` raises for a damaged or third-party `.npy` or `.npz` file; more than its documentation lists."""
_SAFE = frozenset("-_.(),'&+=@#!")
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


@contextlib.contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn what the system refuses while `path` is written into one clear error with the remedy that fits.

    Raises:
        EnvironmentFault: E-ENV-001 (full), E-ENV-006 (forbidden or read-only), E-ENV-007 (the disk fails).
        UsageFault: E-FILE-012 (a file where a folder belongs), E-FILE-016 (the reverse), E-FILE-015 (name).
    """
    try:
        yield
    except OSError as error:
        if not _concerns(error, path):
            raise
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> AugrgbError:
    """The refusal of a file or folder that cannot be written."""
    why = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "Free some space or choose another folder; finished files are kept and the same command resumes."
        return EnvironmentFault("E-ENV-001", path, f"cannot write ({why}; {_free_mib(path)})", remedy)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        remedy = "Choose another folder, or change its permissions."
        if error.errno == errno.EROFS:
            remedy = "It is on a file system that cannot be written to; choose another folder."
        return EnvironmentFault("E-ENV-006", path, f"cannot write ({why})", remedy)
    if error.errno == errno.ENAMETOOLONG:
        return unusable_name(path)
    if error.errno == errno.ELOOP:
        return UsageFault(
            "E-FILE-012",
            path,
            f"cannot write ({why})",
            "A symbolic link leads to itself; remove it, or choose a folder.",
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST) and (file := _file_above(path)) is not None:
        return UsageFault("E-FILE-012", path, f"{file} is not a folder", "Choose another place, or move that file.")
    if error.errno in (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST):
        return UsageFault("E-FILE-016", path, "is a folder, but a file is written there", "Add the name of a file.")
    if error.errno == errno.EXDEV:
        remedy = "Its folder and what is written there lie on different disks; choose a folder on one disk."
        return EnvironmentFault("E-ENV-006", path, f"cannot be moved here ({why})", remedy)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):
        return EnvironmentFault("E-ENV-006", path, f"cannot be created here ({why})", "Choose another folder.")
    if error.errno == errno.EFBIG:
        return EnvironmentFault("E-ENV-001", path, f"cannot write ({why})", "Raise the limit of `ulimit -f`.")
    return EnvironmentFault("E-ENV-007", path, f"cannot write ({why})", "Check the disk or network drive, and retry.")


def _concerns(error: OSError, path: Path) -> bool:
    """Whether an error is about writing `path`, and not about another file that was read meanwhile."""
    if error.errno is None or error.errno not in errno.errorcode or isinstance(error, BrokenPipeError):
        return False
    if error.filename is None:
        return True
    named = Path(os.fsdecode(error.filename)).absolute() if not isinstance(error.filename, int) else path.absolute()
    return path.absolute().is_relative_to(named) or named.parent == path.absolute().parent


def _free_mib(path: Path) -> str:
    try:
        return f"{shutil.disk_usage(existing_parent(path)).free / 2**20:.0f} MiB free"
    except OSError:
        return "free space unknown"


def _file_above(path: Path) -> Path | None:
    """The first part of a path that is there and is no folder; a broken link counts."""
    for part in (*reversed(path.absolute().parents), path.absolute()):
        if os.path.lexists(part) and not is_folder(part):
            return part
    return None


def existing_parent(path: Path) -> Path:
    """The nearest folder above `path` (or itself) that exists."""
    path = path.absolute()
    while not os.path.exists(path):
        path = path.parent
    return path


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        AugrgbError: As `disk_faults`.
    """
    _check_name(path)
    with disk_faults(path):
        path.mkdir(parents=True, exist_ok=True)


def check_output_folder(path: Path | str) -> None:
    """Refuse a folder that cannot be written to, before anything costly is computed for it; nothing stays behind.

    Raises:
        AugrgbError: As `disk_faults`.
    """
    path = Path(path)
    _check_name(path)
    file = _file_above(path)
    if file is not None:
        raise UsageFault("E-FILE-012", path, f"{file} is not a folder", "Choose another place, or move that file.")
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".augrgb-", dir=existing_parent(path)))
    except OSError as error:
        raise unwritable(path, error) from error


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; on success it becomes `path`, on any failure it is removed.

    A link is replaced, not followed. A folder, device, pipe or socket is never replaced.

    Raises:
        AugrgbError: As `disk_faults`.
    """
    path = Path(path)
    _check_name(path)
    refuse_irregular(path)
    temporary = path.with_name(f"{_shortened(path.name)}.tmp-{os.getpid()}-{secrets.token_hex(4)}-{_HOST}")
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with open(temporary, "rb+") as handle:
                os.fsync(handle.fileno())
            os.replace(temporary, path)
            _sync_folder(path.parent)
        finally:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                temporary.unlink()


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """As `atomic_path`, but the temporary file is open to be written."""
    with atomic_path(path) as temporary, open(temporary, "wb") as handle:
        yield handle


@contextlib.contextmanager
def scratch_file(path: Path) -> Iterator[BinaryIO]:
    """A file in a temporary folder of this process: neither synced nor renamed, because nobody reads it after a crash.

    Raises:
        AugrgbError: As `disk_faults`.
    """
    _check_name(path)
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as handle:
            yield handle


def move_file(source: Path, target: Path) -> None:
    """Give a finished file its final name on the same disk.

    Raises:
        AugrgbError: As `disk_faults`.
    """
    _check_name(target)
    refuse_irregular(target)
    with disk_faults(target):
        with open(source, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(source, target)
        _sync_folder(target.parent)


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file and sync it.

    Raises:
        AugrgbError: As `disk_faults`.
    """
    _check_name(path)
    refuse_irregular(path)
    with disk_faults(path), open(path, "a", encoding="utf-8", errors="backslashreplace") as handle:
        handle.write(line + "\n")
        handle.flush()
        os.fsync(handle.fileno())


def _check_name(path: Path) -> None:
    try:
        name = os.fsencode(path)
    except ValueError as error:
        raise unusable_name(path) from error
    if b"\0" in name or len(os.fsencode(path.name)) > 255:
        raise unusable_name(path)


def refuse_irregular(path: Path) -> None:
    """Refuse to write to a folder, a device, a pipe or a socket.

    Raises:
        UsageFault: E-FILE-016.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        found = "a folder" if stat.S_ISDIR(mode) else "a device, pipe or socket"
        raise UsageFault("E-FILE-016", path, f"is {found}, but a file is written there", "Give the name of a file.")


def _shortened(name: str) -> str:
    """A name of at most 200 bytes."""
    return os.fsencode(name)[:200].decode("utf-8", "ignore")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file atomically.

    Bytes of file names that are not UTF-8 (surrogates in Python) are written as escapes such as `\\udcff`, which JSON
    reads back as what they were.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: sorted keys, so equal values give equal bytes; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


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


def sha256_json(value: Any) -> str:
    """Hex SHA-256 of a JSON value in canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_name_of(identifier: str) -> str:
    """A video id as a file name that stays inside its folder on every system, never `..` or empty.

    Letters, digits, signs and blanks of any script stay, so that a player finds subtitles beside their video; what some
    system or shell forbids is percent-encoded.

    >>> file_name_of("été – 1 cam/2"), file_name_of(".."), file_name_of(" a%")
    ('été – 1 cam%2F2', '%2E%2E', '%20a%25')
    """
    ends = (0, len(identifier) - 1)
    name = "".join(
        sign if _may_stand(sign, place in ends) else quote(sign.encode("utf-8", "surrogateescape"), safe="")
        for place, sign in enumerate(identifier)
    )
    if name.strip(".") == "":
        name = name.replace(".", "%2E")
    if not name or len(name.encode("utf-8", "surrogateescape")) > 200:
        raise InputRefused("E-ID-006", shown(identifier), "empty, or too long for a file name", "Shorten the id.")
    return name


def _may_stand(sign: str, at_an_end: bool) -> bool:
    """Whether a sign stands for itself in a file name; Windows takes blanks off the ends."""
    if sign == " ":
        return not at_an_end
    if sign.isascii():
        return sign.isalnum() or sign in _SAFE
    return sign.isprintable() or unicodedata.category(sign).startswith("M")


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
