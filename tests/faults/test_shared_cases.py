"""Every input of `../shared/cases`, run as its owner would, with the values that are right."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.read import Judged, Source, read_and_judge
from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.core.types import VideoRecord
from augrgb.poses.formats import read_skeletons
from augrgb.poses.skeleton_format import ReadOptions
from augrgb.recipe.load import load_recipe
from augrgb.recipe.schema import StreamRecipe
from augrgb.workflows.check import check_data
from augrgb.workflows.convert import convert
from augrgb.workflows.dry_run_stream import dry_run_stream
from augrgb.workflows.evaluate_files import evaluate_files
from augrgb.workflows.init import init_dataset
from support.places import SHARED, needs_shared

CASES = SHARED / "cases"
pytestmark = needs_shared("cases")

Events = Mapping[str, Sequence[tuple[str, float, float]]]
FLASH = [("flash", 5.0, 6.0)]
KITCHEN = [("cut", 1.2, 3.4), ("pour", 4.0, 6.5)]


@dataclass(frozen=True)
class Right:
    """What a file holds.

    Args:
        events: Label, start and end in seconds, of each video.
        codes: Findings that must be there.
        not_codes: Findings that must not be there.
        options: Of the format, which the command asked for or names.
        videos: Whether the folder `videos` is given.
    """

    events: Events
    codes: tuple[str, ...] = ()
    not_codes: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    videos: bool = False


BREAKFAST = {"P03_cam01_milk": [("take_cup", 1.0, 3.0), ("pour_milk", 3.0, 6.0)]}
BOTH_MILKS = BREAKFAST | {"P04_cam01_milk": [("pour_milk", 10 / 15, 55 / 15), ("take_cup", 55 / 15, 85 / 15)]}
TO_10 = [("cook", 0.5, 10.0)]
TO_8 = [("cook", 0.0, 8.0)]

ANNOTATIONS: dict[str, Right] = {
    "via_checkbox/p.json": Right({"kitchen01": [("cut", 1, 3), ("cut", 4, 6), ("stir", 4, 6)]}),
    "video_after_audio/events.csv": Right(
        {f"clip0{n}": [("flash", 7, 8)] for n in (1, 2, 3)}, ("E-VID-022",), videos=True
    ),
    "video_after_audio/events.csv#player": Right(
        {f"clip0{n}": FLASH for n in (1, 2, 3)}, ("E-VID-022",), options={"zero": "player"}, videos=True
    ),
    "audio_longer/events.csv": Right(
        {"clip01": TO_10, "clip02": [("cook", 0.5, 9.5)], "clip03": TO_10}, ("E-ANN-010",), ("E-ANN-020",), videos=True
    ),
    "negative_start/events.csv": Right(
        {f"clip0{n}": TO_8 for n in (1, 2, 3)}, ("E-ANN-012",), ("E-ANN-020",), videos=True
    ),
    "mp4_mdhd_short/events.csv": Right({f"clip0{n}": FLASH for n in (1, 2, 3)}, not_codes=("E-ANN-013",), videos=True),
    "mp4_mdhd_short/events6.csv": Right({f"clip0{n}": [("flash", 2, 3), *FLASH] for n in (1, 2, 3)}, videos=True),
    "csv_event_duration/single.csv": Right(
        {"clip01": [("cut", 1, 3)], "clip02": [("pour", 5, 8)], "clip03": [("cut", 1.5, 2.5)]}, ("E-ANN-043",)
    ),
    "csv_event_duration/events.csv": Right(
        {"clip01": [("cut", 1, 3), ("pour", 5, 8)], "clip02": [("cut", 4, 6)]}, ("E-ANN-043",)
    ),
    "csv_utf16/events.csv": Right({"kitchen01": [("schneiden", 1.5, 3.25)], "küche02": [("rühren", 4, 6)]}),
    "csv_cr/events.csv": Right({"clip01": [("cut", 1, 2)], "clip02": [("cut", 1, 2)]}),
    "csv_timecode/events.csv": Right({"kitchen01": [("cut", 1.5, 3.25), ("pour", 4, 6.5)]}),
    "csv_sep/events.csv": Right({"kitchen01": [("cut", 1.5, 3.25)]}),
    "csv_videofile/events.csv": Right({"kitchen01.mp4": [("cut", 1.5, 3.25)]}),
    "mts_mixed/events.csv": Right(
        dict.fromkeys(("clip01", "clip02", "clip03", "00004"), FLASH), ("E-ANN-019",), ("E-ID-004",), videos=True
    ),
    "mts_only/events.csv": Right({"00001": FLASH}, not_codes=("E-ID-004",), videos=True),
    "anet_prefix/anet.json": Right({f"v_aaaaaaaaaa{n}": FLASH for n in (1, 2, 3)}, ("E-ID-007",), videos=True),
    "same_stem/events.csv": Right(
        {f"P0{p}/cam0{c}/P0{p}_milk": [("pour", s, s + 1)] for p, s in ((3, 1), (4, 3)) for c in (1, 2)}, videos=True
    ),
    "srt_in/clip01.srt": Right({"clip01": [("cut", 1, 3), ("pour", 4, 6)]}),
    "srt_in/clip01.vtt": Right({"clip01": [("cut", 1, 3), ("pour", 4, 6)]}),
    "boris_aggregated/events.tsv": Right({"kitchen01": KITCHEN, "kitchen02": [("cut", 0.5, 2.5)]}, ("E-ANN-022",)),
    "boris_tabular/events.tsv": Right({"kitchen01": KITCHEN}, ("E-ANN-022",)),
    "boris_project/kitchen.boris": Right({"kitchen01": [("cut", 1.2, 3.4)]}, ("E-ANN-022",)),
    "framewise": Right(BOTH_MILKS, ("E-ANN-022",), options={"fps": 15}),
    "framewise/groundTruth": Right(BOTH_MILKS, ("E-ANN-022",), options={"fps": 15}),
    "breakfast_coarse": Right(BREAKFAST, ("E-ANN-022",), options={"fps": 15}),
    "ls_min/export.json": Right(
        {"kitchen01": [("cut", 10 / 24, 30 / 24), ("pour", 40 / 24, 60 / 24)]}, options={"fps": 24}
    ),
    "ls_createml/export.json": Right({"kitchen01.mov": [("cut", 1.5, 3.25), ("pour", 4, 6.5)]}),
}
ASKED = {
    "framewise/groundTruth": r"E-ANN-007.*--set fps=25",
    "breakfast_coarse": r"E-ANN-007.*--set fps=25",
    "ls_min/export.json": r"E-ANN-060.*--set fps=24.*--set interface=FILE.xml",
    "epic/EPIC_100_validation.csv": r"E-ANN-028.*--set label=verb, noun, action \(both\) or narration",
}
"""Files with two readings: the message names the option that decides."""

OTHERS = {
    *("anet_withheld", "poses_wrong_fps", "real_ava_superevents", "real_tad", "epic", "feat_transposed"),
    *("feat_framewise_T", "feat_vprefix", "eval_vprefix", "eval_ext", "eval_thumos_txt"),
    *("mmpose_json", "mmpose_json2", "alphapose"),
}
"""Cases with a test of their own below."""


def judged(place: str, *, videos: bool = False, **options: Any) -> Judged:
    path = CASES / place
    return read_and_judge(Source(path, options=options, videos=path.parent / "videos" if videos else None))


def spans(video: VideoRecord) -> list[tuple[str, float, float]]:
    return [(event.label, event.start_s, event.end_s) for event in video.events or ()]


def same_events(videos: Mapping[str, VideoRecord], expected: Events) -> None:
    assert set(videos) == set(expected)
    for video_id, events in expected.items():
        assert [label for label, *_ in spans(videos[video_id])] == [label for label, *_ in events]
        times = [time for _, *pair in spans(videos[video_id]) for time in pair]
        assert times == pytest.approx([time for _, *pair in events for time in pair])


def test_no_case_is_forgotten() -> None:
    there = {path.name for path in CASES.iterdir() if path.is_dir()}
    assert there == {place.split("/")[0] for place in ANNOTATIONS} | OTHERS


@pytest.mark.parametrize("place", ANNOTATIONS)
def test_annotations(place: str) -> None:
    right = ANNOTATIONS[place]
    found = judged(place.split("#")[0], videos=right.videos, **right.options)
    same_events(found.annotations.videos, right.events)
    codes = {finding.code for finding in found.findings}
    assert codes >= set(right.codes) and not codes & set(right.not_codes)
    assert not [finding for finding in found.findings if finding.action == "refused"]


@pytest.mark.parametrize("place", ASKED)
def test_what_can_be_read_in_two_ways_is_asked(place: str) -> None:
    with pytest.raises(AugrgbError, match=ASKED[place]):
        judged(place)


@pytest.mark.parametrize("case", ["audio_longer", "mp4_mdhd_short", "negative_start", "same_stem"])
def test_init_accepts_what_check_calls_usable(case: str, tmp_path: Path) -> None:
    shutil.copytree(CASES / case / "videos", tmp_path / "videos", ignore=shutil.ignore_patterns("*.json*", "*.yaml"))
    report = init_dataset(tmp_path / "videos", CASES / case / "events.csv", tmp_path / "videos")
    same_events(report.dataset.videos, ANNOTATIONS[f"{case}/events.csv"].events)
    assert all(report.dataset.splits["random"][part] for part in ("train", "val", "test"))


def test_withheld_labels_are_no_empty_videos(tmp_path: Path) -> None:
    found = judged("anet_withheld/anet.json")
    withheld = {i for i, video in found.annotations.videos.items() if video.events is None}
    assert withheld == {f"tst0000000{n}" for n in range(4)}
    assert [f.detail.split(",")[0] for f in found.findings if f.code == "E-ANN-045"] == [
        "none of its 4 videos has an event"
    ]
    ready_to_train("anet_withheld", "anet.json", tmp_path)


def ready_to_train(case: str, annotations: str, tmp_path: Path) -> None:
    """What `data check` calls usable can be converted, and its recipe trains."""
    report = check_data(Source(CASES / case / annotations), features=[CASES / case / "feats"], clock=Clock(25, 16, 8))
    assert report.usable
    (tmp_path / "feats").symlink_to(CASES / case / "feats")
    recipe = (CASES / "feat_transposed" / "rgb.yaml").read_text()
    recipe = recipe.replace(" ds,", f" '{tmp_path}/ds',").replace(" feats,", f" '{tmp_path}/feats',")
    (tmp_path / "rgb.yaml").write_text(recipe)
    convert(Source(CASES / case / annotations), tmp_path / "ds", target_format="augrgb")
    dry = dry_run_stream(load_recipe(tmp_path / "rgb.yaml", StreamRecipe), tmp_path / "run", device="cpu")
    assert not dry.faults


@pytest.mark.parametrize(("case", "code"), [("feat_transposed", "E-FEA-031"), ("feat_vprefix", "E-ID-007")])
def test_features_that_check_calls_usable_train(case: str, code: str, tmp_path: Path) -> None:
    report = check_data(Source(CASES / case / "gt.json"), features=[CASES / case / "feats"], clock=Clock(25, 16, 8))
    assert code in {finding.code for finding in report.findings}
    ready_to_train(case, "gt.json", tmp_path)


def test_a_snippet_per_frame_is_told() -> None:
    case = CASES / "feat_framewise_T"
    report = check_data(Source(case / "gt.json"), features=[case / "feats"], clock=Clock(25, 16, 8))
    assert not report.usable
    details = [finding.detail for finding in report.findings if finding.code == "E-FEA-012"]
    assert len(details) == 2 and all("as (C, T), it has one snippet per frame: its stride is 1" in d for d in details)
    report = check_data(Source(case / "gt.json"), features=[case / "feats"], clock=Clock(25, 16, 1))
    assert "E-FEA-031" in {finding.code for finding in report.findings} and report.readable


def test_superevents_of_ava() -> None:
    found = judged("real_ava_superevents/ava_superevents.json")
    details = [finding.detail for finding in found.findings if finding.code == "E-ANN-044"]
    assert any("--set shift=start_time" in d for d in details) and any("--set first=1" in d for d in details)
    video = judged("real_ava_superevents/ava_superevents.json", shift="start_time", first=1).annotations.videos[
        "Ksd1JQFHYWA"
    ]
    assert ("c079", 902.5, 905.5) in spans(video)
    assert {(start, end) for _, start, end in spans(video)} == {(902.5, 905.5)} and len(spans(video)) == 6
    assert [(region.start_s, region.end_s) for region in video.ignored] == [(0.0, 902.5)]


def test_tables_of_thumos() -> None:
    found = judged("real_tad/val_Annotation.csv").annotations
    assert len(found.videos) == 5 and found.classes == ("Billiards",)
    assert spans(found.videos["video_validation_0000051"]) == [
        ("Billiards", 67.5, 75.9),
        ("Billiards", 85.9, 90.6),
        ("Billiards", 139.3, 148.2),
    ]
    found = judged("real_tad/thumos14_test_groundtruth.csv").annotations
    assert len(found.videos) == 7 and found.classes == ("-1",)
    video = found.videos["video_test_0000278"]
    assert spans(video) == [("-1", 0.0, 1.4), ("-1", 95.7, 97.2)] and video.duration_s == 215.166667


def test_epic_kitchens() -> None:
    found = judged("epic/EPIC_100_validation.csv", label="verb").annotations
    assert set(found.classes) == {"take", "put-down", "wipe", "squeeze"}
    events = spans(found.videos["P01_11"])
    assert (
        len(events) == 11 and ("take", 0.0, 1.89) in events and ("wipe", 327.28, 331.97) in events
    )  # of one class, and commoner than "wash"


@pytest.mark.parametrize("case", ["mmpose_json", "mmpose_json2", "alphapose"])
def test_poses(case: str) -> None:
    path = next((CASES / case).glob("*.json"))
    found = read_skeletons(path, options=ReadOptions(fps=25, frame_size=(640, 480)))
    (person,) = found.people
    assert found.frames == 20 and found.fps == 25 and found.layout == "coco17"
    np.testing.assert_array_equal(person.frames, np.arange(20))


@pytest.mark.parametrize(
    ("case", "note"), [("eval_vprefix", "'v_'"), ("eval_ext", "endings"), ("eval_thumos_txt", "1 = cut")]
)
def test_predictions(case: str, note: str) -> None:
    folder = CASES / case
    (predictions,) = folder.glob("pred.*")
    found = evaluate_files(predictions, folder / "gt.json", protocols=["thumos14/tiou"])
    (result,) = found.evaluation.results
    assert result.value == 1.0 and result.videos_scored == 4 and math.isclose(sum(result.per_class.values()), 2.0)
    assert any(note in said for said in found.notes)


def test_poses_of_another_rate(tmp_path: Path) -> None:
    case = CASES / "poses_wrong_fps"
    for name in ("videos", "poses"):
        shutil.copytree(case / name, tmp_path / name, ignore=shutil.ignore_patterns("*.json"))
    with pytest.raises(AugrgbError, match=r"E-POS-021.*cover 4.00 s, the video lasts 10.00 s.*--fps 10"):
        init_dataset(tmp_path / "videos", case / "events.csv", tmp_path, poses=tmp_path / "poses")
    report = check_data(Source(case / "events.csv", videos=tmp_path / "videos"), poses=tmp_path / "poses")
    assert [finding.code for finding in report.findings if finding.action == "refused"] == ["E-POS-021"] * 3
