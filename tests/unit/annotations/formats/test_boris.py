"""BORIS: a project and its two exports say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.choose_format import detect_format, read_annotations
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


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("6.5\t", "6.5\tother", "several"),
        ("\tSTOP\n4.0", "\tSTART\n4.0", "out of place"),
        ("offset (s)\t0.0", "offset (s)\t2.5", "time offset"),
    ],
)
def test_refusals_of_tables(tmp_path: Path, old: str, new: str, text: str) -> None:
    path = write(tmp_path, "tabular")
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(AugrgbError, match=text):
        read_annotations(path)


def test_a_state_that_never_stops(tmp_path: Path) -> None:
    path = write(tmp_path, "project")
    found = project()
    found["observations"]["one"]["events"].pop()
    path.write_text(json.dumps(found))
    with pytest.raises(AugrgbError, match="never stops"):
        read_annotations(path)


@needs_shared("cases")
@pytest.mark.parametrize("case", ["boris_project", "boris_tabular", "boris_aggregated"])
def test_shared_cases(case: str) -> None:
    found = read_annotations(SHARED / "cases" / case)
    assert (found.videos["kitchen01"].events or ())[0] == EVENTS[0]
