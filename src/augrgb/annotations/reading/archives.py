"""Exports that come as a zip archive: its annotation files, unpacked to a temporary folder, safely."""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.core.errors import AugrgbError, FaultList, InputRefused
from augrgb.core.files import scratch_file
from augrgb.core.opening import is_folder, open_regular
from augrgb.video.folder import VIDEO_SUFFIXES

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

    An archive is known by its first bytes, whatever its name. Nothing is ever written outside that folder, and at most
    1 GiB is unpacked, whatever the archive says about itself. An archive inside it is a folder of its name; what lies
    deeper is not opened.

    Raises:
        InputRefused: E-FILE-020: it is damaged or encrypted, a name leads out of it, or it unpacks to more.
    """
    if is_folder(path) or not (path.suffix.lower() == ".zip" or is_archive(path)):
        yield Opened(path, path)
        return
    with tempfile.TemporaryDirectory(prefix="augrgb-export-") as temporary:
        left = _unpack(path, Path(temporary), suffixes)
        there = Opened(_inner_folder(Path(temporary)), path, left)
        try:
            yield there
        except AugrgbError as fault:
            raise there.fault(fault) from fault


def is_archive(path: Path) -> bool:
    """Whether a file is a zip archive, and neither a spreadsheet nor a document, which are archives too."""
    try:
        with open_regular(path) as handle:
            if handle.read(4) != b"PK\x03\x04":
                return False
            with zipfile.ZipFile(handle) as archive:
                names = set(archive.namelist()[:_MOST_MEMBERS])
    except (AugrgbError, *_DAMAGE):
        return False
    return not names & {"[Content_Types].xml", "mimetype"}


def _inner_folder(folder: Path) -> Path:
    """The folder whose content was archived: many archives hold one folder, and everything in it."""
    inside = list(folder.iterdir())
    return _inner_folder(inside[0]) if len(inside) == 1 and is_folder(inside[0]) else folder


def _unpack(path: Path, folder: Path, suffixes: Collection[str]) -> tuple[int, str]:
    unpacking = _Unpacking(path, folder, suffixes)
    with open_regular(path, "archive") as handle:
        try:
            with zipfile.ZipFile(handle) as archive:
                unpacking.members(archive, PurePosixPath())
        except _DAMAGE as error:
            raise InputRefused("E-FILE-020", path, f"not a whole zip archive ({error})", "Export it again.") from error
    left = unpacking.left
    if not unpacking.taken:
        listed = f"; it holds {', '.join(left[:3])}" if left else ""
        raise InputRefused("E-FILE-006", path, f"no annotation file in this archive{listed}")
    return len(left), left[0] if left else ""


@dataclass
class _Unpacking:
    """An archive, and the archives in it, on their way into a folder.

    Args:
        left: Names of the members that are no annotation files.
        taken: Names of the others, in lower case.
        held: Bytes that were unpacked.
    """

    path: Path
    folder: Path
    suffixes: Collection[str]
    left: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    held: int = 0
    count: int = 0

    def members(self, archive: zipfile.ZipFile, inside: PurePosixPath) -> None:
        """Unpack the members of an archive that lies at `inside`, "" for the given one."""
        path = self.path
        members = archive.infolist()
        self.count += len(members)
        if self.count > _MOST_MEMBERS:
            raise InputRefused("E-FILE-020", path, f"has {self.count} members, at most {_MOST_MEMBERS}", _REMEDY)
        for member in members:
            name = inside / _safe_name(path, member)
            if member.is_dir() or _is_of_the_system(name):
                continue
            nested = name.suffix.lower() == ".zip" and not inside.parts
            if (name.suffix.lower() not in self.suffixes and not nested) or stat.S_ISLNK(member.external_attr >> 16):
                self.left.append(str(name))
                if name.suffix.lower() in VIDEO_SUFFIXES and name.parent.name == "data":  # as backups of CVAT have it
                    with scratch_file(self.folder / name):
                        pass  # its name says which video it is
                continue
            if str(name).lower() in self.taken:
                raise InputRefused("E-FILE-020", path, f"has two members called {str(name)!r}", _REMEDY)
            if member.flag_bits & 1:
                raise InputRefused("E-FILE-020", path, f"{str(name)!r} is encrypted", _REMEDY)
            if nested:
                with tempfile.TemporaryFile() as copy, archive.open(member) as source:
                    self._copy(source, copy)
                    copy.seek(0)
                    with zipfile.ZipFile(copy) as inner:
                        self.members(inner, name.with_suffix(""))
                continue
            self.taken.add(str(name).lower())
            with archive.open(member) as source, scratch_file(self.folder / name) as target:
                self._copy(source, target)

    def _copy(self, source: IO[bytes], target: IO[bytes]) -> None:
        while piece := source.read(_PIECE):
            self.held += len(piece)
            if self.held > LARGEST:
                problem = f"unpacks to more than {LARGEST / 2**30:g} GiB of annotation files"
                raise InputRefused("E-FILE-020", self.path, problem, _REMEDY)
            target.write(piece)


def _safe_name(path: Path, member: zipfile.ZipInfo) -> PurePosixPath:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or (name.parts and ":" in name.parts[0]):
        problem = f"the member {member.filename!r} leads out of the archive"
        raise InputRefused("E-FILE-020", path, problem, "Annotation tools never write such a file.")
    return name


def _is_of_the_system(name: PurePosixPath) -> bool:
    """Files that operating systems put into archives and folders."""
    return "__MACOSX" in name.parts or name.name.startswith("._") or name.name in (".DS_Store", "Thumbs.db")
