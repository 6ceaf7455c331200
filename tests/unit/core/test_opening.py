"""Whatever stands where a file belongs: one clear error, no hang, no endless read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from augrgb.core.errors import AugrgbError
from augrgb.core.opening import check_folder, is_file, read_bytes, regular_file, resolved


def things(root: Path) -> dict[str, str]:
    """Paths that are not regular files, by the code with which they are refused."""
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    (root / "plain").write_bytes(b"x")
    os.symlink("nowhere", root / "broken")
    os.symlink("loop", root / "loop")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(root / "s"))
    return {
        str(root / "pipe"): "E-FILE-009",
        "/dev/zero": "E-FILE-009",
        str(root / "s"): "E-FILE-009",
        str(root / "folder"): "E-FILE-009",
        str(root / "broken"): "E-FILE-001",
        str(root / "loop"): "E-FILE-008",
        str(root / "plain" / "x"): "E-FILE-001",
        str(root / "absent"): "E-FILE-001",
        str(root / ("x" * 300)): "E-FILE-015",
        "/".join(["y" * 200] * 30): "E-FILE-015",
        "a\0b": "E-FILE-015",
        "a\ud800b": "E-FILE-015",
        "/proc/self/mem": "E-FILE-008",
    }


def test_what_is_no_readable_file_is_refused_with_its_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path, code in things(Path()).items():
        with pytest.raises(AugrgbError) as caught:
            read_bytes(path, "recipe")
        assert caught.value.code == code, path
        assert "\0" not in str(caught.value) and len(str(caught.value)) < 800
        if code != "E-FILE-008" or "proc" not in path:
            assert not is_file(path)


def test_names_of_any_bytes_are_read(tmp_path: Path) -> None:
    for name in (b"n\xff\xfe", b"a\x1b[31m\n", b"-rf"):
        path = os.path.join(os.fsencode(tmp_path), name)
        with open(path, "wb") as handle:
            handle.write(name)
        assert read_bytes(os.fsdecode(path)) == name
        assert regular_file(os.fsdecode(path)).name == os.fsdecode(name)


def test_a_file_larger_than_its_kind_may_be(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"x" * 2000)
    with pytest.raises(AugrgbError, match=r"E-FILE-003.*larger than a recipe"):
        read_bytes(path, "recipe", 1999)
    assert len(read_bytes(path, "recipe", 2000)) == 2000


def test_a_loop_of_links_is_resolved_to_itself_and_is_no_folder(tmp_path: Path) -> None:
    os.symlink("loop", tmp_path / "loop")
    assert resolved(tmp_path / "loop" / "x").name == "x"
    for path, code in {
        "loop": "E-FILE-008",
        "absent": "E-FILE-001",
        "x" * 300: "E-FILE-015",
        "plain": "E-FILE-012",
    }.items():
        (tmp_path / "plain").write_bytes(b"x")
        with pytest.raises(AugrgbError, match=code):
            check_folder(tmp_path / path)
    check_folder(tmp_path)
