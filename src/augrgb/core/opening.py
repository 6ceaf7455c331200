"""The one way to open a file for reading: a local regular file, whatever its name, or one clear error.

A named pipe, a device, a socket or a folder is never opened to be read: a pipe without a writer would hang for ever,
and a device never ends. `tests/unit/core/test_one_way.py` holds that no module reads a file in another way.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from augrgb.core.errors import AugrgbError, InputRefused, UsageFault

GIB = 2**30
_PIECE = 2**20
LARGEST_MODEL = 64 * GIB
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextlib.contextmanager
def open_regular(path: Path | str, what: str = "file") -> Iterator[io.BufferedReader]:
    """Open a regular file to be read as bytes.

    Args:
        path: The file; links are followed.
        what: What it should be, for messages.

    Raises:
        InputRefused: E-FILE-001 (absent), E-FILE-008 (the system refuses or fails to read it), E-FILE-009 (not a
            regular file).
        UsageFault: E-FILE-015, no file can have this name.
    """
    path = Path(path)
    try:
        # Not blocking, so that a named pipe put there between two checks cannot block us.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise unreadable(path, error, what) from error
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise _irregular(path, kind, what)
    with open(descriptor, "rb") as handle:
        try:
            yield handle
        except OSError as error:
            if error.filename is not None or isinstance(error, BrokenPipeError):  # of another file
                raise
            raise unreadable(path, error, what) from error


def regular_file(path: Path | str, what: str = "file") -> Path:
    """The path of a regular file that can be read, for libraries that open files themselves.

    Raises:
        AugrgbError: As `open_regular`.
    """
    with open_regular(path, what):
        return Path(path)


def read_bytes(path: Path | str, what: str = "file", limit: int = GIB) -> bytes:
    """A whole file.

    Raises:
        InputRefused: E-FILE-003, it has more than `limit` bytes; and see `open_regular`.
        UsageFault: E-FILE-015.
    """
    with open_regular(path, what) as handle:
        data = handle.read(min(os.fstat(handle.fileno()).st_size, limit))
        while len(data) <= limit and (more := handle.read(_PIECE)):  # the size that the system states may be wrong
            data += more
    if len(data) > limit:
        most = f"{limit / GIB:.1f} GiB" if limit >= GIB else f"{limit / 2**20:g} MiB"
        raise InputRefused("E-FILE-003", path, f"larger than a {what} may be ({most})", "Is it the right file?")
    return data


def sha256_file(path: Path | str) -> str:
    """Hex SHA-256 of a file, read in pieces.

    Raises:
        AugrgbError: As `open_regular`.
    """
    with open_regular(path) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def is_file(path: Path | str) -> bool:
    """Whether a regular file is there; False also where the system does not say, or for an impossible name."""
    return os.path.isfile(path)


def is_folder(path: Path | str) -> bool:
    """Whether a folder is there; False also where the system does not say, or for an impossible name."""
    return os.path.isdir(path)


def resolved(path: Path | str) -> Path:
    """The absolute path with its links followed; a link that leads to itself is left as it is.

    Raises:
        UsageFault: E-FILE-015, no file can have this name.
    """
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:
        raise unusable_name(path) from error


def check_folder(path: Path | str, what: str = "folder") -> None:
    """Refuse a folder that is not there, or that is something else.

    Raises:
        InputRefused: E-FILE-001 (absent).
        UsageFault: E-FILE-012 (not a folder), E-FILE-015 (name).
    """
    if is_folder(path):
        return
    try:
        os.stat(path)
    except (OSError, ValueError) as error:
        raise unreadable(path, error, what) from error
    raise UsageFault("E-FILE-012", path, f"is not a folder, but a {what} is needed", "Name a folder.")


def unreadable(path: Path | str, error: OSError | ValueError, what: str = "file") -> AugrgbError:
    """The refusal of a file that cannot be opened or read, with the one remedy that fits."""
    if not isinstance(error, OSError):  # NUL, or characters that the file system cannot store
        return unusable_name(path)
    if isinstance(error, FileNotFoundError):
        return InputRefused("E-FILE-001", path, f"no such {what}")
    if isinstance(error, NotADirectoryError):
        return InputRefused("E-FILE-001", path, f"no such {what}: a part of this path is a file, not a folder")
    if error.errno == errno.ENAMETOOLONG:
        return unusable_name(path)
    if isinstance(error, IsADirectoryError):
        return _irregular(Path(path), stat.S_IFDIR, what)
    if error.errno in (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP):
        return _irregular(Path(path), _kind(path), what)
    remedies = {
        errno.ELOOP: "A symbolic link leads to itself; remove it.",
        errno.EACCES: "Check its permissions.",
        errno.EPERM: "Check its permissions.",
        errno.EMFILE: "Too many files are open; raise `ulimit -n`, or use fewer --workers.",
        errno.ENFILE: "Too many files are open on this machine.",
    }
    remedy = remedies.get(error.errno or 0, "Check the disk or network drive.")
    return InputRefused("E-FILE-008", path, f"this {what} cannot be read ({error.strerror or error})", remedy)


def unusable_name(path: Path | str) -> UsageFault:
    """The refusal of a name that no file can have."""
    return UsageFault(
        "E-FILE-015", path, "no file can have this name: it is too long, or has a character that names cannot have"
    )


def _irregular(path: Path, kind: int, what: str) -> InputRefused:
    return InputRefused("E-FILE-009", path, f"is {kind_name(kind)}, not a {what}", "Only local regular files are read.")


def kind_name(mode: int) -> str:
    """What the mode of a file says that it is, for messages."""
    return _KINDS.get(stat.S_IFMT(mode), "not a regular file")


def _kind(path: Path | str) -> int:
    with contextlib.suppress(OSError):
        return stat.S_IFMT(os.stat(path).st_mode)
    return 0
