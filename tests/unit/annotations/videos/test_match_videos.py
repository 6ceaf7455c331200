"""`data init` and `data check` with real videos: small ones made here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.dataset_file import load_dataset
from augrgb.annotations.read import Source
from augrgb.annotations.videos.match_videos import constant_rate, look_at
from augrgb.core.errors import AugrgbError, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Event
from augrgb.features.store import write_features
from augrgb.recipe import EncoderRecipe, StreamRecipe, load_recipe
from augrgb.video.folder import find_videos
from augrgb.workflows.check import check_data
from augrgb.workflows.init import init_dataset
from support.video_samples import numbered_frames, write_video

FRAMES = numbered_frames(20, 32, 32)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Six videos of 2 s at 10 fps, differing in bytes."""
    folder = tmp_path_factory.mktemp("data") / "videos"
    folder.mkdir()
    for number in range(6):
        write_video(folder / f"P0{number + 1}T01C01.mp4", np.roll(FRAMES, number, 0), fps=10)
    return folder


def csv_of(folder: Any, *rows: Any) -> Any:
    path = folder / "events.csv"
    path.write_text("video,label,start,end\n" + "".join(f"{row}\n" for row in rows))
    return path


def link(videos: Any, folder: Any, *names: Any) -> Any:
    """A folder with some of the videos of its own, so that outputs do not mix."""
    (folder / "videos").mkdir()
    for name in names or sorted(path.name for path in videos.iterdir()):
        (folder / "videos" / name).write_bytes((videos / name).read_bytes())
    return folder / "videos"


def kinds(report: Any) -> Any:
    return {(finding.code, finding.action) for finding in report.findings}


def test_init_from_csv_writes_dataset_recipes_and_a_log(videos: Any, tmp_path: Path) -> None:
    mine = link(videos, tmp_path)
    before = {path: path.read_bytes() for path in mine.iterdir()}
    rows = [f"P0{n}T01C01.mp4,walk,0.2,{1.5 + 0.2 * n}" for n in range(1, 6)] + ["P01T01C01.mp4,sit,1.5,1.2"]
    annotations = csv_of(tmp_path, *rows)
    report = init_dataset(mine, annotations, tmp_path)
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("walk",) and len(dataset.videos) == 6
    roles = dataset.splits["random"]
    assert sorted(map(len, (roles["train"], roles["val"], roles["test"]))) == [1, 1, 3]
    assert roles["unlabelled"] == ("P06T01C01",) and dataset.videos["P06T01C01"].events is None
    assert dataset.videos["P05T01C01"].events[0].end_s == 2.0 and dataset.videos["P05T01C01"].fps == 10.0
    log = [json.loads(line) for line in report.repairs.read_text().splitlines()]
    assert report.repairs == tmp_path / "repairs.jsonl"
    assert sorted((row["code"], row["action"], row["video"]) for row in log) == [
        ("E-ANN-011", "clipped", "P03T01C01"),
        ("E-ANN-011", "clipped", "P04T01C01"),
        ("E-ANN-011", "clipped", "P05T01C01"),
        ("E-ANN-014", "dropped", "P01T01C01"),
    ]
    assert load_recipe(tmp_path / "recipe.yaml", StreamRecipe).data.split == "random"
    assert load_recipe(tmp_path / "encoder.yaml", EncoderRecipe).clock.stride in (4, 8, 16)
    assert {path: path.read_bytes() for path in mine.iterdir()} == before
    first = (tmp_path / "dataset.json").read_bytes()
    init_dataset(mine, annotations, tmp_path)
    assert (tmp_path / "dataset.json").read_bytes() == first


def tsu_csvs(tmp_path: Path, frames: Any = 20) -> Any:
    folder = tmp_path / "Annotation"
    folder.mkdir()
    for number in range(1, 7):
        (folder / f"P0{number}T01C01.csv").write_text(f"event,start_frame,end_frame\nwalk,0,{frames}\nsit,5,10\n")
    return folder


def test_init_proves_the_frame_rate_and_keeps_official_splits(videos: Any, tmp_path: Path) -> None:
    mine = link(videos, tmp_path)
    report = init_dataset(mine, tsu_csvs(tmp_path), tmp_path)
    dataset = report.dataset
    assert dataset.videos["P01T01C01"].events[0].end_s == 2.0 and dataset.videos["P01T01C01"].subject == "P01"
    roles = dataset.splits["cross_subject"]
    assert roles["test"] == ("P01T01C01", "P02T01C01", "P05T01C01")
    assert set(roles["train"]) | set(roles["val"]) == {"P03T01C01", "P04T01C01", "P06T01C01"}
    assert report.repairs is None and not (tmp_path / "repairs.jsonl").exists()


def test_a12_a_declared_rate_that_is_not_the_videos_is_refused(videos: Any, tmp_path: Path) -> None:
    folder = tsu_csvs(tmp_path)
    report = check_data(Source(folder, options={"fps": 30.0}, videos=videos))
    assert ("E-ANN-038", "refused") in kinds(report) and not report.usable
    assert "declared 30, the video has 10 frames" in next(f.detail for f in report.findings if f.code == "E-ANN-038")
    assert check_data(Source(folder, options={"fps": 10.001}, videos=videos)).readable
    with pytest.raises(AugrgbError, match="E-ANN-038"):
        init_dataset(videos, Source(folder, options={"fps": 30.0}), videos.parent)


def test_a12_frame_numbers_of_a_variable_rate_are_refused(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    times = [0.1 * i if i < 10 else 1.0 + 0.25 * (i - 10) for i in range(20)]
    path = write_video(tmp_path / "videos" / "P01T01C01.mp4", FRAMES, times_s=times)
    with pytest.raises(AugrgbError, match=r"E-ANN-037.*variable frame rate"):
        constant_rate(path)
    folder = tsu_csvs(tmp_path)
    for name in sorted(folder.iterdir())[1:]:
        name.unlink()
    for options in ({}, {"fps": 10.0}):
        report = check_data(Source(folder, options=options, videos=tmp_path / "videos"))
        assert ("E-ANN-037", "refused") in kinds(report)


def test_a_measured_rate_is_exact(videos: Any) -> None:
    assert constant_rate(next(videos.iterdir())) == pytest.approx(10.0, rel=1e-6)


def test_a11_annotated_videos_that_are_not_there(videos: Any, tmp_path: Path) -> None:
    mine = link(videos, tmp_path)
    rows = [f"P0{n}T01C01,walk,0,1" for n in range(1, 7)] + ["P07T01C01,walk,0,1"]
    annotations = csv_of(tmp_path, *rows)
    with pytest.raises(AugrgbError, match=r"E-ID-004 'P07T01C01'.*did you mean"):
        init_dataset(mine, annotations, tmp_path)
    assert len(init_dataset(mine, annotations, tmp_path, allow_missing=1).dataset.videos) == 6


def test_bad_videos_are_left_out_and_told(videos: Any, tmp_path: Path) -> None:
    mine = link(videos, tmp_path)
    (mine / "P06T01C01.mp4").write_text("<html>not found</html>")
    annotations = csv_of(tmp_path, *(f"P0{n}T01C01,walk,0,1" for n in range(1, 7)))
    report = init_dataset(mine, annotations, tmp_path)
    assert len(report.dataset.videos) == 5 and "P06T01C01" in report.refused[0]
    assert ("E-VID-001", "refused") in kinds(check_data(Source(annotations, videos=mine)))


def test_the_same_video_under_two_names(videos: Any, tmp_path: Path) -> None:
    mine = link(videos, tmp_path)
    (mine / "copy.mp4").write_bytes((mine / "P01T01C01.mp4").read_bytes())
    annotations = csv_of(tmp_path, *(f"P0{n}T01C01,walk,0,1" for n in range(1, 7)))
    assert ("E-VID-018", "refused") in kinds(check_data(Source(annotations, videos=mine)))
    (mine / "deep").mkdir()
    (mine / "deep" / "P01T01C01.avi").write_bytes(b"")
    assert {"P01T01C01", "deep/P01T01C01"} < find_videos(mine).keys()
    (mine / "P01T01C01.avi").write_bytes(b"")
    with pytest.raises(AugrgbError, match="E-ID-005"):
        find_videos(mine)
    (mine / "deep" / "P01T01C01.avi").rename(mine / "deep" / "p02t01c01.avi")
    with pytest.raises(AugrgbError, match="E-ID-002"):
        find_videos(mine)


def test_one_video_named_in_two_ways(videos: Any, tmp_path: Path) -> None:
    annotations = csv_of(tmp_path, "P01T01C01,walk,0,1", "P01T01C01.mp4,walk,1,2")
    report = check_data(Source(annotations, videos=videos))
    assert report.annotations is not None
    assert report.annotations.videos["P01T01C01"].events == (Event("walk", 0, 1), Event("walk", 1, 2))
    assert ("E-ID-007", "noted") in kinds(report) and report.readable
    assert look_at(find_videos(videos)).id_of("videos/P01T01C01.MP4") == "P01T01C01"


def test_init_refuses_senseless_shares_and_folders(videos: Any, tmp_path: Path) -> None:
    annotations = csv_of(tmp_path, "P01T01C01,walk,0,1", "P02T01C01,walk,0,1")
    with pytest.raises(UsageFault, match="shares"):
        init_dataset(videos, annotations, videos, test_share=1.0)
    with pytest.raises(UsageFault, match="a folder above"):
        init_dataset(videos, annotations, tmp_path)
    with pytest.raises(AugrgbError, match="2 labelled videos; at least 3"):
        init_dataset(videos, annotations, videos.parent)


def test_features_are_checked(videos: Any, tmp_path: Path) -> None:
    annotations = csv_of(tmp_path, *(f"P0{n}T01C01,walk,0,1" for n in range(1, 7)))
    clock, rng = Clock(10, 2, 2), np.random.default_rng(0)
    rgb, flow = tmp_path / "rgb", tmp_path / "flow"
    for number in range(1, 6):
        values = rng.normal(size=(10, 4)).astype(np.float32)
        write_features(rgb, f"P0{number}T01C01", values, clock, {"recipe": 1})
        write_features(flow, f"P0{number}T01C01", values[: 7 if number == 2 else 9], clock, {"recipe": 1})
    write_features(rgb, "P01T01C01", np.ones((10, 4), np.float32), clock, {"recipe": 1})
    write_features(rgb, "P04T01C01", rng.normal(size=(40, 4)), clock, {"recipe": 1})
    damaged = rgb / "P05T01C01.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-4])
    report = check_data(Source(annotations, videos=videos), features=[rgb, flow])
    found = {(f.code, f.where) for f in report.findings if f.code.startswith("E-FEA")}
    assert ("E-FEA-002", "P06T01C01") in found  # missing
    assert ("E-FEA-007", "P05T01C01") in found  # cut off
    assert ("E-FEA-011", "P01T01C01") in found  # constant
    assert ("E-FEA-012", "refused") in kinds(report)
    assert ("E-FEA-012", "P04T01C01") in found  # 8 s of features of a 2 s video
    assert ("E-FEA-028", "P02T01C01") in found and ("E-FEA-028", "P03T01C01") not in found  # 3 against 1 snippet
    nowhere = check_data(Source(annotations), features=[tmp_path / "nowhere"])
    assert ("E-FEA-002", "refused") in kinds(nowhere)


def test_npy_features_need_a_clock(tmp_path: Path) -> None:
    annotations = csv_of(tmp_path, "v,walk,0,1")
    (tmp_path / "npy").mkdir()
    np.save(tmp_path / "npy" / "v.npy", np.full((4, 3), np.nan))
    assert ("E-FEA-020", "refused") in kinds(check_data(Source(annotations), features=[tmp_path / "npy"]))
    report = check_data(Source(annotations), features=[tmp_path / "npy"], clock=Clock(25, 16, 8))
    assert ("E-FEA-005", "refused") in kinds(report)
    np.save(tmp_path / "npy" / "v.npy", np.array([{}], dtype=object), allow_pickle=True)
    report = check_data(Source(annotations), features=[tmp_path / "npy"], clock=Clock(25, 16, 8))
    assert {"E-FILE-013"} <= {finding.code for finding in report.findings}


def test_a_source_without_videos_can_be_given_them(videos: Any, tmp_path: Path) -> None:
    source = Source(csv_of(tmp_path, "P01T01C01,walk,0,9"))
    assert check_data(source).findings == ()
    assert ("E-ANN-010", "clipped") in kinds(check_data(replace(source, videos=videos)))
