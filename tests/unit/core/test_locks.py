"""Locks between processes: a file that stays, released however its holder ends."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from augrgb.core import locks
from augrgb.core.errors import EnvironmentFault, UsageFault
from augrgb.core.locks import Busy, file_lock

HOLD = """
import sys, time
from pathlib import Path
from augrgb.core.locks import file_lock
with file_lock(Path(sys.argv[1]), b"the child"):
    print("held", flush=True)
    time.sleep(60)
"""
COUNT = """
import sys
from pathlib import Path
from augrgb.core.locks import Busy, file_lock
lock, counter = Path(sys.argv[1]), Path(sys.argv[2])
done = 0
while done < int(sys.argv[3]):
    try:
        with file_lock(lock, wait=sys.argv[4] == "wait"):
            counter.write_text(str(int(counter.read_text()) + 1))
            done += 1
    except Busy:
        pass
"""


def test_the_file_stays_and_is_empty_when_nobody_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.lock"
    with file_lock(path, b"me"):
        assert path.read_bytes() == b"me"
        with pytest.raises(Busy) as busy, file_lock(path, b"another"):
            pass
        assert busy.value.note == b"me" and path.read_bytes() == b"me"
    assert path.read_bytes() == b""


@pytest.mark.parametrize("content", [b"", b"{", bytes(10**6), b"\xff\xfe"])
def test_what_lies_in_the_file_never_locks_it(tmp_path: Path, content: bytes) -> None:
    path, left = tmp_path / "a.lock", []
    path.write_bytes(content)
    with file_lock(path, b"me", check=left.append):
        assert path.read_bytes() == b"me"
    assert left == [content[:4096]]


@pytest.mark.skipif(sys.platform == "win32", reason="no flock")
def test_a_killed_holder_has_let_go(tmp_path: Path) -> None:
    path, left = tmp_path / "a.lock", []
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"held\n"
    with pytest.raises(Busy), file_lock(path):
        pass
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with file_lock(path, check=left.append):
        pass
    assert left == [b"the child"]


@pytest.mark.parametrize("way", ["wait", "try"])
@pytest.mark.skipif(sys.platform == "win32", reason="no flock")
def test_never_two_holders_at_once(tmp_path: Path, way: str) -> None:
    lock, counter = tmp_path / "a.lock", tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", COUNT, str(lock), str(counter), "200", way]
    children = [subprocess.Popen(command) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    assert counter.read_text() == "800"  # a second holder would lose a count or read an empty file


def test_a_full_disk_names_the_file_and_the_next_try_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: object, note: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a.lock"
    with monkeypatch.context() as patch:
        patch.setattr(locks, "_overwrite", full)
        with pytest.raises(EnvironmentFault, match=r"E-ENV-001 .*a\.lock"), file_lock(path):
            pass
    with file_lock(path):
        pass


def test_a_folder_or_pipe_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.lock").mkdir()
    os.mkfifo(tmp_path / "b.lock")
    for name in ("a.lock", "b.lock"):
        with pytest.raises(UsageFault, match=rf"E-FILE-016 .*{name}"), file_lock(tmp_path / name):
            pass


def test_a_refusing_check_leaves_the_note(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.write_bytes(b"theirs")

    def refuse(note: bytes) -> None:
        raise RuntimeError(note)

    with pytest.raises(RuntimeError, match="theirs"), file_lock(path, b"me", check=refuse):
        pass
    assert path.read_bytes() == b"theirs"


def test_a_file_removed_by_hand_between_opening_and_locking_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real, removed = tmp_path / "a.lock", locks._is_still, []

    def removing(file: object, path: Path) -> bool:
        if not removed:
            path.unlink()
            removed.append(path)
        return real(file, path)  # type: ignore[arg-type]

    monkeypatch.setattr(locks, "_is_still", removing)
    with file_lock(path, b"me"):
        assert path.read_bytes() == b"me"
