import pytest

from augrgb.core.errors import AugrgbError
from augrgb.core.types import Event
from augrgb.datasets.csv_events import read_csv_events


def write(tmp_path, data):
    path = tmp_path / "events.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_plain_rows(tmp_path):
    rows = read_csv_events(write(tmp_path, "video,label,start,end\na.mp4,walk,0,1.5\n\n'b',sit,2,3\n"))
    assert [(row.video, row.event, row.line) for row in rows] == [
        ("a.mp4", Event("walk", 0.0, 1.5), 2),
        ("'b'", Event("sit", 2.0, 3.0), 4),
    ]


def test_mark_crlf_semicolons_and_decimal_commas(tmp_path):
    rows = read_csv_events(write(tmp_path, b"\xef\xbb\xbfVideo_ID;Class;Start_s;End_s\r\na;walk;0,5;1,25\r\n"))
    assert rows[0].event == Event("walk", 0.5, 1.25)


def test_every_bad_row_is_reported_with_its_line(tmp_path):
    text = "video,label,start,end\na,walk,x,1\na,walk,3,2\na,walk,nan,2\n,walk,1,2\na,walk\na,walk,1,2\n"
    with pytest.raises(AugrgbError) as caught:
        read_csv_events(write(tmp_path, text))
    lines = str(caught.value).splitlines()
    assert [line.split("events.csv:")[1].split(":")[0] for line in lines] == ["2", "3", "4", "5", "6"]


@pytest.mark.parametrize(
    ("data", "said"),
    [("video,label,begin_frame,end\n", "no column start"), (b"\xff\xfe\x00", "not UTF-8"), ("", "no column")],
)
def test_files_that_are_no_annotations(tmp_path, data, said):
    with pytest.raises(AugrgbError, match=said):
        read_csv_events(write(tmp_path, data))
