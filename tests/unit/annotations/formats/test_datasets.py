"""Formats of the public datasets: Charades, MultiTHUMOS, THUMOS14, PKU-MMD, TSU, ActivityNet; written by hand here."""

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.choose_format import read_annotations
from augrgb.annotations.formats import (
    ActivityNetJson,
    CharadesCsv,
    CharadesJson,
    MultiThumosJson,
    PkuMmd,
    ThumosTxt,
    TsuCsv,
    TsuJson,
)
from augrgb.annotations.formats.pku_mmd import read_split
from augrgb.annotations.reading.tsu_ids import official_splits
from augrgb.annotations.splits import splits_of
from augrgb.core.errors import AugrgbError
from augrgb.core.types import Event

HEADER = "id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length\n"


def charades(tmp_path: Path, name: Any, *rows: Any) -> Any:
    path = tmp_path / name
    path.write_text(HEADER + "".join(f'{i},{s},Kitchen,6,7,Yes,"A, b",,x,{a},{n}\n' for i, s, a, n in rows))
    return path


def test_charades_csv_folder_with_subsets_and_class_list(tmp_path: Path) -> None:
    charades(tmp_path, "Charades_v1_train.csv", ("46GP8", "HR43", "c001 11.90 21.20;c000 0.00 12.60", 24.83))
    charades(tmp_path, "Charades_v1_test.csv", ("N11GT", "0KZ7", "", 18.33))
    (tmp_path / "Charades_v1_classes.txt").write_text("c000 Holding some clothes\nc001 Putting clothes somewhere\n")
    found = CharadesCsv().read(tmp_path)
    assert found.classes == ("Holding some clothes", "Putting clothes somewhere") and found.closed
    video = found.videos["46GP8"]
    assert video.events == (Event("Putting clothes somewhere", 11.9, 21.2), Event("Holding some clothes", 0.0, 12.6))
    assert (video.duration_s, video.subset, video.subject) == (24.83, "training", "HR43")
    assert found.videos["N11GT"].events == () and found.videos["N11GT"].subset == "testing"


def test_charades_csv_without_class_list_and_with_faults(tmp_path: Path) -> None:
    path = charades(tmp_path, "x.csv", ("A", "S", "c002 1 2", 5), ("B", "S", "c1 1", 5), ("A", "S", "", 5))
    with pytest.raises(AugrgbError) as caught:
        CharadesCsv().read(path)
    assert "x.csv:3" in str(caught.value) and "E-ID-001" in str(caught.value) and "x.csv:4" in str(caught.value)
    path = charades(tmp_path, "y.csv", ("A", "S", "c002 1 2", 5))
    assert CharadesCsv().read(path).classes == ("c000", "c001", "c002")


def actions(tmp_path: Path, content: Any, name: Any = "x.json") -> Any:
    path = tmp_path / name
    path.write_text(json.dumps(content))
    return path


def test_charades_json_counts_from_0_and_multithumos_from_1(tmp_path: Path) -> None:
    path = actions(tmp_path, {"v": {"subset": "training", "duration": 9.5, "actions": [[1, 0.5, 2]]}})
    assert CharadesJson().read(path).classes == ("c000", "c001")
    assert CharadesJson().read(path).videos["v"].events == (Event("c001", 0.5, 2.0),)
    assert MultiThumosJson().read(path).classes == ("c001",)
    (tmp_path / "names.txt").write_text("BaseballPitch\nWalk\n")
    assert MultiThumosJson(classes=tmp_path / "names.txt").read(path).videos["v"].events[0].label == "BaseballPitch"
    assert CharadesJson(classes=tmp_path / "names.txt").read(path).videos["v"].events[0].label == "Walk"


@pytest.mark.parametrize(
    ("video", "said"),
    [
        ({"duration": 1}, "no 'actions'"),
        ({"duration": "long", "actions": []}, "expected a number"),
        ({"duration": 1, "actions": [[1, 2]]}, r"actions 0: expected \[class, start, end\]"),
        ({"duration": 1, "actions": [[1.5, 2, 3]]}, "whole number"),
        ({"duration": 1, "actions": [[7, 2, 3]]}, "class number 7, expected 0 to 1"),
        ([], "expected an object"),
    ],
)
def test_actions_json_says_where_it_is_wrong(tmp_path: Path, video: Any, said: Any) -> None:
    (tmp_path / "names.txt").write_text("a\nb\n")
    with pytest.raises(AugrgbError, match=said):
        CharadesJson(classes=tmp_path / "names.txt").read(actions(tmp_path, {"v": video}))


def test_tsu_json_is_in_frames(tmp_path: Path) -> None:
    path = actions(tmp_path, {"P02T01C06": {"subset": "testing", "duration": 200, "actions": [[3, 20, 50]]}})
    found = TsuJson(fps=20.0).read(path)
    video = found.videos["P02T01C06"]
    assert (video.events, video.duration_s, video.fps) == ((Event("c003", 1.0, 2.5),), 10.0, 20.0)
    assert (video.subject, video.camera, found.in_frames) == ("P02", "C06", True)
    with pytest.raises(AugrgbError, match="E-ANN-007"):
        TsuJson().read(path)
    with pytest.raises(AugrgbError, match="'P02T01C06' is not known"):
        TsuJson(fps={"P03T01C06": 20.0}).read(path)


def test_tsu_splits_by_rule() -> None:
    splits = official_splits(["P03T01C01", "P03T01C02", "P02T01C01", "P02T01C05", "other"])
    assert splits["cross_subject"] == {"train": ("P03T01C01", "P03T01C02"), "test": ("P02T01C01", "P02T01C05")}
    assert splits["cross_view"] == {"train": ("P03T01C01", "P02T01C01"), "test": ("P03T01C02", "P02T01C05")}


def test_tsu_csv_folder(tmp_path: Path) -> None:
    for name, rows in (("P02T01C06", "Enter,0,40\nWalk,40,41\n"), ("P03T01C01", "")):
        (tmp_path / name[:3]).mkdir()
        (tmp_path / name[:3] / f"{name}.csv").write_text(f"event,start_frame,end_frame\n{rows}")
    found = TsuCsv(fps=20.0).read(tmp_path)
    assert found.videos["P02T01C06"].events == (Event("Enter", 0.0, 2.0), Event("Walk", 2.0, 2.05))
    assert found.videos["P03T01C01"].events == () and found.classes == ("Enter", "Walk")
    (tmp_path / "P02" / "P02T01C06.csv").write_text("event,start_frame,end_frame\nEnter,0,x\n")
    with pytest.raises(AugrgbError, match=r"P02T01C06.csv:2"):
        TsuCsv(fps=20.0).read(tmp_path)


def test_thumos_text_files_with_ambiguous_regions(tmp_path: Path) -> None:
    (tmp_path / "Diving_val.txt").write_text("video_validation_0000001  72.80 76.40\n\n")
    (tmp_path / "Diving_test.txt").write_text("video_test_0000007 1 2\n")
    (tmp_path / "Ambiguous_val.txt").write_text("video_validation_0000001 5.0 6.0\n")
    found = ThumosTxt().read(tmp_path)
    assert found.classes == ("Diving",)
    video = found.videos["video_validation_0000001"]
    assert video.events == (Event("Diving", 72.8, 76.4),) and video.ignored == (Event("Ambiguous", 5.0, 6.0),)
    assert (video.subset, found.videos["video_test_0000007"].subset) == ("training", "testing")
    assert [f.kind for f in found.findings] == ["ignored regions"] and "1 regions" in found.findings[0].detail
    assert "Ambiguous" in ThumosTxt(ignore=()).read(tmp_path).classes


def test_multithumos_text_files_follow_the_class_list(tmp_path: Path) -> None:
    (tmp_path / "Walk.txt").write_text("video_test_0000007 1 2\n")
    (tmp_path / "Sit.txt").write_text("video_test_0000007 3 4 5\n")
    (tmp_path / "class_list.txt").write_text("1 Walk\n2 Sit\n")
    with pytest.raises(AugrgbError, match=r"Sit.txt:1"):
        ThumosTxt().read(tmp_path)
    (tmp_path / "Sit.txt").write_text("video_test_0000007 3 4\n")
    assert ThumosTxt().read(tmp_path).classes == ("Walk", "Sit")


def test_pku_labels_and_split_files(tmp_path: Path) -> None:
    labels = tmp_path / "Label"
    labels.mkdir()
    (labels / "0002-L.txt").write_text("7,30,75,2\n1,0,15,1\n")
    (labels / "0003-M.txt").write_text("")
    (tmp_path / "Split").mkdir()
    (tmp_path / "Split" / "cross-view.txt").write_text(
        "Training videos: \n0003-M, 0003-R, \n\nValidataion videos: \n0002-L, \n"
    )
    found = PkuMmd().read(labels)
    assert found.videos["0002-L"].events == (Event("c007", 1.0, 2.5), Event("c001", 0.0, 0.5))
    assert found.videos["0002-L"].camera == "L" and found.videos["0003-M"].events == ()
    assert found.classes[0] == "c001" and len(found.classes) == 7
    assert found.splits == {"cross_view": {"train": ("0003-M", "0003-R"), "test": ("0002-L",)}}
    (tmp_path / "bad.txt").write_text("0002-L")
    with pytest.raises(AugrgbError, match="E-SPL-009"):
        read_split(tmp_path / "bad.txt")


def test_activitynet_with_taxonomy_ambiguous_and_unannotated(tmp_path: Path) -> None:
    content = {
        "taxonomy": [
            {"nodeId": 0, "nodeName": "Root", "parentId": None, "parentName": None},
            {"nodeId": 1, "nodeName": "Sports", "parentId": 0, "parentName": "Root"},
            {"nodeId": 2, "nodeName": "Walk", "parentId": 1, "parentName": "Sports"},
            {"nodeId": 3, "nodeName": "Jump", "parentId": 1, "parentName": "Sports"},
        ],
        "database": {
            "a": {"duration": 9.0, "subset": "validation", "annotations": [{"label": "Walk", "segment": [1, "2.5"]}]},
            "b": {"duration": 9.0, "annotations": [{"label": "Ambiguous", "segment": [1, 2]}]},
            "c": {"duration": 9.0},
        },
    }
    found = ActivityNetJson().read(actions(tmp_path, content))
    assert found.videos["a"].events == (Event("Walk", 1.0, 2.5),) and found.videos["c"].events is None
    assert found.videos["b"].events == () and len(found.videos["b"].ignored) == 1
    assert found.classes == ("Walk", "Jump") and found.closed
    assert found.findings[0].code == "E-ANN-018"


def test_thumos14_trains_on_its_validation_videos(tmp_path: Path) -> None:
    rows = {
        f"video_{part}_{n}": {
            "subset": part.title(),
            "duration": 9.0,
            "annotations": [{"label": "x", "segment": [1, 2]}],
        }
        for n, part in enumerate(("validation", "test"))
    }
    path = tmp_path / "thumos14.json"
    path.write_text(json.dumps({"database": rows}))
    found = read_annotations(path, options={"subsets": {"validation": "training"}})
    splits = splits_of(found)
    assert splits == {"given": {"train": ("video_validation_0",), "test": ("video_test_1",)}}
