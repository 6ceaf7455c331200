"""Annotation files of published datasets, rebuilt after the loaders that read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.annotations.read import Source, read_and_judge
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.types import Event, VideoRecord
from augrgb.detection.readers import read_activitynet
from support.places import SHARED, needs_shared

MMACTION = {
    "v_test1": {
        "duration_second": 1,
        "duration_frame": 30,
        "annotations": [{"segment": [0.3, 0.6], "label": "Rock climbing"}],
        "feature_frame": 30,
        "fps": 30.0,
        "rfps": 30,
    },
    "v_test2": {"duration_second": 2, "duration_frame": 48, "annotations": [], "feature_frame": 48, "fps": 24.0},
    "v_test3": {"duration_second": 3.5, "duration_frame": 48, "feature_frame": 48, "subset": "testing"},
}


def test_bmn_and_mmaction2(tmp_path: Path) -> None:
    path = tmp_path / "anet_anno_train.json"
    path.write_text(json.dumps(MMACTION))
    assert detect_format(path) == "bmn-json"
    found = read_annotations(path)
    assert list(found.videos.values()) == [
        VideoRecord("v_test1", 1.0, events=(Event("Rock climbing", 0.3, 0.6),), fps=30.0),
        VideoRecord("v_test2", 2.0, events=(), fps=24.0),
        VideoRecord("v_test3", 3.5, subset="testing"),
    ]
    (tmp_path / "anet_anno_val.json").write_text(json.dumps({"v_new": MMACTION["v_test1"]}))
    assert len(read_annotations(tmp_path).videos) == 4  # one file per subset, in one folder
    path.write_text('{"v": {"duration_second": 1, "annotations": [{"segment": [1], "label": "a"}]}}')
    with pytest.raises(InputRefused, match=r"E-ANN-001.*v annotations\[0\]: segment"):
        read_annotations(path)


def test_proposals_are_not_detections(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    rows = {"test1": [{"score": 0.9, "segment": [0.1, 0.7]}], "test2": []}
    path.write_text(json.dumps({"version": "VERSION 1.3", "results": rows, "external_data": {}}))
    with pytest.raises(InputRefused, match=r"E-DET-010.*proposals"):
        read_activitynet(path)


@pytest.mark.parametrize(
    ("video_id", "video"),
    [
        (
            "0s2T1b1AQNo",
            {"duration": 184.5, "subset": "training", "url": "https://www.youtube.com/watch?v=0s2T1b1AQNo"},
        ),
        (
            "v_00000001",
            {
                "url": "https://example.org/v_00000001.mp4",
                "fps": 25.0,
                "filename": "v_00000001.mp4",
                "duration": 184.5,
                "subset": "training",
                "resolution": "1280x720",
            },
        ),
    ],
    ids=["hacs", "fineaction"],
)
def test_hacs_segments_and_fineaction_have_the_layout_of_activitynet(
    tmp_path: Path, video_id: str, video: dict[str, object]
) -> None:
    segments = [{"segment": [12.3, 20.0], "label": "Archery", "label_id": 2}]
    path = tmp_path / "annotations_gt.json"
    path.write_text(
        json.dumps({"version": "1.1.1", "taxonomy": [], "database": {video_id: video | {"annotations": segments}}})
    )
    assert detect_format(path) == "activitynet"
    found = read_annotations(path).videos[video_id]
    assert (found.events, found.duration_s, found.subset) == ((Event("Archery", 12.3, 20.0),), 184.5, "training")


def test_hacs_clips_are_no_segments(tmp_path: Path) -> None:
    path = tmp_path / "HACS_clips_v1.1.1.csv"
    path.write_text("classname,youtube_id,subset,start,end,label\nArchery,a-5sCZKcZyY,training,120.0,122.0,1\n")
    with pytest.raises(InputRefused, match=r"E-ANN-006.*HACS clips.*HACS_segments"):
        detect_format(path)


def test_perception_test(tmp_path: Path) -> None:
    times = {"timestamps": [100_000, 900_000], "frame_ids": [3, 27]}
    value = {
        "video_1": {
            "metadata": {
                "split": "train",
                "video_id": "video_1",
                "frame_rate": 29.97,
                "num_frames": 600,
                "resolution": [720, 1280],
            },
            "object_tracking": [{"id": 0, "label": "cup", "bounding_boxes": [[0.1, 0.2, 0.3, 0.4]] * 300}],
            "action_localisation": [
                {"id": 0, "label_id": 23, "label": "Opening something", "parent_objects": [0], **times}
            ],
            "sound_localisation": [{"id": 0, "label_id": 4, "label": "Human", **times}],
        },
        "video_2": {"metadata": {"split": "test", "video_id": "video_2", "frame_rate": 30, "num_frames": 60}},
    }
    path = tmp_path / "all_train.json"
    path.write_text(json.dumps(value))
    assert detect_format(path) == "perception-test"
    first, second = read_annotations(path).videos.values()
    assert first.events == (Event("Opening something", 0.1, 0.9),) and first.subset == "train"
    assert first.duration_s == pytest.approx(600 / 29.97) and second.events is None and second.duration_s == 2.0
    sounds = read_annotations(path, options={"task": "sound"}).videos["video_1"].events
    assert sounds == (Event("Human", 0.1, 0.9),)


HEADER = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,start_frame,stop_frame,"
    "narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n"
)
EPIC = (
    "P01_11_0,P01,P01_11,00:00:00.560,00:00:00.00,00:00:01.89,1,113,take plate,take,0,plate,2,['plate'],[2]\n"
    "P01_11_1,P01,P01_11,00:00:01.700,00:00:01.56,00:00:02.45,93,147,put down plate,put-down,1,plate,2,['plate'],[2]\n"
    "P01_11_2,P01,P01_11,00:00:48.500,00:00:49.15,00:01:50.95,2949,3057,put paper,put,1,paper,49,['paper'],[49]\n"
    "P01_11_3,P01,P01_11,00:00:48.500,00:00:49.15,00:01:50.95,2949,3057,put paper,put,1,paper,49,['paper'],[49]\n"
)


def test_epic_kitchens_asks_which_label(tmp_path: Path) -> None:
    (tmp_path / "EPIC_100_validation.csv").write_text(HEADER + EPIC)
    assert detect_format(tmp_path) == detect_format(tmp_path / "EPIC_100_validation.csv") == "epic-kitchens"
    with pytest.raises(UsageFault, match=r"E-ANN-028.*--set label=verb, noun, action"):
        read_annotations(tmp_path)

    def labels(label: str) -> tuple[tuple[str, ...], list[str]]:
        found = read_annotations(tmp_path, options={"label": label})
        return found.classes, [event.label for event in found.videos["P01_11"].events or ()]

    assert labels("verb") == (("take", "put"), ["take", "put", "put", "put"])  # put-down is of the class put
    assert labels("noun") == (("plate", "paper"), ["plate", "plate", "paper", "paper"])
    assert labels("action")[1] == ["take plate", "put plate", "put paper", "put paper"]
    assert labels("narration")[1] == ["take plate", "put down plate", "put paper", "put paper"]
    video = read_annotations(tmp_path, options={"label": "verb"}).videos["P01_11"]
    assert (video.subset, video.subject) == ("validation", "P01")
    assert (video.events or ())[2] == Event("put", 49.15, 110.95)


def test_epic_kitchens_with_its_lists_and_withheld_test(tmp_path: Path) -> None:
    (tmp_path / "EPIC_100_train.csv").write_text(HEADER + EPIC)
    (tmp_path / "EPIC_100_verb_classes.csv").write_text("id,key,category\n0,TAKE,x\n1,PUT,x\n2,wash,x\n")
    (tmp_path / "EPIC_100_video_info.csv").write_text(
        "video_id,duration,fps,resolution\nP01_11,500.25,50.0,1920x1080\n"
    )
    columns = HEADER.split(",narration,")[0] + "\n"
    row = "P02_01_0,P02,P02_01,00:00:00.560,00:00:00.00,00:00:01.89,1,113\n"
    (tmp_path / "EPIC_100_test_timestamps.csv").write_text(columns + row)
    found = read_annotations(tmp_path, options={"label": "verb"})
    assert found.classes == ("TAKE", "PUT") and not found.findings
    assert (found.videos["P01_11"].duration_s, found.videos["P01_11"].fps) == (500.25, 50.0)
    assert found.videos["P02_01"].events is None and found.videos["P02_01"].subset == "testing"
    (tmp_path / "EPIC_100_train.csv").write_text(HEADER + EPIC + "x,P01,P01_11,a,b,c,1,1,n,v,0,n,0,[],[]\nx,y\n")
    with pytest.raises(AugrgbError, match=r"(?s)E-ANN-002.*train\.csv:6.*E-ANN-005.*train\.csv:7"):
        read_annotations(tmp_path, options={"label": "verb"})


@needs_shared("cases/epic")
def test_epic_kitchens_as_it_is_shared() -> None:
    found = read_annotations(SHARED / "cases" / "epic", options={"label": "verb"})
    assert found.classes[:2] == ("take", "put") or len(found.classes) > 3
    assert sum(len(video.events or ()) for video in found.videos.values()) > 10


@pytest.mark.parametrize("times", [None, [], [None, None]])
@pytest.mark.parametrize("layout", ["activitynet", "bmn-json"])
def test_a_label_without_times_refuses_nothing(tmp_path: Path, layout: str, times: Any) -> None:
    """Where it may be is ignored, everywhere but in the known events."""
    listed = [{"label": "stir", "segment": times}, {"label": "cut", "segment": [2, 4]}]
    videos = {"a": {"duration": 10, "duration_second": 10, "annotations": listed}}
    (tmp_path / "e.json").write_text(json.dumps({"database": videos} if layout == "activitynet" else videos))
    judged = read_and_judge(Source(tmp_path / "e.json", layout))
    video = judged.annotations.videos["a"]
    assert video.events == (Event("cut", 2, 4),)
    assert video.ignored == (Event("stir", 0, 2), Event("stir", 4, 10))
    assert [finding.kind for finding in judged.findings if finding.code == "E-ANN-018"] == ["events without times"]
