"""Rows of docs/faults.md that no other test holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from augrgb.core.errors import InputRefused
from augrgb.core.files import write_json
from augrgb.detection.prediction_files import kind_of
from augrgb.server.app import create_app
from augrgb.training import RunFolder, fit
from augrgb.video.probe import probe
from support import toy_training as toy
from support.server_client import make_settings
from support.video_samples import numbered_frames, write_video


def test_v16_a_codec_that_nobody_knows(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(5, 32, 32))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzq"))
    with pytest.raises(InputRefused, match=r"E-VID-004 .*no decoder"):
        probe(path)


def test_f16_hdf5_is_named_as_a_kind_that_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "scores.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    with pytest.raises(InputRefused, match=r"E-DET-010 .*scores.h5"):
        kind_of(tmp_path / "scores.h5")


def test_s05_a_file_is_synced_before_it_is_named_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append("sync folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "sync file")
        fsync(descriptor)

    def renamed(source: Path, target: Path) -> None:
        done.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write_json(tmp_path / "a.json", {"a": 1})
    assert done == ["sync file", "rename", "sync folder"]


def test_s16_a_clock_that_jumps_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(toy.FIT, accelerator="cpu", steps=6)
    fit(toy.toy_task(), RunFolder(tmp_path / "steady"), settings)
    jumps = iter(range(10**9, 0, -(10**6)))
    monkeypatch.setattr(time, "time", lambda: float(next(jumps)))  # back towards 1970, whenever it is asked
    fit(toy.toy_task(), RunFolder(tmp_path / "jumping"), settings)
    for name in ("model.safetensors", "metrics.jsonl", "result.json"):
        assert (tmp_path / "steady" / name).read_bytes() == (tmp_path / "jumping" / name).read_bytes()


def run_python(code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, env=environment, timeout=300, check=False)


def test_s22_nothing_asks_for_the_network(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", numbered_frames(5, 32, 32))
    (tmp_path / "x.csv").write_text("video,label,start,end\na,walk,0,0.2\n")
    code = (
        "import socket, sys\n"
        "def refuse(*_, **__): raise SystemExit('asked for the network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from augrgb.cli.main import main\n"
        "main(['data', 'check', sys.argv[1], '--videos', sys.argv[2]])\n"
    )
    done = run_python(code, str(tmp_path / "x.csv"), str(tmp_path))
    assert b"asked for the network" not in done.stderr and done.returncode in (0, 3), done.stderr


def test_s22_onnxruntime_sends_nothing_and_marks_no_machine(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    code = (
        "import pathlib, sys\n"
        "from augrgb.core.onnx_runtime import import_onnxruntime\n"
        "import_onnxruntime(pathlib.Path('x'), 'this needs', 'pose').SessionOptions()\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment.update(HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("*"))


def test_s23_names_are_escaped_where_the_locale_has_no_such_letters(tmp_path: Path) -> None:
    path = tmp_path / "é中\x1b[31m.csv"
    path.write_text("video,label,start,end\né,läuft,5,1\n", encoding="utf-8")
    code = "import sys; from augrgb.cli.main import main; main(['data', 'check', sys.argv[1]])"
    done = run_python(code, str(path), LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    said = done.stdout + done.stderr
    assert b"Traceback" not in said and b"\x1b[31m." not in said and done.returncode in (0, 2, 3), said


def test_w09_no_address_keeps_a_connection_open(tmp_path: Path) -> None:
    kinds = {type(route).__name__ for route in create_app(make_settings(tmp_path)).routes}
    assert not any("WebSocket" in kind for kind in kinds)
