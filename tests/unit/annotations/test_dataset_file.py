from __future__ import annotations

import json
import logging
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.dataset_file import check_dataset, load_dataset, role, save_dataset
from augrgb.core.errors import AugrgbError, FaultList
from augrgb.core.types import Dataset, Event, VideoRecord


def raw_dataset() -> dict:
    return {
        "schema": "augrgb.dataset/1",
        "name": "tiny",
        "classes": ["walk", "drink"],
        "videos": [
            {"id": "a", "duration_s": 10, "file": "videos/a.mp4", "fps": 15.0, "subject": "S1", "camera": "C1",
             "events": [{"label": "walk", "start_s": 1.0, "end_s": 4.5}]},
            {"id": "b", "duration_s": 5.0, "events": None},
            {"id": "c", "duration_s": 5.0, "events": []},
        ],
        "splits": {"cs": {"train": ["a"], "unlabelled": ["b"], "val": [], "test": ["c"]}},
    }  # fmt: skip


def write(folder: Path, raw: object) -> Path:
    (folder / "dataset.json").write_text(json.dumps(raw))
    return folder


def faults_of(folder: Path, raw: object) -> list[AugrgbError]:
    with pytest.raises(AugrgbError) as caught:
        load_dataset(write(folder, raw))
    return caught.value.faults if isinstance(caught.value, FaultList) else [caught.value]


def test_reads_what_the_file_says(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path, raw_dataset()))
    assert dataset.classes == ("walk", "drink")
    assert dataset.videos["a"].events == (Event("walk", 1.0, 4.5),)
    assert dataset.videos["a"].file == tmp_path.resolve() / "videos/a.mp4"
    assert dataset.videos["b"].events is None and dataset.videos["c"].events == ()


def test_saving_and_loading_gives_the_same(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path, raw_dataset()))
    save_dataset(dataset, tmp_path)
    again = load_dataset(tmp_path)
    assert dict(again.videos) == dict(dataset.videos) and again.classes == dataset.classes
    assert {s: dict(r) for s, r in again.splits.items()} == {s: dict(r) for s, r in dataset.splits.items()}
    first = (tmp_path / "dataset.json").read_bytes()
    save_dataset(again, tmp_path)
    assert (tmp_path / "dataset.json").read_bytes() == first


def test_every_field_of_a_video_comes_back(tmp_path: Path) -> None:
    everything = VideoRecord(
        video_id="a",
        duration_s=9.5,
        file=tmp_path.resolve() / "videos/a.mp4",
        poses=tmp_path.resolve() / "poses/a.npz",
        events=(Event("walk", 0.5, 3.0),),
        fps=29.97,
        subject="S1",
        camera="C2",
        ignored=(Event("unclear", 4.0, 5.0),),
        subset="fold 1",
        signal=tmp_path.resolve() / "signal/a.npz",
        grid=tmp_path.resolve() / "grid/a.npz",
        scene="kitchen",
    )
    assert all(getattr(everything, item.name) for item in fields(VideoRecord))  # a new field must be added above
    save_dataset(Dataset("d", ("walk",), {"a": everything}), tmp_path)
    assert load_dataset(tmp_path).videos == {"a": everything}


def test_a_video_without_a_known_duration_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(AugrgbError, match="E-ANN-024 'a'"):
        save_dataset(Dataset("d", ("walk",), {"a": VideoRecord("a")}), tmp_path)


def test_an_event_that_would_need_a_repair_is_not_saved(tmp_path: Path) -> None:
    video = VideoRecord("a", 9.5, events=(Event("walk", 0.5, 13.0),))
    with pytest.raises(AugrgbError, match=r"E-ANN-010 .* a:"):
        save_dataset(Dataset("d", ("walk",), {"a": video}), tmp_path)


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    raw = raw_dataset()
    raw["videos"][0]["events"][0]["label"] = "wlak"
    raw["videos"].append({"id": "b", "duration_s": 3.0})
    raw["videos"].append({"id": "d", "duration_s": 3.0, "file": "../../etc/passwd"})
    raw["videos"].append({"id": "e", "duration_s": 3.0, "evnts": []})
    raw["videos"].append({"id": "A", "duration_s": 3.0})
    raw["splits"]["cs"]["val"] = ["c"]
    raw["splits"]["cs"]["tset"] = []
    faults = faults_of(tmp_path, raw)
    codes = sorted(fault.code for fault in faults)
    assert codes == ["E-ANN-001", "E-ANN-003", "E-ID-001", "E-ID-002", "E-ID-003", "E-SPL-002", "E-SPL-012"]
    text = "\n".join(map(str, faults))
    assert "did you mean 'walk'" in text and "did you mean 'events'" in text and "did you mean 'test'" in text
    assert "videos[1] and [3]" in text


def test_unknown_id_in_a_split(tmp_path: Path) -> None:
    raw = raw_dataset()
    raw["splits"]["cs"]["val"] = ["zz"]
    assert [fault.code for fault in faults_of(tmp_path, raw)] == ["E-SPL-003"]


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_times_that_are_not_finite_refuse_the_file(tmp_path: Path, value: Any) -> None:
    text = json.dumps(raw_dataset()).replace('"start_s": 1.0', f'"start_s": {value}')
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(AugrgbError, match=r"E-ANN-002 .*events\[0\].start_s"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("start", "end", "kind", "code", "kept"),
    [
        (8.0, 12.0, "clipped", "E-ANN-011", (8.0, 10.0)),
        (8.0, 12.1, "clipped", "E-ANN-010", (8.0, 10.0)),
        (-1.0, 2.0, "clipped", "E-ANN-012", (0.0, 2.0)),
        (10.0, 12.0, "dropped", "E-ANN-013", None),
        (-2.0, -1.0, "dropped", "E-ANN-042", None),
        (3.0, 3.0, "dropped", "E-ANN-015", None),
        (4.0, 3.0, "dropped", "E-ANN-014", None),
    ],
)
def test_events_outside_the_video(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, start: Any, end: Any, kind: Any, code: Any, kept: Any
) -> None:
    raw = raw_dataset()
    raw["videos"][0]["events"] = [{"label": "walk", "start_s": start, "end_s": end}]
    checked = check_dataset(write(tmp_path, raw))
    (repair,) = checked.repairs
    assert (repair.action, repair.code, repair.where) == (kind, code, "a")
    assert checked.dataset.videos["a"].events == (() if kept is None else (Event("walk", *kept),))
    with caplog.at_level(logging.WARNING):
        load_dataset(tmp_path)
    assert f"1 {kind}" in caplog.text and code in caplog.text


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "C:\\x", "a\0b", "", "..\\x"])
def test_paths_that_leave_the_folder(tmp_path: Path, name: Any) -> None:
    raw = raw_dataset()
    raw["videos"][0]["poses"] = name
    assert [fault.code for fault in faults_of(tmp_path, raw)] == ["E-ID-003"]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "data"
    (inside / "videos").mkdir(parents=True)
    (tmp_path / "secret.mp4").write_bytes(b"x")
    (inside / "videos/a.mp4").symlink_to(tmp_path / "secret.mp4")
    assert [fault.code for fault in faults_of(inside, raw_dataset())] == ["E-ID-003"]


def test_leakage_by_id_and_by_file(tmp_path: Path) -> None:
    raw = raw_dataset()
    raw["splits"]["cs"]["test"] = ["a"]
    assert [fault.code for fault in faults_of(tmp_path, raw)] == ["E-SPL-002"]
    assert load_dataset(tmp_path, allow_leakage=True).splits["cs"]["test"] == ("a",)
    raw = raw_dataset()
    raw["videos"][2]["file"] = "videos/a.mp4"
    assert [fault.code for fault in faults_of(tmp_path, raw)] == ["E-SPL-002"]


def test_another_schema_and_a_list_instead_of_a_file(tmp_path: Path) -> None:
    raw = raw_dataset()
    raw["schema"] = "augrgb.dataset/9"
    assert "augrgb.dataset/9" in str(faults_of(tmp_path, raw)[0])
    assert faults_of(tmp_path, [1, 2])[0].code == "E-ANN-001"


def test_role_gives_ids_or_says_what_there_is(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path, raw_dataset()))
    assert role(dataset, "cs", "train") == ("a",)
    assert role(dataset, "cs", "val", allow_empty=True) == ()
    for split, name, code, expected in [
        ("cx", "train", "E-SPL-001", "known: cs"),
        ("cs", "val", "E-SPL-007", "'train': 1"),
        ("cs", "trian", "E-SPL-006", "'train'"),
    ]:
        with pytest.raises(AugrgbError, match=code) as caught:
            role(dataset, split, name)
        assert expected in str(caught.value)


def test_saving_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    video = VideoRecord("a", 3.0, file=tmp_path / "elsewhere/a.mp4")
    with pytest.raises(AugrgbError, match="E-ID-003"):
        save_dataset(Dataset("x", ("walk",), {"a": video}), tmp_path / "data")
