"""The one way to open files of arrays: `.npy`, `.npz` and safetensors, whose own claims never cost memory.

A NumPy header of a hundred bytes can claim a terabyte, which NumPy would allocate before it reads on. Here the claim is
compared with the bytes that are there.
"""

from __future__ import annotations

import contextlib
import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from augrgb.core.opening import open_regular, regular_file

_MAX_UNPACKED = 2**33
_MAGIC = b"\x93NUMPY"


@contextlib.contextmanager
def open_arrays(path: Path | str, what: str = "array file", limit: int = _MAX_UNPACKED) -> Iterator[Any]:
    """An `.npz` archive (a mapping of arrays) or the array of an `.npy` file. Pickled objects are refused.

    Args:
        path: The file.
        what: What it should be, for messages.
        limit: Largest number of bytes that an archive may unpack to.

    Raises:
        AugrgbError: As `opening.open_regular`.
        ValueError: It is damaged, claims more than it holds, or anything else of `files.ARRAY_DAMAGE`.
    """
    with open_regular(path, what) as handle:
        _check_claims(handle, limit)
        found = np.load(handle, allow_pickle=False)
        if isinstance(found, np.ndarray):
            yield found
        else:
            with found:
                yield found


def map_array(path: Path | str, what: str = "array file") -> NDArray[Any]:
    """The array of an `.npy` file, memory-mapped, read only.

    Raises:
        AugrgbError: As `opening.open_regular`.
        ValueError: As `open_arrays`; also for an archive.
    """
    with open_regular(path, what) as handle:
        _check_claims(handle, _MAX_UNPACKED)
    return _one_array(np.load(path, mmap_mode="r", allow_pickle=False))


def read_array(path: Path | str, what: str = "array file") -> NDArray[Any]:
    """The array of an `.npy` file, in memory.

    Raises:
        AugrgbError: As `opening.open_regular`.
        ValueError: As `open_arrays`; also for an archive.
    """
    with open_arrays(path, what) as found:
        return _one_array(found)


def _one_array(found: Any) -> NDArray[Any]:
    if not isinstance(found, np.ndarray):
        raise ValueError("it is an archive of arrays, not one .npy array")
    return found


@contextlib.contextmanager
def open_tensors(path: Path | str, framework: str = "numpy", what: str = "weights file") -> Iterator[Any]:
    """A safetensors file, as the library opens it, which compares its header with the size of the file.

    Raises:
        AugrgbError: As `opening.open_regular`.
        safetensors.SafetensorError: It is damaged, or something else.
    """
    import safetensors  # where exported models run, it is not installed

    with safetensors.safe_open(regular_file(path, what), framework=framework) as handle:
        yield handle


def _check_claims(handle: BinaryIO, limit: int) -> None:
    head = handle.read(len(_MAGIC))
    handle.seek(0)
    if head == _MAGIC:
        array_header(handle)
    elif head.startswith(b"PK"):
        with zipfile.ZipFile(handle) as archive:
            total = sum(info.file_size for info in archive.infolist())
            if total > limit:
                raise ValueError(f"it unpacks to {total} bytes; at most {limit} are read")
            for info in archive.infolist():
                with archive.open(info) as member:
                    is_array = member.read(len(_MAGIC)) == _MAGIC
                    member.seek(0)
                    if is_array:
                        _check_header(member, info.file_size)
    handle.seek(0)


def array_header(handle: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and type of the array of an `.npy` file, read from its beginning.

    Raises:
        ValueError: It is none, claims more than it holds, or holds Python objects.
    """
    return _check_header(handle, os.fstat(handle.fileno()).st_size)


def _check_header(handle: Any, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Refuse an array that claims more elements than `size` bytes can hold."""
    version = np.lib.format.read_magic(handle)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(handle)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
    claimed = math.prod(int(length) for length in shape) * max(1, dtype.itemsize)
    if claimed > size or any(length < 0 for length in shape):
        raise ValueError(f"its header claims {claimed} bytes; the file has {size}")
    return shape, fortran, dtype
