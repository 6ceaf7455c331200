"""Tables and JSON lists of events as people have them: each is read right, asked about, or refused with the remedy."""

import gzip
import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.read import Judged, Source, read_and_judge
from augrgb.core.errors import AugrgbError
from support.video_samples import numbered_frames, write_video

PLAIN = "video,label,start,end\na,walk,0.5,1.5\n"
WALK = [("a", "walk", 0.5, 1.5)]


def judged(tmp_path: Path, data: Any, name: str = "events.csv", videos: Path | None = None, **options: Any) -> Judged:
    path = tmp_path / name
    path.write_bytes(
        data if isinstance(data, bytes) else (data if isinstance(data, str) else json.dumps(data)).encode()
    )
    return read_and_judge(Source(path, options=options, videos=videos))


def events(found: Judged) -> list[tuple[str, str, float, float]]:
    return [(i, e.label, e.start_s, e.end_s) for i, v in found.annotations.videos.items() for e in v.events or ()]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "mixed"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    text = "video,label,start,end\na,grüßen,0.5,1.5\nb,walk,2,3\nc,walk,4,5\n"
    text = text.replace("\n", "\r\n", 1).replace("1.5\n", "1.5\r") if end == "mixed" else text.replace("\n", end)
    found = judged(tmp_path, text.encode(encoding))
    assert events(found) == [("a", "grüßen", 0.5, 1.5), ("b", "walk", 2, 3), ("c", "walk", 4, 5)]


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    data = "video,label,start,end\na,歩く,0.5,1.5\n".encode("cp932")
    assert any("--set encoding=NAME" in finding.detail for finding in judged(tmp_path, data).findings)
    assert events(judged(tmp_path, data, encoding="cp932")) == [("a", "歩く", 0.5, 1.5)]
    for wrong in ("nope", "zlib", "utf-8"):
        with pytest.raises(AugrgbError, match=r"E-CFG-003|E-FILE-002"):
            judged(tmp_path, data, encoding=wrong)


@pytest.mark.parametrize(
    "text",
    [
        "VIDEO,Label,START,End\na,walk,0.5,1.5\n",
        "videoName,className,startTime,endTime\na,walk,0.5,1.5\n",
        "video;label;start;end\na;walk;0,5;1,5\n",
        'video,label,start,end\na,walk,"0,5","1,500"\n'.replace('"1,500"', '"1,5"'),
        'video,label,start,end\na,walk,"0,500",1.5\n',
        "video,label,start_ms,end_ms\na,walk,500,1500\n",
        "video,label,Start (ms),End (ms)\na,walk,500,1500\n",
        "video,label,startFrame,endFrame,fps\na,walk,5,15,10\n",
        "video,label,start_frame,end_frame,start,end\na,walk,50,150,0.5,1.5\n",
        "video,label,start,end\na,walk,0.5s,1.5 sec\n",
        "video,label,start,end\na,walk,0m0.5s,0:01.5\n",
        "video,label,start,end\na,walk,0.5,1.5,,\n",
        "# made by hand\n# at 25 frames, more or less\nvideo,label,start,end\na,walk,0.5,1.5\n",
        "#video,label,start,end\na,walk,0.5,1.5\n",
        'video,labels,start,end\na,"[""walk""]",0.5,1.5\n',
        "video,label,start,duration\na,walk,0.5,1\n",
        "filename,event_label,onset,offset\na,walk,0.5,1.5\n",
    ],
)
def test_one_event_in_many_ways(tmp_path: Path, text: str) -> None:
    assert events(judged(tmp_path, text)) == WALK


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("video,label,label,start,end\na,walk,run,1,2\n", "E-ANN-034", "two columns are called 'label'"),
        ("video,label,start,start,end\na,walk,1,2,3\n", "E-ANN-034", "two columns are called 'start'"),
        ("video,label,start_frame,end_frame\na,walk,1,2\n", "E-ANN-007", "--set rate=25, or a column fps; or --videos"),
        ("video,label,start_frame,end\na,walk,1,2\n", "E-ANN-006", "no column start"),
        ("video,label,start,end\na,walk,00:00:01:12,00:00:02:00\n", "E-ANN-002", "--set rate=25"),
        ("video,label,start,end\na,walk,1_0,2_0\n", "E-ANN-002", "not a number of seconds"),
        ('video,label,start,end\na,walk,"1,250",2\n', "E-ANN-002", "could be 1.25 or 1250"),
        ("video,label,start,end\na,walk,10:00:00 AM,10:00:05 AM\n", "E-ANN-002", "hours:minutes:seconds"),
        ("a.mp4,walk,0,1\nb.mp4,run,1,2\n", "E-ANN-006", "the first line is no header.*--set 'columns="),
        ("", "E-ANN-006", "the file is empty"),
    ],
)
def test_what_is_not_clear_is_asked_about(tmp_path: Path, text: str, code: str, said: str) -> None:
    with pytest.raises(AugrgbError, match=f"(?s){code}.*{said}"):
        judged(tmp_path, text)


def test_options_say_what_a_table_does_not(tmp_path: Path) -> None:
    bare = "1.0\t2.0\twalk\n3\t4\trun\n"
    found = judged(tmp_path, bare, "clip.txt", columns=("start", "end", "label"))
    assert events(found) == [("clip", "walk", 1, 2), ("clip", "run", 3, 4)]
    codes = "video,label,start,end\na,walk,00:00:01:12,00:00:02:00\n"
    assert events(judged(tmp_path, codes, rate=24)) == [("a", "walk", 1.5, 2)]
    drop = "video,label,start,end\na,walk,00:10:00;00,00:10:01;00\n"  # 17,982 frames of 29.97 in ten minutes
    (event,) = events(judged(tmp_path, drop, rate=30000 / 1001))
    assert event[2] == pytest.approx(17982 * 1001 / 30000)
    mixed = "video,label,start,end\na,walk,0:00.5,1500\n"  # a clock time is one whatever the unit
    assert events(judged(tmp_path, mixed, unit="milliseconds")) == WALK
    frames = "video,label,start_ms,end_ms\na,walk,5,15\n"
    assert events(judged(tmp_path, frames, unit="frames", rate=10)) == WALK
    with pytest.raises(AugrgbError, match=r"E-CFG-013.*there are none"):
        judged(tmp_path, PLAIN, rate=25)


def test_frame_numbers_are_measured_with_the_videos(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    write_video(tmp_path / "v/clip.mp4", np.asarray(numbered_frames(40, 32, 32)), fps=10)
    text = "video,label,start_frame,end_frame\nclip.mp4,walk,5,15\n"
    (event,) = events(judged(tmp_path, text, videos=tmp_path / "v"))
    assert event[:2] == ("clip", "walk") and event[2:] == pytest.approx((0.5, 1.5))


def test_files_named_after_videos(tmp_path: Path) -> None:
    for name, label in (("clip1", "walk"), ("clip2", "run")):
        (tmp_path / f"{name}.csv").write_text(f"label,start,end\n{label},0,1\n")
    found = read_and_judge(Source(tmp_path))
    assert events(found) == [("clip1", "walk", 0, 1), ("clip2", "run", 0, 1)]
    assert sum("named after videos" in finding.kind for finding in found.findings) == 2
    rows = [{"label": "walk", "start": 0, "end": 1}]
    assert events(judged(tmp_path, rows, "clip9.json")) == [("clip9", "walk", 0, 1)]
    with pytest.raises(AugrgbError, match=r"E-ANN-035.*some do not"):
        judged(tmp_path, [*rows, {"video": "b", "label": "walk", "start": 0, "end": 1}], "clip9.json")


def test_labels_that_are_several(tmp_path: Path) -> None:
    both = [("a", "cut", 1, 2), ("a", "stir", 1, 2)]
    assert events(judged(tmp_path, 'video,labels,start,end\na,"[""cut"",""stir""]",1,2\n')) == both
    assert events(judged(tmp_path, [{"video": "a", "label": ["cut", "stir"], "start": 1, "end": 2}], "e.json")) == both
    text = "video,label,start,end\na,cut;stir,1,2\n"
    assert any("--set 'several=;'" in finding.detail for finding in judged(tmp_path, text).findings)
    assert events(judged(tmp_path, text, several=";")) == both
    commas = 'video,label,start,end\na,cut,1,2\na,stir,3,4\na,"cut, stir",5,6\nb,"walk, fast",5,6\n'
    (note,) = (f.detail for f in judged(tmp_path, commas).findings if f.kind == "labels that could be several")
    assert "'cut, stir'" in note
    with pytest.raises(AugrgbError, match="E-CFG-003"):
        judged(tmp_path, text, several=3)


def test_labels_that_are_no_class(tmp_path: Path) -> None:
    found = judged(tmp_path, "video,label-idx,start,end\na,-1,1,2\na,3,2,3\nb,run,1,2\n")
    assert [e[1] for e in events(found)] == ["-1", "3", "run"]  # beside names it is one
    numbers = judged(tmp_path, "video,label-idx,start,end\na,-1,1,2\na,3,2,3\n")
    assert [e[1] for e in events(numbers)] == ["3"] and numbers.annotations.classes == ("3",)
    assert [region.label for region in numbers.annotations.videos["a"].ignored] == ["-1"]
    (tmp_path / "map.yaml").write_text("'-1': unclear\n")
    mapped = read_and_judge(Source(tmp_path / "events.csv", class_map=tmp_path / "map.yaml")).annotations
    assert mapped.classes == ("3", "unclear") and not mapped.videos["a"].ignored
    assert [e[1] for e in events(judged(tmp_path, "video,label,start,end\na,Ambiguous,1,2\n", ignore=()))] == [
        "Ambiguous"
    ]


def test_times_that_are_days(tmp_path: Path) -> None:
    found = judged(tmp_path, "video,label,start,end\na,walk,0.0000115741,0.00005787\n")
    assert [f.kind for f in found.findings if f.action == "refused"] == [
        "times look like fractions of a day or an hour"
    ]


def zipped(members: dict[str, bytes]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.getvalue()


@pytest.mark.parametrize("name", ["export.zip", "export.csv", "export", "export.ZIP"])
def test_archives_are_known_by_their_bytes_and_opened_in_archives(tmp_path: Path, name: str) -> None:
    assert events(judged(tmp_path, zipped({"deep/e.csv": PLAIN.encode()}), name)) == WALK
    assert events(judged(tmp_path, zipped({"inner.zip": zipped({"e.csv": PLAIN.encode()})}), name)) == WALK
    deeper = zipped({"one.zip": zipped({"two.zip": zipped({"e.csv": PLAIN.encode()})})})
    with pytest.raises(AugrgbError, match=r"E-FILE-006.*holds one/two.zip"):
        judged(tmp_path, deeper, name)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("e.xlsx", zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "spreadsheet.*CSV"),
        ("e.csv", zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "spreadsheet.*CSV"),
        ("e.csv.gz", gzip.compress(PLAIN.encode(), mtime=0), "gzip.*gunzip"),
        ("e.pkl", b"\x80\x04\x95.", "pickle.*run code"),
        ("e.ass", b"[Script Info]\n", "SubRip"),
        ("e.TextGrid", b'File type = "ooTextFile"\n', "Praat.*ELAN"),
        ("e.db", b"SQLite format 3\x00", "database.*CSV"),
    ],
)
def test_other_files_are_named_with_a_way_out(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    with pytest.raises(AugrgbError, match=f"(?s)E-ANN-006.*{said}"):
        judged(tmp_path, data, name)


def test_a_folder_of_several_formats_says_which(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.csv").write_text(PLAIN)
    (tmp_path / "x/b.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nwalk\n")
    with pytest.raises(AugrgbError, match=r"E-ANN-006.*webvtt \(b.vtt\), csv \(a.csv\).*--format.*left aside"):
        read_and_judge(Source(tmp_path / "x"))
    assert events(read_and_judge(Source(tmp_path / "x", "csv"))) == WALK


def test_what_rows_say_about_their_video(tmp_path: Path) -> None:
    rows = "a,walk,0,1,Ana,hall\na,sit,1,2,,hall\nb,walk,0,1,Ana,\nb,sit,1,2,Bob,\n"
    found = judged(tmp_path, f"video,label,start,end,person,location\n{rows}")
    known = found.annotations.videos
    assert (known["a"].subject, known["a"].scene) == ("Ana", "hall")  # an empty cell says nothing
    assert (known["b"].subject, known["b"].scene) == (None, None) and len(known["b"].events or ()) == 2
    notes = [(f.code, f.where, f.detail) for f in found.findings if f.code == "E-ANN-044"]
    assert notes == [("E-ANN-044", "b", "several values of subject (Ana, Bob): none is kept")]


def regions(found: Judged, video: str = "a") -> list[tuple[str, float, float]]:
    return [(r.label, r.start_s, r.end_s) for r in found.annotations.videos[video].ignored]


def test_an_event_without_times_refuses_nothing(tmp_path: Path) -> None:
    """Where it may be is ignored; the rest of the file counts."""
    head, good = "video,label,start,end,video_duration\n", "a,walk,2,4,10\nb,walk,1,2,10\n"
    found = judged(tmp_path, f"{head}a,sit,NA,,10\n{good}")
    assert events(found) == [("a", "walk", 2, 4), ("b", "walk", 1, 2)]
    assert regions(found) == [("sit", 0, 2), ("sit", 4, 10)] and not regions(found, "b")
    notes = [f.detail for f in found.findings if f.kind == "events without times"]
    assert notes == ["1 events lack a start, an end or both: where they may be is ignored"]
    assert regions(judged(tmp_path, f"{head}{good}a,sit,7,,10\n")) == [("sit", 7, 10)]
    assert regions(judged(tmp_path, f"{head}{good}a,sit,-,1.5,10\n")) == [("sit", 0, 1.5)]
    alone = judged(tmp_path, f"{head}a,sit,,,10\nb,walk,1,2,10\n").annotations.videos["a"]
    assert alone.events is None  # nothing is known of it


def test_a_column_that_seems_to_name_videos_is_asked_about(tmp_path: Path) -> None:
    rows = "recording,label,start,end\nx/a.mp4,walk,0.5,1.5\n"
    with pytest.raises(
        AugrgbError, match=r"E-ANN-034.*'recording' seems to name videos. Say so: --set video=recording"
    ):
        judged(tmp_path, rows)
    assert events(judged(tmp_path, rows, video="recording")) == [("x/a.mp4", "walk", 0.5, 1.5)]
    listed = [{"recording": "a.mp4", "label": "walk", "start": 0.5, "end": 1.5}]
    with pytest.raises(AugrgbError, match=r"E-ANN-034.*--set video=recording"):
        judged(tmp_path, listed, "events.json")
    for names in ("label,youtube_id,time_start,time_end", "video_path,action,begin_s,end_s"):
        row = "walk,a,0.5,1.5" if names.startswith("label") else "a,walk,0.5,1.5"
        assert events(judged(tmp_path, f"{names}\n{row}\n")) == WALK


@pytest.mark.parametrize("name", ["events.json", "events.jsonl"])
def test_events_by_video_and_json_lines(tmp_path: Path, name: str) -> None:
    event = {"label": "walk", "start": 0.5, "end": 1.5}
    lines = "\n".join(json.dumps(row) for row in ({"video": "a", **event}, {"video": "b"}))
    found = judged(tmp_path, lines if name.endswith("l") else {"b": [], "a": [event]}, name)
    assert found.format_name == "event-list-json" and events(found) == WALK
    assert found.annotations.videos["b"].events == ()
