"""What is no file in a folder that is searched: never read, never waited for, and said in one line with a count."""

from __future__ import annotations

import ast
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import augrgb
from augrgb.annotations.choose_format import detect_format
from augrgb.annotations.formats import FORMATS
from augrgb.annotations.formats.frame_wise import FrameWise
from augrgb.annotations.reading.text_files import files_below
from augrgb.core.errors import AugrgbError
from augrgb.core.searching import CODE, files_in, search
from augrgb.core.timeline import Clock
from augrgb.detection.frame_label_files import is_frame_labels
from augrgb.detection.prediction_files import read_predictions
from augrgb.detection.readers import is_thumos, read_pku
from augrgb.features.frame_folder import FrameFolder, FrameSettings
from augrgb.features.npy_folder import NpyFolder
from augrgb.features.quarantine import FOLDER, Quarantine
from augrgb.features.store import FeatureStore
from augrgb.pipelines.info.datasets import npy_features
from augrgb.poses.convert import find_skeletons
from augrgb.poses.formats.openpose import frame_files
from augrgb.video.folder import find_videos, name_videos
from augrgb.watching.spool import Spool
from augrgb.workflows.own_files import own_files
from augrgb.world.given_motion import load_bvh_motion
from support.server_client import FakeDetector, serving
from support.tiny_project import run_cli
from support.video_samples import square_frames, write_video

SPECIAL = 6


def fill(folder: Path, suffix: str, name: str = "{}") -> Path:
    """A folder with one file and everything that only looks like one."""
    folder.mkdir(parents=True, exist_ok=True)

    def called(word: str) -> Path:
        return folder / (name.format(word) + suffix)

    called("a").write_bytes(b"0 1 2\n")
    os.mkfifo(called("pipe"))
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.open(folder, os.O_RDONLY)  # the path of a socket may have 108 bytes
        sock.bind(f"/proc/self/fd/{here}/{called('sock').name}")
        os.close(here)
    os.symlink("/dev/zero", called("device"))
    os.symlink("nowhere", called("broken"))
    os.symlink(called("loop").name, called("loop"))
    called("inner").mkdir()
    return folder


def read_any(format_name: str) -> Callable[[Path], Any]:
    return lambda folder: FORMATS[format_name].sniff(folder)


def read_frames(folder: Path) -> object:
    return FrameFolder.create(folder.parent, FrameSettings(15, (64, 48))).ids(folder.name)


def serve(folder: Path) -> None:
    with serving(folder.parent / "server", FakeDetector(), videos=folder):
        time.sleep(0.5)  # the worker lists the folder


CLOCK = Clock(15, 8, 8)
PLACES: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "annotations/choose_format": (".csv", "{}", detect_format),
    "annotations/reading/text_files": (".csv", "{}", lambda folder: files_below(folder, ".csv")),
    "annotations/formats/charades_csv": (".csv", "{}_train", lambda f: FORMATS["charades-csv"]().read(f)),
    "annotations/formats/epic_kitchens": (".csv", "{}", read_any("epic-kitchens")),
    "annotations/formats/frame_wise": (".txt", "{}", FrameWise.sniff),
    "annotations/formats/pku_mmd": (".txt", "{}", read_any("pku-mmd")),
    "annotations/formats/thumos_txt": (".txt", "{}", read_any("thumos-txt")),
    "detection/frame_label_files": (".txt", "{}", is_frame_labels),
    "detection/prediction_files": (".npz", "{}", lambda folder: read_predictions(folder, ("x",), {})),
    "detection/readers": (".txt", "{}", lambda folder: read_pku(folder, {1: "x"})),
    "detection/readers thumos": (".txt", "{}", is_thumos),
    "features/frame_folder": (".npy", "{}", read_frames),
    "features/npy_folder": (".npy", "{}", lambda folder: NpyFolder(folder, CLOCK).ids()),
    "features/store": (".safetensors", "{}", FeatureStore),
    "features/quarantine": (".json", "{}", lambda folder: list(Quarantine(folder.parent, "").entries())),
    "pipelines/info/datasets": (".npy", "{}", npy_features),
    "poses/convert": (".skeleton", "{}", lambda folder: find_skeletons([folder])),
    "poses/formats/openpose": ("_keypoints.json", "v_{}", lambda f: frame_files(f / "v_000000_keypoints.json")),
    "server/service": (".mp4", "{}", serve),
    "video/folder": (".mp4", "{}", find_videos),
    "video/folder named": (".mp4", "{}", lambda folder: name_videos([folder])),
    "watching/spool": (".message.json", "{}", Spool),
    "workflows/own_files": (".npz", "{}", lambda folder: own_files(folder, ["a"])),
    "world/given_motion": (".bvh", "{}", load_bvh_motion),
}
ELSEWHERE = {
    "annotations/formats/cvat_backup": "an unpacked backup, searched before by annotations/choose_format",
    "features/check": "opens a FeatureStore or an NpyFolder",
    "workflows/detect": "lists the files of a model, whose reading tells what is no file",
    "workflows/extract": "its own output folder, which is opened as a FeatureStore",
}


def named(number: int) -> str:
    return f"{number:012d}"


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_file_is_said_with_a_count(place: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    suffix, name, read = PLACES[place]
    words = {"a": "0", "pipe": "1", "sock": "2", "device": "3", "broken": "4", "loop": "5", "inner": "6"}
    folder = tmp_path / (FOLDER if place == "features/quarantine" else "rgb" if "frame_folder" in place else "in")
    fill(folder, suffix, name)
    if place in ("watching/spool", "poses/formats/openpose"):  # names are numbers there
        for word, digit in words.items():
            old, number = folder / (name.format(word) + suffix), digit.zfill(12 if "spool" in place else 6)
            os.rename(old, folder / (name.format(number) + suffix))
        loop = folder / (name.format(words["loop"].zfill(12 if "spool" in place else 6)) + suffix)
        loop.unlink()
        loop.symlink_to(loop.name)
    with caplog.at_level(logging.WARNING), suppress(AugrgbError, StopIteration):
        read(folder)
    told = {record.getMessage() for record in caplog.records if record.getMessage().startswith(CODE)}
    assert len(told) == 1, caplog.text
    assert f"{SPECIAL} entries are no regular files and were left out" in told.pop()


def test_every_module_that_searches_is_tried_here() -> None:
    source = Path(augrgb.__file__).parent
    found = set()
    for path in source.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        if any(isinstance(n, ast.ImportFrom) and n.module == "augrgb.core.searching" for n in ast.walk(tree)):
            found.add(path.relative_to(source).with_suffix("").as_posix())
    assert found == {place.split(" ")[0] for place in PLACES} | ELSEWHERE.keys()


def test_kinds_are_named(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", ".mp4")
    (folder / "deeper").mkdir()
    os.mkfifo(folder / "deeper" / "x.MP4")
    os.symlink(folder, folder / "elsewhere")
    found = search(folder, lambda name: name.lower().endswith(".mp4"), deep=True)
    kinds = {one.path.relative_to(folder).as_posix(): one.kind for one in found.skipped}
    assert kinds == {
        "pipe.mp4": "a named pipe",
        "sock.mp4": "a socket",
        "device.mp4": "a link to a device",
        "broken.mp4": "a broken link",
        "loop.mp4": "a link that leads to itself",
        "inner.mp4": "a folder",
        "deeper/x.MP4": "a named pipe",
        "elsewhere": "a link to a folder",
    }
    assert [path.name for path in found.files] == ["a.mp4"]
    assert files_in(tmp_path / "absent") == [] and files_in(folder / "a.mp4") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "in" / "closed").mkdir(parents=True, mode=0)
    assert [one.kind for one in search(tmp_path / "in", lambda name: True, deep=True).skipped]
    with pytest.raises(AugrgbError, match="E-FILE-008"):
        files_in(tmp_path / "in" / "closed")


def test_a_command_says_it_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = fill(tmp_path / "in", ".mp4")
    (folder / "a.mp4").unlink()
    write_video(folder / "b.mp4", square_frames(8))
    (tmp_path / "e.csv").write_text("video,label,start,end\nb,walk,0,0.2\n")
    outcome = run_cli("data", "check", tmp_path / "e.csv", "--videos", folder)
    assert outcome.code in (0, 3), outcome.err
    assert sum(record.getMessage().startswith(CODE) for record in caplog.records) == 1
