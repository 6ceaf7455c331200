from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.formats import PlainCsv
from augrgb.core.errors import AugrgbError
from augrgb.core.types import Event, VideoRecord


def read(tmp_path: Path, data: Any, **options: Any) -> Any:
    path = tmp_path / "events.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return PlainCsv(**options).read(path)


def test_plain_rows(tmp_path: Path) -> None:
    found = read(tmp_path, "video,label,start,end\na.mp4,walk,0,1.5\n\n'b',sit,2,3\n")
    assert found.classes == ("sit", "walk")
    assert found.videos["a.mp4"] == VideoRecord("a.mp4", events=(Event("walk", 0.0, 1.5),))
    assert found.videos["'b'"].events == (Event("sit", 2.0, 3.0),)


def test_mark_crlf_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    found = read(tmp_path, b"\xef\xbb\xbfVideo_ID;Class;Start_s;End_s\r\na;walk;0,5;1,25\r\n")
    assert found.videos["a"].events == (Event("walk", 0.5, 1.25),)


def test_a_decimal_comma_between_commas_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(AugrgbError, match=r":2: 6 cells, expected 4.*decimal comma needs"):
        read(tmp_path, "video,label,start,end\na,walk,0,5,1,25\n")


def test_every_unreadable_row_is_reported_with_its_line(tmp_path: Path) -> None:
    text = 'video,label,start,end\na,walk,x,1\n,walk,1,2\na,walk\na,walk,1,2\na,,1,2\n"a\nb",walk,?,2\n'
    with pytest.raises(AugrgbError) as caught:
        read(tmp_path, text)
    lines = str(caught.value).splitlines()
    assert [line.split("events.csv:")[1].split(":")[0] for line in lines] == ["2", "3", "4", "6", "8"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("video,label,begin_frame,end\n", "no column start"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b"video,label,start,end\nb\xe4r,walk,0,1\n", "not UTF-8"),
        ("", "no column"),
    ],
)
def test_files_that_are_no_annotations(tmp_path: Path, data: Any, said: Any) -> None:
    with pytest.raises(AugrgbError, match=said):
        read(tmp_path, data)


def test_extra_columns_and_videos_annotated_as_empty(tmp_path: Path) -> None:
    text = (
        "video,label,start,end,duration,split,fps,subject,camera\na,walk,0,1,9.5,training,25,S1,C2\nb,,,,4,testing,,,\n"
    )
    found = read(tmp_path, text)
    assert found.videos["a"] == VideoRecord(
        "a", 9.5, None, None, (Event("walk", 0.0, 1.0),), 25.0, "S1", "C2", subset="training"
    )
    assert found.videos["b"] == VideoRecord("b", 4.0, events=(), subset="testing")


def test_rows_that_disagree_about_a_video_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AugrgbError, match=r":3: .*differs"):
        read(tmp_path, "video,label,start,end,duration\na,walk,0,1,5\na,walk,1,2,6\n")


def test_a_class_list_closes_the_classes_and_gives_their_order(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("walk\nsit\n")
    found = read(tmp_path, "video,label,start,end\na,walk,0,1\n", classes=tmp_path / "classes.txt")
    assert found.classes == ("walk", "sit") and found.closed


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "'=x", "''@y", "'plain'", "a=b"])
def test_no_cell_is_a_formula_and_all_come_back(tmp_path: Path, text: Any) -> None:
    annotations = AnnotationSet((text,), {text: VideoRecord(text, events=(Event(text, 0.0, 1.0),))})
    path = tmp_path / "out.csv"
    PlainCsv().write(annotations, path)
    row = path.read_text().splitlines()[1]
    assert row.strip('"')[0] not in "=+-@"
    assert PlainCsv().read(path) == annotations


def test_a_large_file_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augrgb.annotations.reading.text_files.WHOLE_FILE_LIMIT", 10)
    assert read(tmp_path, "video,label,start,end\na,walk,0,1\n").videos["a"].events
