from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.annotations.formats import PlainCsv
from augrgb.core.errors import AugrgbError, UsageFault
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
    text = 'video,label,start,end\na,walk,x,1\n,walk,1,2\na,walk\na,walk,1,2\na,,1,two\n"a\nb",walk,?,2\n'
    with pytest.raises(AugrgbError) as caught:
        read(tmp_path, text)
    lines = str(caught.value).splitlines()
    assert [line.split("events.csv:")[1].split(":")[0] for line in lines] == ["2", "3", "4", "6", "8"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("video,label,begin_frame,end\n", "no column start"),
        (b"\xff\xfe\x00", "UTF-16"),
        (bytes(50), "zero bytes"),
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


PLAIN = "video,label,start,end\nkäse,rühren,1.5,3.25\nb,walk,0,1\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "   "])
def test_any_encoding_line_end_and_separator(tmp_path: Path, encoding: str, end: str, separator: str) -> None:
    data = PLAIN.replace(",", separator).replace("\n", end).encode(encoding)
    found = read(tmp_path, data)
    assert found.videos["käse"].events == (Event("rühren", 1.5, 3.25),) and found.classes == ("rühren", "walk")
    assert detect_format(tmp_path / "events.csv") == "csv"


def test_an_assumed_encoding_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(PLAIN.encode("cp1252"))
    assert [(f.code, f.action) for f in read_annotations(path).findings] == [("E-FILE-014", "noted")]
    path.write_bytes(PLAIN.encode("utf-16"))
    assert not read_annotations(path).findings


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("sep=;\r\nvideo;label;start;end\r\na;walk;1,5;3,25\r\n", 1.5, 3.25),
        ('video,label,start,end\na,walk,"1,5","3,25"\n', 1.5, 3.25),
        ("\nvideo,label,start,end\na,walk,00:00:01.500,00:01:03.250\n", 1.5, 63.25),
        ('video,label,start,end\na,walk,0:04,"1:02:03,250"\n', 4.0, 3723.25),
        ("Video File,Behaviour,Start Time (s),End Time [sec]\na,walk,1,2\n", 1.0, 2.0),
        ("video,type,type_idx,start,end,startFrame,endFrame\na,walk,12,1.5,2,45,60\n", 1.5, 2.0),
        ("clip,onset,duration,trial_type\na,1.5,2,walk\n", 1.5, 3.5),
        ("video,label,t-init,t-end,video-duration\na,walk,1,2,1.0\n", 1.0, 2.0),
    ],
)
def test_tables_as_tools_write_them(tmp_path: Path, text: str, start: float, end: float) -> None:
    assert read(tmp_path, text).videos["a"].events == (Event("walk", start, end),)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("0:75", "minutes and seconds go up to 59"),
        ("00:00:01:12", "ends in frames"),
        ('"1,250"', "could be 1.25 or 1250 seconds"),
        ("soon", "not a number of seconds"),
    ],
)
def test_times_that_cannot_be_read(tmp_path: Path, start: str, said: str) -> None:
    with pytest.raises(AugrgbError, match=f"E-ANN-002.*:2: start .*{said}"):
        read(tmp_path, f"video,label,start,end\na,walk,{start},90\n")


def test_exact_column_names_win_and_other_candidates_are_noted(tmp_path: Path) -> None:
    found = read(tmp_path, "id,action,label,video,start,end\n7,x,walk,a,0,1\n")
    assert found.videos["a"].events == (Event("walk", 0.0, 1.0),)
    details = [finding.detail for finding in found.findings]
    assert len(details) == 2 and "'id' is left alone" in details[0] and "--set label=action" in details[1]
    assert not read(tmp_path, "id,action,label,video,start,end\n7,x,walk,a,0,1\n", video="id", label="action").findings


def test_columns_can_be_named(tmp_path: Path) -> None:
    text = "video-name,t-init,t-end,what-idx\na,0,1,-1\n"
    with pytest.raises(AugrgbError, match=r"no column label.*--set label=COLUMN"):
        read(tmp_path, text)
    assert read(tmp_path, text, label="what-idx").classes == ("-1",)
    with pytest.raises(UsageFault, match=r"no column 'what-id'.*did you mean 'what-idx'"):
        read(tmp_path, text, label="what-id")
    path = tmp_path / "events.csv"
    with pytest.raises(AugrgbError, match=r"E-ANN-006.*not csv: no column label among .*what-idx"):
        detect_format(path)
    assert detect_format(path, {"label": "what-idx"}) == "csv"


def test_durations_of_events_are_not_the_videos_length(tmp_path: Path) -> None:
    text = "video,label,start,end,duration\na,walk,1,3,2.0\na,sit,5,8,3.0\nb,walk,4,6,2\n"
    found = read(tmp_path, text)
    assert found.videos["a"] == VideoRecord("a", events=(Event("walk", 1.0, 3.0), Event("sit", 5.0, 8.0)))
    assert [finding.code for finding in found.findings] == ["E-ANN-043"]
    assert read(tmp_path, text.replace("a,", "c,", 1), duration="duration").videos["b"].duration_s == 2.0
    named = read(tmp_path, text.replace("end,duration", "end,video_duration").replace("\na,sit,5,8,3.0", ""))
    assert [named.videos[name].duration_s for name in "ab"] == [2.0, 2.0]  # what the name says
    whole = read(tmp_path, "video,label,start,end,duration\na,walk,0,3,3\nb,walk,0,6,6\n")
    assert whole.videos["a"].duration_s == 3.0 and not whole.findings  # both readings agree


@pytest.mark.parametrize(
    ("options", "start", "end"),
    [
        ({"unit": "milliseconds"}, 0.05, 0.1),
        ({"unit": "frames", "rate": 10}, 5.0, 10.0),
        ({"unit": "frames", "rate": {"a": 50}}, 1.0, 2.0),
        ({"unit": "frames"}, 2.0, 4.0),  # by the column fps
        ({}, 50.0, 100.0),
    ],
)
def test_the_unit_of_times_can_be_given(tmp_path: Path, options: Any, start: float, end: float) -> None:
    found = read(tmp_path, "video,label,start,end,fps\na,walk,50,100,25\n", **options)
    assert found.videos["a"].events == (Event("walk", start, end),)


def test_frames_without_a_rate_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AugrgbError, match=r"E-ANN-007.*--set rate=25"):
        read(tmp_path, "video,label,start,end\na,walk,50,100\n", unit="frames")
    with pytest.raises(AugrgbError, match="E-CFG-013"):
        read(tmp_path, "video,label,start,end\na,walk,50,100\n", rate=25)
