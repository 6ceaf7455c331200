"""An array that stays in its file and is read row by row, by a process that must notice when the file changes.

A memory map would cost as little memory, but a file that is cut off under it ends the process without a word (SIGBUS),
and one that is written to gives a mixture of old and new numbers.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from augrgb.core.arrays import array_header
from augrgb.core.errors import InputRefused
from augrgb.core.opening import open_regular

_CHUNK_BYTES = 2**20


class FileRows:
    """An array (n, ...) of plain numbers in a file, in C order; `rows[span]` gives a copy of its rows.

    Every reading compares the file's size, times and identity with what they were when this was made. Where they
    differ, the numbers are compared by hash: a file that was only touched, or made again the same, is no change.

    Args:
        path: The file.
        dtype: Of the numbers.
        shape: (n, ...).
        offset: Bytes before the first number.
        what: What the file is, for messages.

    Raises:
        AugrgbError: As `opening.open_regular`.
    """

    def __init__(self, path: Path, dtype: DTypeLike, shape: tuple[int, ...], offset: int, what: str = "file") -> None:
        self.path, self.dtype, self.shape, self.offset = Path(path), np.dtype(dtype), tuple(shape), offset
        self._what, self._row = what, self.dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        self._sha256: str | None = None
        with open_regular(self.path, what) as handle:
            self._state = _state(handle)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all numbers."""
        return self._row * self.shape[0]

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of the numbers as they lie in the file, computed when first asked for."""
        if self._sha256 is None:
            with open_regular(self.path, self._what) as handle:
                self._sha256 = self._hash(handle)
                self._check_unchanged(handle)
        return self._sha256

    def load(self) -> NDArray[Any]:
        """All rows, whose hash is remembered: a later change of the file's times alone is then known to be none."""
        values = self[:]
        self._sha256 = hashlib.sha256(values.data).hexdigest()
        return values

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | int | NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Rows of a slice, of one number, or of an array of numbers from 0 to n - 1, as a new array.

        Raises:
            InputRefused: E-FILE-017, the file has changed.
            IndexError: There is no such row.
        """
        if isinstance(rows, slice):
            span = range(len(self))[rows]
            if not span:
                return np.empty((0, *self.shape[1:]), self.dtype)
            low, high = min(span[0], span[-1]), max(span[0], span[-1])
            block = self._read(low, high + 1)
            return block if span.step == 1 else block[np.asarray(span) - low]
        if isinstance(rows, int | np.integer):
            number = range(len(self))[rows]
            row: NDArray[Any] = self._read(number, number + 1)[0]
            return row
        wanted = np.asarray(rows)
        if not len(wanted):
            return np.empty((0, *self.shape[1:]), self.dtype)
        low, high = int(wanted.min()), int(wanted.max())
        if low < 0 or high >= len(self):
            raise IndexError(f"rows {low} to {high} of {len(self)}")
        block = self._read(low, high + 1)
        return np.asarray(block[wanted - low])

    def __iter__(self) -> Iterator[NDArray[Any]]:
        step = max(1, _CHUNK_BYTES // max(1, self._row))
        for first in range(0, len(self), step):
            yield from self._read(first, min(first + step, len(self)))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)

    def _read(self, first: int, stop: int) -> NDArray[Any]:
        result = np.empty((stop - first, *self.shape[1:]), self.dtype)
        with open_regular(self.path, self._what) as handle:
            handle.seek(self.offset + first * self._row)
            count = handle.readinto(result.reshape(-1).view(np.uint8).data) if result.nbytes else 0
            self._check_unchanged(handle)
        if count != result.nbytes:
            raise self._changed("it ends early")
        return result

    def _check_unchanged(self, handle: BinaryIO) -> None:
        now = _state(handle)
        if now == self._state:
            return
        if self._sha256 is None or self._hash(handle) != self._sha256 or _state(handle) != now:
            raise self._changed("it is not what it was when it was first read")
        self._state = now

    def _hash(self, handle: BinaryIO) -> str:
        handle.seek(self.offset)
        digest, left = hashlib.sha256(), self.nbytes
        while left and (piece := handle.read(min(left, _CHUNK_BYTES))):
            digest.update(piece)
            left -= len(piece)
        return digest.hexdigest()

    def _changed(self, how: str) -> InputRefused:
        remedy = "Do not change it while it is used; run the command again, which compares its content."
        return InputRefused(
            "E-FILE-017", self.path, f"this {self._what} changed under a running process: {how}", remedy
        )


def npy_rows(path: Path, what: str = "array file") -> FileRows | None:
    """The rows of an `.npy` file; None if it is not stored in C order.

    Raises:
        AugrgbError: As `opening.open_regular`.
        ValueError: As `arrays.open_arrays`.
    """
    with open_regular(path, what) as handle:
        shape, fortran, dtype = array_header(handle)
        if fortran or not shape:
            return None
        rows = FileRows(path, dtype, shape, handle.tell(), what)
        if rows.offset + rows.nbytes > os.fstat(handle.fileno()).st_size:
            raise ValueError("it ends before its last row")
        return rows


def _state(handle: BinaryIO) -> tuple[int, int, int, int]:
    state = os.fstat(handle.fileno())
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
