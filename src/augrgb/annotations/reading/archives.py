"""Exports that come as a zip archive: its annotation files, unpacked to a temporary folder, safely."""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.core.errors import AugrgbError, FaultList, InputRefused
from augrgb.core.files import atomic_file, make_folder
from augrgb.core.opening import is_folder, open_regular

LARGEST = 1 << 30
_MOST_MEMBERS = 100_000
_PIECE = 1 << 20
# zipfile raises NotImplementedError for a compression that it cannot undo, such as Deflate64 of Windows' Explorer
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
_REMEDY = "Unpack it yourself, and give the folder."


@dataclass(frozen=True, slots=True)
class Opened:
    """Where the files of an export lie while it is read.

    Args:
        place: The file or folder itself, or the temporary folder with the files of an archive.
        given: What the user named.
        left: How many members of the archive are no annotation files, and the first of them.
    """

    place: Path
    given: Path
    left: tuple[int, str] = (0, "")

    def text(self, text: str) -> str:
        """A message that names the archive in place of the temporary folder."""
        return text if self.place == self.given else text.replace(str(self.place), str(self.given))

    def fault(self, fault: AugrgbError) -> AugrgbError:
        """An error with such messages."""
        if self.place == self.given:
            return fault
        if isinstance(fault, FaultList):
            return FaultList(self.fault(one) for one in fault.faults)
        parts = (fault.where, fault.problem, fault.remedy)
        return type(fault)(fault.code, *(self.text(part) for part in parts))

    def annotations(self, found: AnnotationSet) -> AnnotationSet:
        """Annotations whose findings have such messages."""
        if self.place == self.given:
            return found
        findings = (replace(f, where=self.text(f.where), detail=self.text(f.detail)) for f in found.findings)
        return replace(found, findings=tuple(findings))


@contextmanager
def opened(path: Path, suffixes: Collection[str]) -> Iterator[Opened]:
    """A file or folder as it is; of a zip archive the members with one of the suffixes, in a temporary folder.

    Nothing is ever written outside that folder, and at most 1 GiB is unpacked, whatever the archive says about itself.
    Archives inside it are not opened.

    Raises:
        InputRefused: E-FILE-020: it is damaged or encrypted, a name leads out of it, or it unpacks to more.
    """
    if path.suffix.lower() != ".zip" or is_folder(path):
        yield Opened(path, path)
        return
    with tempfile.TemporaryDirectory(prefix="augrgb-export-") as temporary:
        left = _unpack(path, Path(temporary), suffixes)
        there = Opened(_inner_folder(Path(temporary)), path, left)
        try:
            yield there
        except AugrgbError as fault:
            raise there.fault(fault) from fault


def _inner_folder(folder: Path) -> Path:
    """The folder whose content was archived: many archives hold one folder, and everything in it."""
    inside = list(folder.iterdir())
    return _inner_folder(inside[0]) if len(inside) == 1 and is_folder(inside[0]) else folder


def _unpack(path: Path, folder: Path, suffixes: Collection[str]) -> tuple[int, str]:
    with open_regular(path, "archive") as handle:
        try:
            with zipfile.ZipFile(handle) as archive:
                taken, left = _unpack_members(path, archive, folder, suffixes)
        except _DAMAGE as error:
            raise InputRefused("E-FILE-020", path, f"not a whole zip archive ({error})", "Export it again.") from error
    if not taken:
        listed = f"; it holds {', '.join(left[:3])}" if left else ""
        raise InputRefused("E-FILE-006", path, f"no annotation file in this archive{listed}")
    return len(left), left[0] if left else ""


def _unpack_members(
    path: Path, archive: zipfile.ZipFile, folder: Path, suffixes: Collection[str]
) -> tuple[set[str], list[str]]:
    """Names of the members that were unpacked, and of those that are no annotation files."""
    left: list[str] = []
    held = 0
    taken: set[str] = set()
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise InputRefused("E-FILE-020", path, f"has {len(members)} members, at most {_MOST_MEMBERS}", _REMEDY)
    for member in members:
        name = _safe_name(path, member)
        if member.is_dir() or _is_of_the_system(name):
            continue
        if name.suffix.lower() not in suffixes or stat.S_ISLNK(member.external_attr >> 16):
            left.append(str(name))
            continue
        if str(name).lower() in taken:
            raise InputRefused("E-FILE-020", path, f"has two members called {str(name)!r}", _REMEDY)
        taken.add(str(name).lower())
        if member.flag_bits & 1:
            raise InputRefused("E-FILE-020", path, f"{str(name)!r} is encrypted", _REMEDY)
        make_folder((folder / name).parent)
        with archive.open(member) as source, atomic_file(folder / name) as target:
            while piece := source.read(_PIECE):
                held += len(piece)
                if held > LARGEST:
                    problem = f"unpacks to more than {LARGEST / 2**30:g} GiB of annotation files"
                    raise InputRefused("E-FILE-020", path, problem, _REMEDY)
                target.write(piece)
    return taken, left


def _safe_name(path: Path, member: zipfile.ZipInfo) -> PurePosixPath:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or (name.parts and ":" in name.parts[0]):
        problem = f"the member {member.filename!r} leads out of the archive"
        raise InputRefused("E-FILE-020", path, problem, "Annotation tools never write such a file.")
    return name


def _is_of_the_system(name: PurePosixPath) -> bool:
    """Files that operating systems put into archives and folders."""
    return "__MACOSX" in name.parts or name.name.startswith("._") or name.name in (".DS_Store", "Thumbs.db")
