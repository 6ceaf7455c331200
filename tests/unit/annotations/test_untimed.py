"""One event without times never refuses a file, in no format: where it may be is ignored."""

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.read import Source, read_and_judge

CUT = ("cut", 3.0, 4.0)
BEFORE_AND_AFTER = [(0.0, 3.0), (4.0, 9.0)]
VIA = {
    "project": {"vid_list": ["1"]},
    "attribute": {"1": {"aname": "do", "options": {"0": "cut"}}},
    "file": {"1": {"fname": "v.mp4"}},
    "view": {"1": {"fid_list": ["1"]}},
    "metadata": {
        "a": {"vid": "1", "z": [3, 4], "xy": [], "av": {"1": "0"}},
        "b": {"vid": "1", "z": [6, 7], "xy": [], "av": {"1": None}},
    },
}


def listed(odd: dict[str, Any]) -> list[dict[str, Any]]:
    return [odd, {"label": "cut", "segment": [3, 4]}]


def label_studio(odd: dict[str, Any]) -> str:
    spans = [odd, {"start": 73, "end": 96}]
    results = [{"type": "timelinelabels", "value": {"ranges": [s], "timelinelabels": ["cut"]}} for s in spans]
    return json.dumps([{"id": 1, "data": {"video": "/x/v.mp4"}, "annotations": [{"result": results}]}])


CASES: dict[str, tuple[str, str, list[tuple[float, float]], dict[str, Any]]] = {
    # name -> file, text, ignored regions, options
    "activitynet, no times": (
        "e.json",
        json.dumps({"database": {"v": {"duration": 9, "annotations": listed({"label": "stir"})}}}),
        BEFORE_AND_AFTER,
        {},
    ),
    "activitynet, nothing but times": (
        "e.json",
        json.dumps({"database": {"v": {"duration": 9, "annotations": listed({"segment": [1, 2]})}}}),
        [(1.0, 2.0)],
        {},
    ),
    "bmn, end is null": (
        "e.json",
        json.dumps({"v": {"duration_second": 9, "annotations": listed({"label": "stir", "segment": [5, None]})}}),
        [(5.0, 9.0)],
        {},
    ),
    "charades-json": (
        "e.json",
        json.dumps({"v": {"subset": "training", "duration": 9, "actions": [[0, 3, 4], [1, None, None]]}}),
        BEFORE_AND_AFTER,
        {},
    ),
    "charades-csv": ("x_train.csv", "id,actions,length\nv,c000 3 4;c001,9\n", BEFORE_AND_AFTER, {}),
    "tsu-csv": ("v.csv", "event,start_frame,end_frame\ncut,30,40\nSit,,\n", [(0.0, 3.0)], {"fps": 10}),
    "utkinect": (
        "actionLabel.txt",
        "s01_e01\ncut: 90 119\nsit: NaN NaN\n",
        [(0.0, 3.0)],
        {},
    ),
    "subtitles": (
        "v.srt",
        "1\n00:00:03,000 --> 00:00:04,000\ncut\n\n2\n00:00:01,000 --> \nstir\n",
        [],
        {},
    ),
    "label-studio, no end": ("e.json", label_studio({"start": 25}), [], {"fps": 24}),
    "label-studio, no start": ("e.json", label_studio({"end": 24}), [(0.0, 1.0)], {"fps": 24}),
    "via": ("e.json", json.dumps(VIA), [(6.0, 7.0)], {}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_rest_of_the_file_counts(name: str, tmp_path: Path) -> None:
    file, text, regions, options = CASES[name]
    (tmp_path / file).write_text(text)
    judged = read_and_judge(Source(tmp_path / file, options=options))
    (video,) = judged.annotations.videos.values()
    assert [(e.start_s, e.end_s) for e in video.events or ()] == [pytest.approx(CUT[1:])]
    found = [(region.start_s, region.end_s) for region in video.ignored]
    # without a known length, the regions up to the end of the video are not known either
    assert [pytest.approx(region) for region in regions] == found
    kinds = {finding.kind for finding in judged.findings if finding.code == "E-ANN-018"}
    assert kinds <= {"events without times", "ignored regions"} and len(kinds) == 1
    assert not any(finding.action == "refused" for finding in judged.findings)


def test_a_video_with_nothing_else_was_never_annotated(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "Diving_val.txt").write_text("video_validation_0000001  72.80 76.40\nvideo_validation_0000002\n")
    judged = read_and_judge(Source(folder))
    assert judged.format_name == "thumos-txt"
    assert judged.annotations.videos["video_validation_0000002"].events is None
