"""Subtitles are read as they are written, and as people edit them."""

from __future__ import annotations

from pathlib import Path

import pytest

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.choose_format import detect_format, read_annotations, write_annotations
from augrgb.core.errors import AugrgbError
from augrgb.core.types import Event, VideoRecord


@pytest.mark.parametrize("name", ["srt", "webvtt"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    events = (Event("cut <b> & stir", 1.0, 3.25), Event("pour", 2.0, 3600.5))
    videos = {"a": VideoRecord("a", events=events), "b": VideoRecord("b", events=())}
    written = AnnotationSet(("cut <b> & stir", "pour"), videos)
    write_annotations(written, tmp_path / "out", format_name=name)
    assert detect_format(tmp_path / "out") == name
    assert read_annotations(tmp_path / "out").videos == videos


def test_as_people_edit_them(tmp_path: Path) -> None:
    vtt = "WEBVTT - title\n\nNOTE no cue\n\nSTYLE\n::cue {}\n\n"
    vtt += "first\n00:01.000 --> 00:03.000 align:start\n<v Ann>cut</v>\n"
    (tmp_path / "a.vtt").write_text(vtt)
    assert read_annotations(tmp_path / "a.vtt").videos["a"].events == (Event("cut", 1.0, 3.0),)
    srt = "\ufeff1\r\n00:00:01,500 --> 00:00:03,000\r\n{\\an8}<i>cut</i>\r\nthe bread\r\n\r\n"
    (tmp_path / "b.srt").write_bytes(srt.encode())
    assert read_annotations(tmp_path / "b.srt").videos["b"].events == (Event("cut the bread", 1.5, 3.0),)


def test_scores_of_detections_are_no_part_of_the_label(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(
        "1\n00:00:01,000 --> 00:00:03,000\ncut 0.93\n\n2\n00:00:04,000 --> 00:00:05,000\npour 0.50\n"
    )
    found = read_annotations(tmp_path / "a.srt")
    assert found.classes == ("cut", "pour") and found.findings[0].code == "E-ANN-022"


def test_refusals_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:01,000 --> soon\ncut\n")
    with pytest.raises(AugrgbError, match=r"E-ANN-005.*a\.srt:2"):
        read_annotations(path)
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\n\n")
    video = read_annotations(path).videos["a"]  # a cue without text is no action, and not nothing
    assert video.events == () and [(event.start_s, event.end_s) for event in video.ignored] == [(1.0, 2.0)]
