import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from augrgb.annotations.choose_format import read_annotations
from augrgb.annotations.class_map import read_class_map
from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.annotations.format_options import parse_options
from augrgb.annotations.read import Source
from augrgb.cli.app import app
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.workflows.convert import convert, writers
from support.video_samples import square_frames, write_video


@pytest.fixture
def source(tmp_path: Path) -> Any:
    path = tmp_path / "in.json"
    videos = {
        "a": {"subset": "training", "duration": 9.5, "actions": [[0, 0.5, 10.0], [1, 3, 2]]},
        "b": {"subset": "testing", "duration": 4.0, "actions": [[1, 1.0, 2.0]]},
    }
    path.write_text(json.dumps(videos))
    return path


def test_every_writer_writes_and_the_repairs_are_logged(source: Any, tmp_path: Path) -> None:
    for name in writers():
        target = (
            tmp_path / "out" / name / "x.json" if "json" in name or name == "activitynet" else tmp_path / "out" / name
        )
        options = {"fps": 10.0} if name == "frame-wise" else {}  # its rows are frames
        report = convert(Source(source), target, target_format=name, target_options=options)
        assert report.files and all(path.is_file() for path in report.files)
        rows = [json.loads(line) for line in report.repairs.read_text().splitlines()]
        assert [row["code"] for row in rows] == ["E-ANN-011", "E-ANN-014"]
        assert report.repairs.name == ("repairs.jsonl" if target.is_dir() else f"{target.stem}.repairs.jsonl")
    dataset = load_dataset(tmp_path / "out" / "augrgb")
    assert dataset.videos["a"].events == (Event("c000", 0.5, 9.5),)
    assert dataset.splits["given"] == {"train": ("a",), "test": ("b",)}


def test_through_our_dataset_and_back(source: Any, tmp_path: Path) -> None:
    convert(Source(source), tmp_path / "dataset", target_format="augrgb")
    convert(Source(tmp_path / "dataset"), tmp_path / "back.csv")
    found = read_annotations(tmp_path / "back.csv").videos
    assert found["a"].events == (Event("c000", 0.5, 9.5),) and found["b"].duration_s == 4.0


def test_the_source_is_never_written_over(source: Any, tmp_path: Path) -> None:
    before = source.read_bytes()
    for target in (source, tmp_path):
        with pytest.raises(UsageFault, match="write over the source"):
            convert(Source(source), target, target_format="activitynet")
    assert source.read_bytes() == before


def test_the_target_format_must_be_clear(source: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"E-CFG-020.*--to.*charades-json"):
        convert(Source(source), tmp_path / "x.json")
    with pytest.raises(UsageFault, match=r"E-CFG-020"):
        convert(Source(source), tmp_path / "x.xlsx")
    with pytest.raises(UsageFault, match="E-ANN-008"):
        convert(Source(source), tmp_path / "x.xml", target_format="cvat", target_options={"fps": 25.0})
    with pytest.raises(UsageFault, match=r"one file per video, and there are 2"):
        convert(Source(source), tmp_path / "x.vtt")
    assert convert(Source(source, only="testing"), tmp_path / "x.vtt").files == (tmp_path / "x.vtt",)


def test_a_file_that_is_refused_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("video,label,start,end\nv,walk,0,1\nv,Walk,1,2\n../v,walk,nan,2\n")
    with pytest.raises(AugrgbError) as caught:
        convert(Source(path), tmp_path / "y.json", target_format="activitynet")
    assert all(code in str(caught.value) for code in ("E-ANN-032", "E-ID-003", "E-ANN-002"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.csv"]


def test_durations_that_a_format_needs(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("video,label,start,end\nv,walk,0,1\n")
    for name in ("augrgb", "charades-json"):
        with pytest.raises(InputRefused, match="E-ANN-024"):
            convert(Source(path), tmp_path / "out", target_format=name)


def test_options_and_maps(tmp_path: Path) -> None:
    assert parse_options(["fps=25", "tiers=[a, b]", "x=", "y=a=b"]) == {
        "fps": 25,
        "tiers": ["a", "b"],
        "x": None,
        "y": "a=b",
    }
    with pytest.raises(UsageFault, match="KEY=VALUE"):
        parse_options(["fps"])
    (tmp_path / "map.yaml").write_text("old name: new\n3: sit\nnoise: null\n")
    assert read_class_map(tmp_path / "map.yaml") == {"old name": "new", "3": "sit", "noise": None}
    (tmp_path / "map.yaml").write_text("- a\n")
    with pytest.raises(UsageFault, match="E-CFG-025"):
        read_class_map(tmp_path / "map.yaml")


def run(*words: Any) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_commands_check_stats_convert_and_formats(source: Any, tmp_path: Path) -> None:
    result = run("data", "check", source)
    assert result.exit_code == 0 and "E-ANN-014" in result.output
    result = run("data", "stats", source, "--out", tmp_path / "s.html")
    assert result.exit_code == 0 and "c000" in result.output and (tmp_path / "s.html").stat().st_size > 10_000
    (tmp_path / "map.yaml").write_text("c000: walk\nc001: sit\n")
    result = run(
        "data", "convert", source, "-o", tmp_path / "o.csv", "--from", "charades-json", "--map", tmp_path / "map.yaml"
    )
    assert result.exit_code == 0 and "walk" in (tmp_path / "o.csv").read_text()
    assert "label-studio" in run("list", "annotation_formats").output


def test_commands_refuse_clearly(source: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("video,label,start,end\nv,walk,0,nan\n")
    result = run("data", "check", bad)
    assert isinstance(result.exception, InputRefused) and "E-ANN-002" in result.output
    assert isinstance(run("data", "check", source, "--set", "fps").exception, UsageFault)
    assert isinstance(run("data", "check", source, "--clock", "25").exception, UsageFault)
    assert isinstance(run("data", "stats", source, "-o", "x.pdf").exception, UsageFault)
    assert isinstance(run("init", tmp_path, source, "--role-of", "a=trian").exception, UsageFault)


def test_a_dataset_written_as_a_dataset_loses_nothing(tmp_path: Path) -> None:
    here = tmp_path.resolve() / "here"
    for name in ("videos/a.mp4", "poses/a.npz"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(name.encode())
    video = VideoRecord(
        "a",
        10.0,
        here / "videos/a.mp4",
        here / "poses/a.npz",
        (Event("walk", 1.0, 2.0),),
        25.0,
        "S1",
        "C2",
        (Event("unclear", 3.0, 4.0),),
        "fold 1",
    )
    save_dataset(Dataset("d", ("walk",), {"a": video}, {"s": {"train": ("a",)}}), here)
    for target in (tmp_path / "there", here / "videos"):
        convert(Source(here), target, target_format="augrgb")
        found = load_dataset(target)
        assert found.classes == ("walk",) and found.splits["s"]["train"] == ("a",)
        copy = found.videos["a"]
        assert replace(copy, file=video.file, poses=video.poses) == video
        assert copy.file.samefile(video.file) and copy.poses.samefile(video.poses)
    convert(Source(here), tmp_path / "there", target_format="augrgb")  # the links are there already
    (tmp_path / "taken/videos").mkdir(parents=True)
    (tmp_path / "taken/videos/a.mp4").write_bytes(b"another video")
    with pytest.raises(InputRefused, match=r"E-ID-003 .*cannot be hard-linked"):
        convert(Source(here), tmp_path / "taken", target_format="augrgb")
    assert (tmp_path / "taken/videos/a.mp4").read_bytes() == b"another video"


def test_frames_are_counted_at_the_rate_of_the_videos(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for name, fps in (("a", 10), ("b", 20)):
        write_video(tmp_path / "videos" / f"{name}.mp4", square_frames(20 + fps), fps=fps)
    (tmp_path / "e.csv").write_text("video,label,start,end\na,walk,0.5,1\nb,walk,0.5,1\n")
    convert(Source(tmp_path / "e.csv", videos=tmp_path / "videos"), tmp_path / "out", target_format="frame-wise")
    counts = {path.stem: path.read_text().split().count("walk") for path in (tmp_path / "out").rglob("[ab].txt")}
    assert counts == {"a": 5, "b": 10}
