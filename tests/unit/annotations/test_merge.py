"""Several exports in one folder are one dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.core.errors import InputRefused
from augrgb.core.types import Event


def anet(**videos: Any) -> str:
    rows = {
        name: {"duration": 9, "subset": "training"}
        | ({} if labels is None else {"annotations": [{"label": x, "segment": [1, 2]} for x in labels]})
        for name, labels in videos.items()
    }
    return json.dumps({"version": "1", "database": rows})


def test_files_of_one_format_are_joined_and_others_told(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(anet(a=["cut"], c=None))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "val.json").write_text(anet(b=["pour", ""], c=["pour"], d=[]))
    (tmp_path / "settings.json").write_text('{"theme": "dark"}')
    assert detect_format(tmp_path) == "activitynet"
    found = read_annotations(tmp_path)
    assert found.classes == ("cut", "pour") and list(found.videos) == ["b", "c", "d", "a"]
    assert found.videos["c"].events == (Event("pour", 1, 2),) and found.videos["d"].events == ()
    assert found.videos["b"].ignored == (Event("", 1, 2),)
    assert [(f.code, f.detail.split(";")[0]) for f in found.findings] == [
        ("E-FILE-021", "1 of 3 are not activitynet"),
        ("E-ANN-018", "1 events without a label"),
    ]


def test_one_video_in_two_exports_is_refused_but_not_the_same_twice(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(anet(a=["cut"]))
    (tmp_path / "b.json").write_text(anet(a=["cut"]))
    assert len(read_annotations(tmp_path).videos) == 1
    (tmp_path / "b.json").write_text(anet(a=["pour"]))
    with pytest.raises(InputRefused, match=r"E-ID-001.*b\.json.*'a'.*a\.json"):
        read_annotations(tmp_path)


def test_two_formats_in_one_folder_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(anet(a=["cut"]))
    (tmp_path / "b.csv").write_text("video,label,start,end\nb,cut,1,2\n")
    with pytest.raises(InputRefused, match=r"E-ANN-006.*activitynet, csv"):
        detect_format(tmp_path)
    assert set(read_annotations(tmp_path, format_name="csv").videos) == {"b"}


def test_a_folder_that_is_none_says_what_its_files_lack(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("video,label,begin\na,cut,1\n")
    with pytest.raises(InputRefused, match=r"E-ANN-006.*no column end"):
        detect_format(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "video,label,start,end\na,cut,1,2\na,,3,4\n"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\ncut\n\n2\n00:00:03,000 --> 00:00:04,000\n\n"),
        (
            "a.json",
            '[{"video": "a", "label": "cut", "start": 1, "end": 2}, '
            '{"video": "a", "label": null, "start": 3, "end": 4}]',
        ),
        (
            "b.json",
            '{"database": {"a": {"duration": 9, "annotations": [{"label": "cut", "segment": [1, 2]}, '
            '{"label": null, "segment": [3, 4]}]}}}',
        ),
        (
            "c.json",
            '{"a": {"duration_second": 9, "annotations": [{"label": "cut", "segment": [1, 2]}, '
            '{"label": "", "segment": [3, 4]}]}}',
        ),
        (
            "a.xml",
            "<annotations><meta><task><id>1</id><source>a.mp4</source></task></meta>"
            '<track id="0" label="cut"><box frame="10"/><box frame="20" outside="1"/></track>'
            '<track id="1"><box frame="30"/><box frame="40" outside="1"/></track></annotations>',
        ),
    ],
)
def test_an_event_without_a_label_is_an_ignored_region_in_every_format(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = read_annotations(tmp_path / name, options={"fps": 10.0} if name == "a.xml" else {})
    video = found.videos["a"]
    assert found.classes == ("cut",) and video.events == (Event("cut", 1.0, 2.0),)
    assert video.ignored == (Event("", 3.0, 4.0),)
    assert "E-ANN-018" in {finding.code for finding in found.findings}
