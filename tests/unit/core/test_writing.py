"""Places that cannot be written to: each has its own code and remedy, and nothing is replaced or left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from augrgb.core.arrays import map_array, open_arrays, read_array
from augrgb.core.errors import AugrgbError
from augrgb.core.files import ARRAY_DAMAGE, append_line, check_output_folder, make_folder, write_text


def test_impossible_outputs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").write_text("x")
    os.symlink("loop", tmp_path / "loop")
    outputs = {
        "pipe": "E-FILE-016",
        "folder": "E-FILE-016",
        "plain/a": "E-FILE-012",
        "plain/a/b": "E-FILE-012",
        "loop/a": "E-FILE-012",
        "x" * 300: "E-FILE-015",
        "a\0": "E-FILE-015",
        "/proc/nothing/a": "E-ENV-006",
    }
    before = sorted(os.listdir(tmp_path))
    for name, code in outputs.items():
        with pytest.raises(AugrgbError) as caught:
            write_text(tmp_path / name, "text")
        assert caught.value.code == code, name
        if code != "E-FILE-016":
            with pytest.raises(AugrgbError) as caught:
                make_folder(tmp_path / name)
            assert caught.value.code == code, name
    with pytest.raises(AugrgbError, match="E-FILE-016"):
        append_line(tmp_path / "pipe", "text")
    assert sorted(os.listdir(tmp_path)) == before


def test_an_output_is_looked_at_before_the_work(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "plain").write_text("x")
    os.symlink("loop", tmp_path / "loop")
    for name, code in {
        "pipe": "E-FILE-012",
        "plain": "E-FILE-012",
        "plain/a/b": "E-FILE-012",
        "loop": "E-FILE-012",
        "loop/a": "E-FILE-012",
        "x" * 300: "E-FILE-015",
        "a\0": "E-FILE-015",
        "/proc/nothing/a": "E-ENV-006",
    }.items():
        with pytest.raises(AugrgbError, match=code):
            check_output_folder(tmp_path / name)
    check_output_folder(tmp_path / "new" / "deep")
    check_output_folder(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["loop", "pipe", "plain"]


@pytest.mark.parametrize(
    ("number", "code", "remedy"),
    [
        (errno.ENOSPC, "E-ENV-001", "Free some space"),
        (errno.EDQUOT, "E-ENV-001", "Free some space"),
        (errno.EROFS, "E-ENV-006", "file system that cannot be written to"),
        (errno.EACCES, "E-ENV-006", "permissions"),
        (errno.EIO, "E-ENV-007", "Check the disk"),
        (errno.EXDEV, "E-ENV-006", "different disks"),
        (errno.ELOOP, "E-FILE-012", "link leads to itself"),
    ],
)
def test_each_refusal_of_the_system_has_its_own_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, remedy: str
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number), str(target))

    monkeypatch.setattr("augrgb.core.files.os.replace", refuse)
    with pytest.raises(AugrgbError, match=f"{code}.*{remedy}"):
        write_text(tmp_path / "a", "text")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("shape", ["(9999999999999,)", "(2147483648, 2147483648)", "(-1,)"])
def test_the_header_of_an_array_is_compared_with_its_file(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 64)
    with pytest.raises(ARRAY_DAMAGE, match=r"header claims|negative"), open_arrays(path):
        pass
    for read in (map_array, read_array):
        with pytest.raises(ARRAY_DAMAGE):
            read(path)


def test_arrays_that_are_whole_are_read(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.save(tmp_path / "a.npy", values)
    np.savez_compressed(tmp_path / "a.npz", x=values, empty=np.zeros((0, 3)), scalar=np.float64(2))
    assert (map_array(tmp_path / "a.npy") == values).all() and (read_array(tmp_path / "a.npy") == values).all()
    with open_arrays(tmp_path / "a.npz") as found:
        assert (found["x"] == values).all() and found["empty"].shape == (0, 3) and found["scalar"] == 2
