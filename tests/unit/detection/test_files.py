from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from augrgb.core.errors import AugrgbError, InputRefused
from augrgb.core.types import Detection
from augrgb.detection import readers, writers

text = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
names = st.one_of(
    text, st.sampled_from(["=cmd|'/C calc'!A0", "+1", "-2", "@x", "'quoted", "\ttab", 'a,"b"', "a\nb", "''="])
)
times = st.floats(0, 1e5, allow_nan=False).map(float)


@st.composite
def detections(draw: Any) -> Any:
    start, length = draw(times), draw(times)
    return Detection(draw(names), draw(names), start, start + length, draw(st.floats(0, 1)))


SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@example(found=[Detection("\r0", "a", 0.0, 1.0, 0.5), Detection("0", "\r", 0.0, 1.0, 0.5)])
@given(found=st.lists(detections(), max_size=6))
def test_json_and_csv_round_trips_are_exact(found: Any, tmp_path: Path) -> None:
    ids = sorted({d.video_id for d in found} | {"empty video"})
    writers.write_activitynet(tmp_path / "a.json", found, ids)
    back = readers.read_activitynet(tmp_path / "a.json")
    key = Detection.__repr__
    assert sorted(back.detections, key=key) == sorted(found, key=key) and sorted(back.video_ids) == ids
    writers.write_csv(tmp_path / "a.csv", found)
    back = readers.read_csv(tmp_path / "a.csv")
    assert list(back.detections) == found


def test_no_csv_cell_from_a_label_can_start_a_formula(tmp_path: Path) -> None:
    labels = ["=1+1", "+1", "-1", "@sum", "\t=1", "'=1"]
    writers.write_csv(tmp_path / "a.csv", [Detection("=v", label, 0.0, 1.0, 0.5) for label in labels])
    rows = (tmp_path / "a.csv").read_text().splitlines()[1:]
    assert len(rows) == 6
    assert all(cell.startswith("'") for row in rows for cell in row.split(",")[:2])
    assert [d.label for d in readers.read_csv(tmp_path / "a.csv").detections] == labels


def test_pku_round_trip_keeps_videos_without_detections(tmp_path: Path) -> None:
    found = [Detection("a/b", "walk", 1.25, 3.1, 0.75), Detection("a/b", "sit", 0.0, 0.1, 1.0)]
    writers.write_pku(tmp_path, found, ["a/b", "c"], {"sit": 1, "walk": 2})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a%2Fb.txt", "c.txt"]
    assert (tmp_path / "a%2Fb.txt").read_text().splitlines()[0] == "2,37.5,93.0,0.75"
    back = readers.read_pku(tmp_path, {1: "sit", 2: "walk"})
    assert back.video_ids == ("a/b", "c")
    assert [(d.label, d.score) for d in back.detections] == [("walk", 0.75), ("sit", 1.0)]
    assert back.detections[0].end_s == pytest.approx(3.1, abs=1e-12)
    with pytest.raises(InputRefused, match=r"line 1: not a detection"):
        readers.read_pku(tmp_path, {1: "sit"})


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_subtitles_round_trip_to_the_millisecond(kind: Any, tmp_path: Path) -> None:
    found = [
        Detection("v", "drink <b>&amp; eat", 3725.0004, 3726.5, 0.875),
        Detection("v", "walk --> run\nfast", 0.0, 1.2346, 0.5),
    ]
    path = tmp_path / f"v.{kind}"
    (writers.write_srt if kind == "srt" else writers.write_vtt)(path, found)
    content = path.read_text()
    assert content.count("-->") == 2
    assert ("01:02:05,000" if kind == "srt" else "01:02:05.000") in content
    assert ("<b>" in content) == (kind == "srt")
    assert readers.read_subtitles(path, "v").detections == (
        Detection("v", "walk → run fast", 0.0, 1.235, 0.5),
        Detection("v", "drink <b>&amp; eat", 3725.0, 3726.5, 0.875),
    )
    with pytest.raises(InputRefused, match="one video, got 2"):
        writers.write_srt(path, [*found, Detection("w", "x", 0, 1, 1)])


def test_foreign_csv_headers_and_separators(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfvideo-id;t-start;t-end;label;score\r\nv;1.5;2.5;run fast;0.25\r\n")
    assert readers.read_csv(path).detections == (Detection("v", "run fast", 1.5, 2.5, 0.25),)
    path.write_text("video_id,label,start_s\n")
    with pytest.raises(InputRefused, match="columns end, score are missing"):
        readers.read_csv(path)


@pytest.mark.parametrize("cells", ["v,a,nan,1,0.5", "v,a,0,inf,0.5", "v,a,0,1,", "v,,0,1,0.5", "v,a,0", "v,a,x,1,0.5"])
def test_bad_rows_are_named_by_line(cells: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"video_id,label,start_s,end_s,score\nv,a,0,1,0.5\n{cells}\n")
    with pytest.raises(InputRefused, match="line 3: not a detection"):
        readers.read_csv(path)


@pytest.mark.parametrize(
    "value, message",
    [
        ([], "results"),
        ({"results": {"v": {}}}, r"results\['v'\]\[0\]"),
        ({"results": {"v": [{"label": "a", "score": True, "segment": [0, 1]}]}}, "not a detection"),
        ({"results": {"v": [{"label": "a", "score": 1, "segment": [2, 1]}]}}, "ends at 1 before it starts at 2"),
        ({"results": {"v": [{"label": 3.5, "score": 1, "segment": [0, 1]}]}}, "not a detection"),
        ({"results": {"v": [{"label": "a", "score": 1, "segment": [0, 1e999]}]}}, "not a detection"),
    ],
)
def test_bad_json_is_refused(value: Any, message: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    with pytest.raises(AugrgbError, match=message):
        readers.read_activitynet(path)


def test_all_bad_entries_are_reported_together(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"results": {c: [{}] for c in string.ascii_lowercase[:3]}}))
    with pytest.raises(AugrgbError) as caught:
        readers.read_activitynet(path)
    assert all(f"results['{c}']" in str(caught.value) for c in "abc")


def test_frame_numbers_given_as_seconds_are_noticed() -> None:
    durations = {"v": 1607.0}
    readers.check_durations([Detection("v", "a", 0, 1607.5, 1.0), Detection("w", "a", 0, 9e9, 1.0)], durations, "x.csv")
    with pytest.raises(
        InputRefused, match=r"ends at 48210.0 s but the video lasts 1607.0 s. Are these frame numbers\?"
    ):
        readers.check_durations([Detection("v", "a", 0, 48210.0, 1.0)], durations, "x.csv")
    with pytest.raises(InputRefused, match="starts at -5"):
        readers.check_durations([Detection("v", "a", -5.0, 2.0, 1.0)], durations, "x.csv")


def test_a_detection_of_an_unlisted_video_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="not in video_ids"):
        writers.write_activitynet(tmp_path / "a.json", [Detection("v", "a", 0, 1, 1)], ["w"])
    assert not list(tmp_path.iterdir())
