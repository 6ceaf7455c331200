"""Exports of Label Studio: JSON, JSON-MIN, CSV and TSV say the same; sound; several annotations of a task."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from augrgb.annotations.choose_format import detect_format, read_annotations
from augrgb.core.errors import AugrgbError, InputRefused, UsageFault
from augrgb.core.types import Event
from support.places import SHARED, needs_shared

VIDEO = "/data/upload/3/1a2b3c4d-kitchen01.mp4"
EVENTS = (Event("cut", 0.4, 1.2), Event("pour", 1.6, 2.4), Event("talk", 0.5, 1.25))
TIMELINE: list[dict[str, Any]] = [
    {"ranges": [{"start": 11, "end": 30}], "timelinelabels": ["cut"]},
    {"ranges": [{"start": 41, "end": 60}], "timelinelabels": ["pour"]},
]
SOUND: dict[str, Any] = {"start": 0.5, "end": 1.25, "channel": 0, "labels": ["talk"], "original_length": 9.0}


def result(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": "x", "from_name": "c", "to_name": "v", "type": kind, "value": value}


FULL = [*(result("timelinelabels", value) for value in TIMELINE), result("labels", SOUND)]


def task(*annotations: list[dict[str, Any]], video: str = VIDEO, **more: Any) -> dict[str, Any]:
    return {"id": 1, "annotations": [{"id": 1, "result": r} for r in annotations], "data": {"video": video}, **more}


def row(**more: Any) -> dict[str, Any]:
    """A row as `convert_to_json_min` puts it together: the task's data, then a key per control, then these."""
    about = {
        "annotator": 1,
        "annotation_id": 7,
        "created_at": "2026-01-01",
        "updated_at": "2026-01-01",
        "lead_time": 9.5,
    }
    return {"video": VIDEO, "id": 1, "videoLabels": TIMELINE, "audioLabels": [SOUND], "mood": "calm", **about, **more}


def table(rows: list[dict[str, Any]], separator: str) -> str:
    """As `exports/csv2.py` writes it: sorted columns, lists as JSON, everything but numbers in quotes."""
    text = io.StringIO()
    names = sorted({key for row in rows for key in row} | {"was_cancelled"})
    writer = csv.DictWriter(text, names, quoting=csv.QUOTE_NONNUMERIC, delimiter=separator)
    writer.writeheader()
    for values in rows:
        writer.writerow({k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in values.items()})
    return text.getvalue()


@pytest.mark.parametrize("kind", ["json", "min", "csv", "tsv"])
def test_the_exports_say_the_same(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"export.{'json' if kind == 'min' else kind}"
    texts = {"json": json.dumps([task(FULL)]), "min": json.dumps([row()])}
    path.write_text(texts[kind] if kind in texts else table([row()], "," if kind == "csv" else "\t"))
    assert detect_format(path) == ("label-studio" if kind == "json" else "label-studio-min")
    found = read_annotations(path, options={"fps": 25})
    assert set(found.videos["kitchen01"].events or ()) == set(EVENTS)  # columns of a table stand in another order
    with pytest.raises(InputRefused, match="E-ANN-060"):
        read_annotations(path)


def test_sound_alone_needs_no_frame_rate(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task([result("labels", SOUND)], video="s3://bucket/talk.wav")]))
    assert read_annotations(path).videos["talk"].events == EVENTS[2:]
    text = result("labels", {"start": 0, "end": 5, "text": "hello", "labels": ["Person"]})  # characters, not seconds
    path.write_text(json.dumps([task([text])]))
    found = read_annotations(path)
    assert found.videos["kitchen01"].events is None and found.findings[0].code == "E-ANN-022"


def test_an_empty_annotation_refuses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task([], FULL, [])]))
    found = read_annotations(path, options={"fps": 25})
    assert found.videos["kitchen01"].events == EVENTS and "2 without any result" in found.findings[0].detail
    path.write_text(json.dumps([task([], [])]))
    assert read_annotations(path).videos["kitchen01"].events == ()
    path.write_text(json.dumps([task(FULL, FULL)]))
    with pytest.raises(UsageFault, match=r"E-ANN-028 .*2 annotations"):
        read_annotations(path, options={"fps": 25})
    nameless = result("timelinelabels", {"ranges": [{"start": 1, "end": 25}], "timelinelabels": []})
    path.write_text(json.dumps([task([nameless])]))
    found = read_annotations(path, options={"fps": 25})
    assert found.videos["kitchen01"].events == () and found.videos["kitchen01"].ignored == (Event("", 0.0, 1.0),)


def test_rows_of_one_task_are_its_annotations(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    late = row(created_at="2026-02-01", annotation_id=8, videoLabels=TIMELINE[:1], audioLabels=[])
    path.write_text(json.dumps([late, row()]))  # the newest stands first
    with pytest.raises(UsageFault, match="E-ANN-028"):
        read_annotations(path, options={"fps": 25})
    assert read_annotations(path, options={"fps": 25, "annotator": "first"}).videos["kitchen01"].events == EVENTS
    assert read_annotations(path, options={"fps": 25, "annotator": "last"}).videos["kitchen01"].events == EVENTS[:1]
    never = {"video": "b.mp4", "id": 2, "annotator": "", "annotation_id": None, "lead_time": None}
    empty = {"video": "c.mp4", "id": 3, "annotator": 1, "annotation_id": 9, "lead_time": 1.0}
    path.write_text(json.dumps([never, empty, row(id=1, annotation_id=7)]))
    videos = read_annotations(path, options={"fps": 25}).videos
    assert videos["b"].events is None and videos["c"].events == () and videos["kitchen01"].events == EVENTS


def test_damaged_rows(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text('annotation_id,annotator,lead_time,video,kinds\n1,1,1,a.mp4,"[{"\n1,1,1\n')
    with pytest.raises(AugrgbError, match=r"E-FILE-010 .*export\.csv:2"):
        read_annotations(path)


@needs_shared("cases/ls_min")
def test_the_shared_export() -> None:
    path = SHARED / "cases" / "ls_min" / "export.json"
    assert read_annotations(path, options={"fps": 25}).videos["kitchen01"].events == EVENTS[:2]


def test_a_list_of_events_for_create_ml(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    rows: list[dict[str, Any]] = [
        {"video": "kitchen01.mov", "label": "cut", "start": "00:01.50", "end": "00:03.25"},
        {"video": "kitchen01.mov", "label": "pour", "start": 4, "end": 6.5},
        {"video": "kitchen01.mov", "label": "", "start": 7, "end": 8},
        {"video": "empty.mov", "label": None, "start": None, "end": None},
    ]
    path.write_text(json.dumps(rows))
    assert detect_format(path) == "event-list-json"
    videos = read_annotations(path).videos
    assert videos["kitchen01.mov"].events == (Event("cut", 1.5, 3.25), Event("pour", 4.0, 6.5))
    assert videos["kitchen01.mov"].ignored == (Event("", 7, 8),) and videos["empty.mov"].events == ()
    path.write_text(json.dumps([{"videoName": "a", "verb": "cut", "startTime": 1, "endTime": 2}]))
    with pytest.raises(InputRefused, match=r"E-ANN-006.*not event-list-json: no key label .*--set label=KEY"):
        detect_format(path)
    found = read_annotations(path, format_name="event-list-json", options={"label": "verb"})
    assert found.videos["a"].events == (Event("cut", 1, 2),)
    path.write_text(json.dumps([*rows, {"video": "x", "label": "y", "start": "z", "end": 1}, 5]))
    with pytest.raises(AugrgbError, match=r"(?s)E-ANN-002 .*\[4\]: start .*E-ANN-001 .*\[5\]"):
        read_annotations(path, format_name="event-list-json")
