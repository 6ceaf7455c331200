"""BORIS: a project and its two exports say the same."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.annotations.read import Source, read_and_judge
from augrgb.core.errors import AugrgbError
from augrgb.core.types import Event
from support.places import SHARED, needs_shared

EVENTS = (Event("cut", 1.2, 3.4), Event("pour", 4.0, 6.5))
AGGREGATED = "Observation id\tMedia file\tTotal length\tFPS\tSubject\tBehavior\tBehavioral category\t"
AGGREGATED += "Behavior type\tStart (s)\tStop (s)\n"
TABULAR = "Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tBehavioral category\tComment\tStatus\n"


def project() -> dict[str, Any]:
    rows = [
        [1.2, "cook", "cut"],
        [3.4, "cook", "cut"],
        [4.0, "cook", "pour"],
        [5.0, "cook", "tap"],
        [6.5, "cook", "pour"],
    ]
    kinds = {"cut": "State event", "pour": "State event", "tap": "Point event"}
    return {
        "project_format_version": "7.0",
        "behaviors_conf": {str(i): {"type": kind, "code": code} for i, (code, kind) in enumerate(kinds.items())},
        "observations": {
            "one": {
                "file": {"1": ["clips/kitchen01.mp4"], "2": []},
                "time offset": 0.0,
                "events": [[*row, "", ""] for row in rows],
                "media_info": {"length": {"clips/kitchen01.mp4": 10.0}},
            }
        },
    }


def write(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / ("kitchen.boris" if kind == "project" else "events.tsv")
    media = "clips/kitchen01.mp4"
    if kind == "project":
        text = json.dumps(project())
    elif kind == "aggregated":
        spans = [("cut", "STATE", 1.2, 3.4), ("pour", "STATE", 4.0, 6.5), ("tap", "POINT", 5.0, 5.0)]
        text = AGGREGATED + "".join(f"one\t{media}\t10.0\t25.0\tcook\t{b}\t\t{t}\t{s}\t{e}\n" for b, t, s, e in spans)
    else:
        rows = [
            (1.2, "cut", "START"),
            (3.4, "cut", "STOP"),
            (4.0, "pour", "START"),
            (5.0, "tap", "POINT"),
            (6.5, "pour", "STOP"),
        ]
        text = "Observation id\tone\n\nTime offset (s)\t0.0\n\n" + TABULAR
        text += "".join(f"{t}\t{media}\t10.0\t25.0\tcook\t{b}\t\t\t{s}\n" for t, b, s in rows)
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", ["project", "aggregated", "tabular"])
def test_the_three_say_the_same(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind)
    assert detect_format(path) == "boris"
    found = read_annotations(path)
    video = found.videos["kitchen01"]
    assert video.events == EVENTS and video.duration_s == 10.0 and found.classes == ("cut", "pour")
    assert [note.detail for note in found.findings] == ["1 without a length"]


def changed(tmp_path: Path, old: str, new: str) -> Path:
    path = write(tmp_path, "tabular")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("6.5\tclips/", "6.5\tother/", r"plays 2 files whose lengths are not known.*project \(.boris\)"),
        ("\tSTOP\n4.0", "\tHALT\n4.0", "'cut' has the status 'HALT'"),
        ("one\n\n", "one\n\nPlayer #1\ta.mp4\nPlayer #1\tb.mp4\n\n", "plays 2 files"),
    ],
)
def test_refusals_of_tables(tmp_path: Path, old: str, new: str, text: str) -> None:
    with pytest.raises(AugrgbError, match=text):
        read_annotations(changed(tmp_path, old, new))


def open_states(path: Path) -> tuple[list[tuple[str, float, float]], list[tuple[str, float, float]], list[str]]:
    judged = read_and_judge(Source(path))
    video = judged.annotations.videos["kitchen01"]
    notes = [finding.detail for finding in judged.findings if finding.kind == "states without a start or a stop"]
    return ([astuple(e) for e in video.events or ()], [astuple(e) for e in video.ignored], notes)


def test_a_state_that_never_stops(tmp_path: Path) -> None:
    """Nobody knows when it stopped, so its video is ignored from there; the rest of the file counts."""
    path = write(tmp_path, "project")
    found = project()
    found["observations"]["one"]["events"].pop()
    path.write_text(json.dumps(found))
    events, ignored, notes = open_states(path)
    assert events == [("cut", 1.2, 3.4)] and ignored == [("pour", 4.0, 10.0)]
    assert notes == ["1 (1 in 'one'): ignored as far as they may last; close them in BORIS"]
    media = ["a/first.mp4", "b/second.mp4", "c/third.mp4"]
    one = found["observations"]["one"]
    one["file"]["1"], one["media_info"]["length"] = media, dict(zip(media, (3.0, 4.0, 2.0), strict=True))
    path.write_text(json.dumps(found))
    videos = read_and_judge(Source(path)).annotations.videos
    assert [[astuple(e) for e in videos[i].events or ()] for i in ("first", "second")] == [
        [("cut", 1.2, 3.0)],
        [("cut", 0.0, pytest.approx(0.4))],
    ]
    regions = {i: [(e.start_s, e.end_s) for e in videos[i].ignored] for i in videos}
    assert regions == {"first": [], "second": [(1.0, 4.0)], "third": [(0.0, 2.0)]}


@pytest.mark.parametrize(
    ("dropped", "events", "ignored"),
    [
        (
            "6.5",
            [("cut", 1.2, 3.4)],
            [("pour", 4.0, 10.0)],
        ),  # a STOP that is missing, as where an interval was exported
        ("1.2", [("pour", 4.0, 6.5)], [("cut", 0.0, 3.4)]),  # a START that is missing
    ],
)
def test_halves_of_states_in_tables(
    tmp_path: Path, dropped: str, events: list[tuple[str, float, float]], ignored: list[tuple[str, float, float]]
) -> None:
    path = write(tmp_path, "tabular")
    path.write_text("".join(line for line in path.open() if not line.startswith(dropped)))
    assert open_states(path)[:2] == (events, ignored)


def test_a_second_start_and_an_aggregated_event_without_stop(tmp_path: Path) -> None:
    found = open_states(
        changed(
            tmp_path,
            "5.0\tclips/kitchen01.mp4\t10.0\t25.0\tcook\ttap\t\t\tPOINT",
            "5.0\tclips/kitchen01.mp4\t10.0\t25.0\tcook\tpour\t\t\tSTART",
        )
    )
    assert found[:2] == ([("cut", 1.2, 3.4), ("pour", 5.0, 6.5)], [("pour", 4.0, 5.0)])
    path = write(tmp_path, "aggregated")
    path.write_text(path.read_text().replace("\t4.0\t6.5", "\t4.0\tNA"))
    assert open_states(path)[:2] == ([("cut", 1.2, 3.4)], [("pour", 4.0, 10.0)])


def test_time_offsets_are_taken_off(tmp_path: Path) -> None:
    """BORIS adds an observation's time offset to every time that it writes."""
    path = changed(tmp_path, "offset (s)\t0.0", "offset (s)\t0.2")
    assert open_states(path)[0] == [("cut", 1.0, pytest.approx(3.2)), ("pour", pytest.approx(3.8), 6.3)]
    judged = read_and_judge(Source(path))
    assert [f.detail for f in judged.findings if f.kind == "time offsets taken off"] == ["'one' 0.2 s"]
    found = project()
    found["observations"]["one"]["time offset"] = 0.2
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "x.boris").write_text(json.dumps(found))
    assert open_states(tmp_path / "p")[0] == [("cut", 1.0, pytest.approx(3.2)), ("pour", pytest.approx(3.8), 6.3)]


NEW = ("Observation id", "Observation type", "Source", "Time offset (s)", "Media duration (s)", "FPS", "Subject")
NEW += ("Behavior", "Behavioral category", "Modifier #1", "Behavior type", "Time", "Media file name")


def test_tables_of_newer_versions_have_all_players(tmp_path: Path) -> None:
    """Files played one after another are told apart; of two cameras the first player's counts."""
    source = "player #1:v/a.mp4;v/b.mp4|player #2:v/side.mp4"
    rows = [
        ("one", "Media file(s)", source, "0", "4.000;6.000|10.000", "25|25", "", "cut", "", mod, kind, time, name)
        for mod, kind, time, name in (
            ("slow", "START", "3", "a.mp4"),
            ("fast", "START", "6", "b.mp4"),
            ("slow", "STOP", "5", "b.mp4"),
            ("fast", "STOP", "9", "b.mp4"),
        )
    ]
    rows.append(("two", "Live observation", "NA", "0", "NA", "NA", "", "cut", "", "", "START", "1", "NA"))
    (tmp_path / "t.tsv").write_text("\n".join("\t".join(row) for row in (NEW, *rows)))
    judged = read_and_judge(Source(tmp_path / "t.tsv"))
    events = {i: [astuple(e) for e in video.events or ()] for i, video in judged.annotations.videos.items()}
    assert events == {"a": [("cut", 3.0, 4.0)], "b": [("cut", 0.0, 1.0), ("cut", 2.0, 5.0)]}
    assert [video.duration_s for video in judged.annotations.videos.values()] == [4.0, 6.0]
    assert any("not asked for: two" in finding.detail for finding in judged.findings)


def test_refusals_of_projects(tmp_path: Path) -> None:
    found = project()
    found["observations"]["one"]["events"].append([9.0, "", "gone", "", ""])
    (tmp_path / "x.boris").write_text(json.dumps(found))
    with pytest.raises(AugrgbError, match=r"E-ANN-003.*'gone' is not among those of the project"):
        read_annotations(tmp_path)
    found = project()
    found["observations"]["one"]["media_creation_date_as_offset"] = True
    (tmp_path / "x.boris").write_text(json.dumps(found))
    with pytest.raises(AugrgbError, match=r"E-ANN-001.*date on which"):
        read_annotations(tmp_path)


def test_files_of_one_name(tmp_path: Path) -> None:
    found = project()
    other = json.loads(json.dumps(found["observations"]["one"]).replace("clips/", "other/"))
    found["observations"]["two"] = other
    (tmp_path / "x.boris").write_text(json.dumps(found))
    assert set(read_annotations(tmp_path).videos) == {"clips/kitchen01", "other/kitchen01"}


@needs_shared("cases")
@pytest.mark.parametrize("case", ["boris_project", "boris_tabular", "boris_aggregated"])
def test_shared_cases(case: str) -> None:
    found = read_annotations(SHARED / "cases" / case)
    assert (found.videos["kitchen01"].events or ())[0] == EVENTS[0]
