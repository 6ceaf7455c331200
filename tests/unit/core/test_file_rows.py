"""Rows of an array that stays in its file: the same numbers as NumPy's, and no change goes unnoticed."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from augrgb.core.errors import InputRefused
from augrgb.core.file_rows import FileRows, npy_rows

VALUES = np.random.default_rng(0).normal(size=(9, 2, 3)).astype(np.float32)


@pytest.fixture
def rows(tmp_path: Path) -> FileRows:
    np.save(tmp_path / "a.npy", VALUES)
    found = npy_rows(tmp_path / "a.npy")
    assert found is not None
    return found


SLICES = [slice(None), slice(2, 5), slice(7, None), slice(None, None, 3), slice(8, 2, -2), slice(5, 5), slice(100, 200)]


@pytest.mark.parametrize("key", [*SLICES, 4, -1, np.array([3, 1, 1, 8]), np.array([], int)])
def test_rows_are_those_of_numpy(rows: FileRows, key: object) -> None:
    np.testing.assert_array_equal(rows[key], VALUES[key])  # type: ignore[index]
    assert rows[key].dtype == VALUES.dtype  # type: ignore[index]


def test_it_looks_like_an_array(rows: FileRows) -> None:
    assert (len(rows), rows.shape, rows.ndim, rows.nbytes) == (9, VALUES.shape, 3, VALUES.nbytes)
    np.testing.assert_array_equal(np.asarray(rows), VALUES)
    np.testing.assert_array_equal(list(rows), VALUES)
    mine = rows[0:2]
    mine[:] = 0  # a copy: nobody else's
    np.testing.assert_array_equal(rows[0:2], VALUES[:2])
    for key in (9, -10, np.array([9]), np.array([-1])):
        with pytest.raises(IndexError):
            rows[key]


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4)


def overwrite(path: Path) -> None:
    with open(path, "r+b") as handle:
        handle.seek(-4, os.SEEK_END)
        handle.write(b"abcd")
    os.utime(path, ns=(0, 1))  # a clock too coarse to see it would be another matter


def replace(path: Path) -> None:
    np.save(path.with_name("b.npy"), VALUES[::-1])
    os.replace(path.with_name("b.npy"), path)


@pytest.mark.parametrize("change", [cut, overwrite, replace])
@pytest.mark.parametrize("loaded", [True, False])
def test_a_changed_file_is_named(rows: FileRows, change: Callable[[Path], None], loaded: bool) -> None:
    if loaded:
        rows.load()
    change(rows.path)
    for _ in range(2):
        with pytest.raises(InputRefused, match=r"E-FILE-017 .*a\.npy: this array file changed under a running process"):
            rows[0:1]


def test_a_removed_file_is_named(rows: FileRows) -> None:
    rows.path.unlink()
    with pytest.raises(InputRefused, match=r"E-FILE-001 .*a\.npy"):
        rows[0:1]


def test_a_file_that_was_only_touched_or_made_again_has_not_changed(rows: FileRows) -> None:
    rows.load()
    os.utime(rows.path, ns=(0, 1))
    np.testing.assert_array_equal(rows[2:4], VALUES[2:4])
    rows.path.unlink()
    np.save(rows.path, VALUES)
    np.testing.assert_array_equal(rows[2:4], VALUES[2:4])


def test_what_cannot_be_read_by_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.asfortranarray(VALUES))
    assert npy_rows(path) is None
    np.save(path, np.float32(3))
    assert npy_rows(path) is None
    np.save(path, VALUES)
    cut(path)
    with pytest.raises(ValueError, match="ends before its last row"):
        npy_rows(path)
    np.save(path, np.array([{}], object))
    with pytest.raises(ValueError, match="pickle"):
        npy_rows(path)
