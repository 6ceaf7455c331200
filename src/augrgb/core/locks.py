"""Locks between processes: `flock` on a file that stays, released by the system however its holder ends.

The file is never removed: another process could be about to lock it, and then two would hold "the" lock. It is empty
unless somebody holds it, or died holding it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from augrgb.core.files import disk_faults, make_folder, refuse_irregular

_NOTE_BYTES = 4096


class Busy(Exception):
    """Another process holds the lock; `note` is what it wrote into the file."""

    def __init__(self, note: bytes) -> None:
        super().__init__(note)
        self.note = note


@contextlib.contextmanager
def file_lock(
    path: Path, note: bytes = b"", *, wait: bool = False, check: Callable[[bytes], None] | None = None
) -> Iterator[None]:
    """Hold a lock file.

    Not on Windows, where nothing is locked.

    Args:
        path: The file; made if absent, with its folder.
        note: Who holds it, for the message of others; at most 4 KiB.
        wait: Wait for another holder.
        check: Called, with the lock held, with the note of a holder that never released it (b"" if there is none); what
            it raises leaves that note where it is.

    Raises:
        Busy: Another process, or another part of this one, holds it.
        EnvironmentFault, UsageFault: E-ENV-001 (full), E-ENV-006 (forbidden), E-FILE-016 (no regular file), ...
    """
    make_folder(path.parent)
    refuse_irregular(path)
    with disk_faults(path):
        file = _locked(path, wait)
    with file:
        if check is not None:
            check(file.read(_NOTE_BYTES))
        with disk_faults(path):
            _overwrite(file, note)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # an old note does no harm; the system releases the lock
                _overwrite(file, b"")


def _locked(path: Path, wait: bool) -> FileIO:
    while True:
        file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+")
        try:
            if sys.platform == "win32":
                return file
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise Busy(file.read(_NOTE_BYTES)) from None
            if _is_still(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # removed by hand between opening and locking


def _is_still(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _overwrite(file: FileIO, note: bytes) -> None:
    file.seek(0)
    file.truncate()
    file.write(note)
