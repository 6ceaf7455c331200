"""The one way to search a folder that people fill: its regular files, and one line about what is there but is no file.

A named pipe, a socket, a device, a broken link or a folder called `x.mp4` is never taken for a file, and never passed
over in silence. `tests/unit/core/test_one_way.py` holds that no module searches such a folder in another way.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from augrgb.core.opening import kind_name, unreadable
from augrgb.core.shown import place

CODE = "E-FILE-022"
_LISTED = 4
_FAILED = "that the system does not let be read"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry of a folder that is left out, and what it is."""

    path: Path
    kind: str


@dataclass(frozen=True, slots=True)
class Found:
    """The regular files of a folder, sorted by path, and what was left out."""

    folder: Path
    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...] = ()

    def note(self) -> str:
        """What was left out, as a sentence; "" if nothing was.

        >>> Found(Path("in"), (), (Skipped(Path("in/a.mp4"), "a named pipe"),)).note()
        '1 entry is no regular file and was left out: a.mp4 (a named pipe)'
        """
        if not self.skipped:
            return ""
        listed = ", ".join(f"{_below(one.path, self.folder)} ({one.kind})" for one in self.skipped[:_LISTED])
        more = ", ..." if len(self.skipped) > _LISTED else ""
        few = len(self.skipped) == 1
        count = (
            "1 entry is no regular file and was"
            if few
            else f"{len(self.skipped)} entries are no regular files and were"
        )
        return f"{count} left out: {listed}{more}"


def search(folder: Path | str, wanted: Callable[[str], bool], *, deep: bool = False) -> Found:
    """The files of a folder whose names are wanted.

    Args:
        folder: The folder; nothing is found where there is none.
        wanted: Judges a name. Entries of wanted names that are no regular files are skipped.
        deep: Search the folders inside as well. Links to folders are not followed, and are skipped.

    Raises:
        InputRefused: E-FILE-008, the folder itself cannot be listed.
        UsageFault: E-FILE-015, no folder can have this name.
    """
    folder = Path(folder)
    files: list[Path] = []
    skipped: list[Skipped] = []
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                listed = list(entries)
        except (OSError, ValueError) as error:
            if here != folder:
                skipped.append(Skipped(here, f"a folder {_FAILED}"))
            elif not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise unreadable(folder, error, "folder") from error
            continue
        for entry in listed:
            _sort_in(entry, here / entry.name, wanted(entry.name), deep, (files, skipped, waiting))
    return Found(folder, tuple(sorted(files)), tuple(sorted(skipped, key=lambda one: one.path)))


def files_in(
    folder: Path | str, *suffixes: str, wanted: Callable[[str], bool] | None = None, deep: bool = False
) -> list[Path]:
    """As `search`, but what is skipped is logged as one warning.

    Args:
        folder: The folder.
        suffixes: Endings in lower case, whatever the names have; none = every file.
        wanted: Judges a name that has one of the endings.
        deep: See `search`.

    Raises:
        AugrgbError: As `search`.
    """
    ends = frozenset(suffixes)

    def is_wanted(name: str) -> bool:
        return (not ends or os.path.splitext(name)[1].lower() in ends) and (wanted is None or wanted(name))

    found = search(folder, is_wanted, deep=deep)
    tell(found)
    return list(found.files)


def has_files(folder: Path | str, suffixes: Iterable[str]) -> bool:
    """Whether a folder holds a regular file with one of the endings; what is skipped is not told."""
    ends = frozenset(suffixes)
    return bool(search(folder, lambda name: os.path.splitext(name)[1].lower() in ends).files)


def tell(found: Found) -> None:
    """Log what a search skipped, as one line."""
    note = found.note()
    if note:
        _log.warning("%s %s: %s", CODE, place(found.folder), note)


def _sort_in(
    entry: os.DirEntry[str],
    path: Path,
    is_wanted: bool,
    deep: bool,
    into: tuple[list[Path], list[Skipped], list[Path]],
) -> None:
    files, skipped, waiting = into
    is_wanted = is_wanted and not entry.name.startswith("._")  # what macOS writes beside files on other disks
    try:
        is_link, is_folder = entry.is_symlink(), entry.is_dir(follow_symlinks=False)
        if is_folder and deep:
            waiting.append(path)
        if is_wanted and not is_folder and entry.is_file():
            files.append(path)
        elif is_wanted:
            skipped.append(Skipped(path, _kind(path)))
        elif is_link and deep and not entry.name.startswith(".") and entry.is_dir():
            skipped.append(Skipped(path, "a link to a folder"))
    except OSError as error:
        if is_wanted:
            skipped.append(Skipped(path, _unusable(error)))


def _kind(path: Path) -> str:
    """What an entry is that is no regular file."""
    try:
        kind = kind_name(os.stat(path).st_mode)
    except OSError as error:
        return _unusable(error)
    return f"a link to {kind}" if path.is_symlink() else kind


def _unusable(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a link that leads to itself"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "a broken link"
    return f"an entry {_FAILED}"


def _below(path: Path, folder: Path) -> str:
    return place(path.relative_to(folder))
