"""Pose and sensor files: found by their names, and as long as their videos before anything is trained."""

from pathlib import Path

import numpy as np
import pytest

from augrgb.annotations.read import Source
from augrgb.core.errors import AugrgbError, FaultList, InputRefused
from augrgb.core.types import Dataset, VideoRecord
from augrgb.features.frame_cache import cache_frames
from augrgb.workflows.check import CheckReport, check_data
from augrgb.workflows.init import init_dataset
from support.video_samples import numbered_frames, write_video


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four videos of 4 s at 10 frames per second, `a1` to `a4`, and a table of their events."""
    folder = tmp_path_factory.mktemp("own") / "home"
    (folder / "videos").mkdir(parents=True)
    for number in range(1, 5):
        write_video(folder / f"videos/a{number}.mp4", np.roll(numbered_frames(40, 32, 32), number, 0), fps=10)
    rows = "".join(f"a{number},walk,0,1\n" for number in range(1, 5))
    (folder / "events.csv").write_text(f"video,label,start,end\n{rows}")
    return folder


def poses(path: Path, *, count: int = 40, fps: float = 10.0, units: str = "meters") -> Path:
    joints = np.random.default_rng(0).normal(size=(count, 3, 3 if units == "meters" else 2)).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    names, parents = np.array(["hip", "neck", "head"]), np.array([-1, 0, 1])
    np.savez(path, joints=joints, fps=fps, names=names, parents=parents, units=units)
    return path


def signal(path: Path, *, count: int = 40, fps: float = 10.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, values=np.ones((count, 2), np.float32), fps=fps)
    return path


def grid(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, values=np.ones((40, 4, 4), np.float32), fps=10.0)
    return path


def checked(home: Path, **folders: Path) -> CheckReport:
    return check_data(Source(home / "events.csv", videos=home / "videos"), **folders)  # type: ignore[arg-type]


@pytest.mark.parametrize("named", ["v_a{}", "a{}_kinect", "rgb_a{}", "cam/a{}", "a{}.mp4"])
@pytest.mark.parametrize("kind", ["poses", "signal", "grid"])
def test_files_are_matched_by_one_affix_or_folder(home: Path, tmp_path: Path, named: str, kind: str) -> None:
    folder = home / f"{kind}-{named.replace('/', '-')}"
    for number in range(1, 5):
        {"poses": poses, "signal": signal, "grid": grid}[kind](folder / f"{named.format(number)}.npz")
    report = init_dataset(home / "videos", home / "events.csv", home, **{kind: folder})  # type: ignore[arg-type]
    for number in range(1, 5):
        assert getattr(report.dataset.videos[f"a{number}"], kind) == folder / f"{named.format(number)}.npz"
    assert checked(home, **{kind: folder}).usable


def test_files_of_other_videos_are_none(home: Path, tmp_path: Path) -> None:
    poses(home / "strange/other.npz")
    with pytest.raises(InputRefused, match=r"E-VID-008.*named like one of the videos.*a1\.npz"):
        init_dataset(home / "videos", home / "events.csv", home, poses=home / "strange")
    assert {f.code for f in checked(home, poses=home / "strange").findings if f.action == "refused"} == {"E-VID-008"}


@pytest.mark.parametrize(
    ("kind", "code", "bad"),
    [
        ("poses", "E-POS-021", {"fps": 25.0}),
        ("poses", "E-POS-021", {"count": 100}),
        ("signal", "E-SEN-005", {"fps": 25.0}),
        ("signal", "E-SEN-005", {"count": 20}),
    ],
)
def test_lengths_must_agree(home: Path, tmp_path: Path, kind: str, code: str, bad: dict[str, float]) -> None:
    """`check`, `init`, `check` of the dataset, and the decoding that training starts with: all say the same."""
    write = {"poses": poses, "signal": signal}[kind]
    folder = home / f"{kind}-{code}-{'-'.join(map(str, bad.items()))}"
    files = [write(folder / f"a{number}.npz", **(bad if number == 3 else {})) for number in range(1, 5)]  # type: ignore[arg-type]
    report = checked(home, **{kind: folder})
    (found,) = (finding for finding in report.findings if finding.action == "refused")
    assert found.code == code and "a3.npz" in found.where and not report.usable
    with pytest.raises(AugrgbError, match=code):
        init_dataset(home / "videos", home / "events.csv", home, **{kind: folder})  # type: ignore[arg-type]
    record = VideoRecord("a3", 4.0, file=home / "videos/a3.mp4", **{kind: files[2]})  # type: ignore[arg-type]
    modality = "pose" if kind == "poses" else kind
    with pytest.raises(AugrgbError, match=code):
        cache_frames(Dataset("d", ("walk",), {"a3": record}), None, [modality], tmp_path / "frames", workers=0)


def test_the_files_of_a_dataset_are_checked(home: Path) -> None:
    folder = home / "good"
    for number in range(1, 5):
        poses(folder / f"a{number}.npz", units="picture_heights")  # as files were called before the first release
    init_dataset(home / "videos", home / "events.csv", home, poses=folder)
    assert check_data(Source(home)).usable
    poses(folder / "a2.npz", count=10)
    (folder / "a4.npz").write_bytes(b"PK")
    refused = [finding for finding in check_data(Source(home)).findings if finding.action == "refused"]
    assert {(finding.code, Path(finding.where).name) for finding in refused} == {
        ("E-POS-021", "a2.npz"),
        ("E-POS-001", "a4.npz"),
    }
    with pytest.raises((InputRefused, FaultList)):
        init_dataset(home / "videos", home / "events.csv", home, poses=folder)
