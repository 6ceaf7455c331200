"""Ten ways in which a file gets damaged: what disks, full disks, editors and copies do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

Damage = Callable[[Path], None]


def _rewritten(change: Callable[[bytes], bytes]) -> Damage:
    def damage(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return damage


def _flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 0x10
    return bytes(changed)


def _removed(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: Mapping[str, Damage] = {
    "emptied": _rewritten(lambda data: b""),
    "cut in half": _rewritten(lambda data: data[: len(data) // 2]),
    "one byte short": _rewritten(lambda data: data[:-2]),
    "one bit flipped": _rewritten(_flipped),
    "zeros": _rewritten(lambda data: bytes(len(data))),
    "garbage appended": _rewritten(lambda data: data + b'{"step": 1}\n\x00\xff'),
    "another JSON value": _rewritten(lambda data: b"[1]\n"),
    "removed": _removed,
    "a folder": _folder,
    "a pipe": _pipe,
}


def files_of(folder: Path) -> dict[str, bytes]:
    """The regular files below a folder, by their path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def copied(source: Path, target: Path) -> Path:
    """A fresh copy of a folder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target
