"""Clips strung into streams on disk: frames and poses stand where the annotations say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from augrgb.annotations.clip_streams import StreamRules
from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.cli.app import app
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.poses.files import read_poses
from augrgb.video.decode import frames_by_time
from augrgb.video.probe import probe
from augrgb.workflows.concatenate import concatenate
from support.video_samples import number_of, numbered_frames, stick_motion, write_poses, write_video

FPS = 10


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Four clips of 8 to 11 frames; clip k is gray in its own range of levels; two have poses."""
    folder = tmp_path / "clips"
    folder.mkdir()
    records = {}
    for number in range(4):
        frames = numbered_frames(44)[11 * number : 11 * number + 8 + number]
        file = write_video(folder / f"c{number}.mp4", frames, fps=FPS)
        poses = write_poses(folder / f"c{number}.npz", stick_motion(8 + number, number)) if number < 2 else None
        events = (Event("walk" if number % 2 else "sit", 0.2, 0.7),)
        records[f"c{number}"] = VideoRecord(
            f"c{number}", (8 + number) / FPS, file=file.absolute(), poses=poses, events=events
        )
    split = {"train": ("c0", "c1"), "test": ("c2", "c3")}
    save_dataset(Dataset("clips", ("sit", "walk"), records, {"official": split}), folder)
    return folder


def test_frames_and_events_stand_where_they_should(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "streams"
    report = concatenate(clips, out, StreamRules(gap_s=(0.3, 0.8), seed=3), workers=0)
    assert (report.fps, report.size, report.clips) == (FPS, (64, 48), 4)
    dataset = load_dataset(out)
    assert dataset.splits["official"] == {"train": ("train-0",), "test": ("test-0",)}
    for name, record in dataset.videos.items():
        assert record.file is not None and record.duration_s is not None and record.events is not None
        assert probe(record.file).duration_s == pytest.approx(record.duration_s)
        numbers = [number_of(frame) for frame in frames_by_time(record.file, FPS, (64, 48))]
        assert len(numbers) == round(record.duration_s * FPS)
        for event in record.events:
            first = round(event.start_s * FPS)
            clip = numbers[first] // 11  # the event begins with frame 2 of its clip, and ends before its frame 7
            assert numbers[first : round(event.end_s * FPS)] == [11 * clip + k for k in range(2, 7)]
            assert event.label == ("walk" if clip % 2 else "sit")
        kinds = {number // 11 for number in numbers}
        assert kinds == ({0, 1} if name == "train-0" else {2, 3})  # gaps hold the frames beside them


def test_poses_stand_with_their_frames_and_nobody_is_seen_in_gaps(clips: Path, tmp_path: Path) -> None:
    concatenate(clips, tmp_path / "streams", StreamRules(gap_s=(0.5, 0.5)), workers=0)
    dataset = load_dataset(tmp_path / "streams")
    assert dataset.videos["test-0"].poses is None
    record = dataset.videos["train-0"]
    assert record.poses is not None and record.events is not None
    poses = read_poses(record.poses)
    assert len(poses.joints) == round((record.duration_s or 0) * FPS)
    seen = ~np.isnan(poses.joints).any(axis=(1, 2))
    assert seen.sum() == 8 + 9
    first = round(record.events[0].start_s * FPS) - 2
    number = 1 if record.events[0].label == "walk" else 0
    assert np.allclose(poses.joints[first : first + 8], stick_motion(8 + number, number)[:8])


def test_black_gaps(clips: Path, tmp_path: Path) -> None:
    concatenate(clips, tmp_path / "s", StreamRules(gap_s=(0.5, 0.5)), gap_image="black", workers=0)
    file = load_dataset(tmp_path / "s").videos["train-0"].file
    assert file is not None
    levels = [frame.mean() for frame in frames_by_time(file, FPS, (64, 48))]
    assert sum(level < 10 for level in levels) == 15  # before, between and after two clips


def test_an_interrupted_call_goes_on_and_ends_in_the_same_bytes(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    concatenate(clips, out, workers=0)
    files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "videos" / "test-0.mp4").unlink()
    (out / "dataset.json").unlink()
    kept = (out / "videos" / "train-0.mp4").stat().st_mtime_ns
    concatenate(clips, out, workers=0)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == files
    assert (out / "videos" / "train-0.mp4").stat().st_mtime_ns == kept


def test_what_is_refused(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="E-CFG-018"):
        concatenate(clips, clips, workers=0)
    concatenate(clips, tmp_path / "s", workers=0)
    with pytest.raises(InputRefused, match="E-ANN-046"):
        concatenate(clips, tmp_path / "s", StreamRules(seed=1), workers=0)
    with pytest.raises(UsageFault, match="even sides"):
        concatenate(clips, tmp_path / "odd", size=(63, 48), workers=0)
    wide = write_video(clips / "wide.mp4", numbered_frames(5, 96, 48), fps=FPS)
    dataset = load_dataset(clips)
    record = replace(dataset.videos["c0"], file=wide.absolute(), duration_s=0.5, events=(), poses=None)
    save_dataset(replace(dataset, videos={**dataset.videos, "c0": record}), clips)
    with pytest.raises(InputRefused, match="'c0' is 96 x 48"):
        concatenate(clips, tmp_path / "t", workers=0)
    assert concatenate(clips, tmp_path / "t", size=(32, 24), workers=0).size == (32, 24)


def test_skeletons_must_be_the_same(clips: Path, tmp_path: Path) -> None:
    names = np.array(["hips", "neck", "l_hip", "r_hip", "r_wrist"])
    write_poses(clips / "c1.npz", stick_motion(9), names=names)
    with pytest.raises(InputRefused, match="E-POS-006"):
        concatenate(clips, tmp_path / "s", workers=0)


def test_command(clips: Path, tmp_path: Path) -> None:
    arguments = ["data", "concatenate", str(clips), "-o", str(tmp_path / "s"), "--gap", "0.2", "--workers", "1"]
    result = CliRunner().invoke(app, [*arguments, "--clips", "1"])
    assert result.exit_code == 0, result.output
    assert "4 clips in 4 streams of 64 x 48 pixels at 10 frames per second" in result.output
    wrong = CliRunner().invoke(app, [*arguments, "--gap", "1,2,3"])
    assert isinstance(wrong.exception, UsageFault) and wrong.exception.code == "E-CFG-004"
