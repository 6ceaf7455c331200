"""Predictions as people have them: zipped, a file per video, other names and units; or refused with the remedy."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.core.errors import AugrgbError
from augrgb.core.types import Detection
from augrgb.detection.prediction_files import GivenPredictions, read_predictions
from support.written_files import write_files

RESULTS = {"a": [{"label": "cut", "score": 0.9, "segment": [1, 3]}], "b": []}
CSV = "video,label,start,end,score\na,cut,1,3,0.9\n"
FOUND = (Detection("a", "cut", 1, 3, 0.9),)


def given(path: Path, files: dict[str, Any], *, zipped: bool = False) -> GivenPredictions:
    texts = {name: value if isinstance(value, str | bytes) else json.dumps(value) for name, value in files.items()}
    write_files(path / "p.zip" if zipped else path, texts, zipped=zipped)
    path = path / ("p.zip" if zipped else next(iter(texts)).split("/")[0])
    return read_predictions(path, ("cut", "pour"), {"a": 10.0, "b": 10.0})


def scores() -> bytes:
    target = BytesIO()
    np.save(target, np.full((20, 2), 0.5, np.float32))
    return target.getvalue()


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "files",
    [
        {"p.json": {"results": RESULTS}},
        {"p.json": RESULTS},
        {"p.json": [{"video": "a", "label": "cut", "start": 1, "end": 3, "confidence": 0.9}]},
        {"p.csv": CSV},
        {"p.csv": "videoName,className,startTime,endTime,confidence\na,cut,0:01,3.0,0.9\n"},
        {"p.csv": "video,prediction,start_ms,end_ms,score\na,cut,1000,3000,0.9\n"},
        {"p/a.csv": "label,start,end,score\ncut,1,3,0.9\n", "p/b.csv": "label,start,end,score\n"},
        {"p/a.json": {"results": {"a": RESULTS["a"]}}, "p/b.json": {"results": {"b": []}}},
        {"p.txt": "a 1 3 cut 0.9\n"},
        {"p/a.txt": "1,30,90,0.9\n", "p/b.txt": ""},
    ],
)
def test_detections(tmp_path: Path, files: dict[str, Any], zipped: bool) -> None:
    assert given(tmp_path, files, zipped=zipped).detections == FOUND


def test_a_file_per_video_covers_videos_without_detections(tmp_path: Path) -> None:
    files = {"p/a.csv": "label,start,end,score\ncut,1,3,0.9\n", "p/b.csv": "label,start,end,score\n"}
    assert given(tmp_path, files).covered == {"a", "b"}


@pytest.mark.parametrize("zipped", [False, True])
def test_scores(tmp_path: Path, zipped: bool) -> None:
    found = given(tmp_path, {f"p/{name}.npy": scores() for name in "ab"}, zipped=zipped)
    assert found.scores is not None and set(found.scores) == {"a", "b"}


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("p.csv", CSV.replace("start,end", "start_frame,end_frame"), "frame numbers.*Write seconds"),
        (
            "p.csv",
            CSV.replace("score", "label", 1).replace("label,start", "score,start", 1),
            "two columns|not a det|E-DET",
        ),
        ("p.csv", "video,label,start,end,score,label\na,cut,1,3,0.9,x\n", "two columns are called 'label'"),
        ("p.csv", "video,start,end,score\na,1,3,0.9\n", "columns label are missing"),
        ("p.pkl", b"\x80\x04x", "pickle.*JSON or CSV"),
        ("p.xlsx", b"PK\x03\x04", "E-FILE-020|spreadsheet"),
        ("p.json", {"version": "1"}, 'no "results" object'),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, data: Any, said: str) -> None:
    with pytest.raises(AugrgbError, match=said):
        given(tmp_path, {name: data})


def test_json_lines_and_class_numbers(tmp_path: Path) -> None:
    lines = '{"video": "a", "label": "cut", "start": 1, "end": 3, "score": 0.9}\n\n'
    assert given(tmp_path, {"p.jsonl": lines}).detections == FOUND
    with pytest.raises(AugrgbError, match=r"E-DET-010.*p.jsonl:1: is no object"):
        given(tmp_path, {"p.jsonl": "[1]\n"})
    for first in (0, 1):
        results = {"a": [{"label": n, "score": 0.9, "segment": [1, 3]} for n in (first, first + 1)], "b": []}
        found = given(tmp_path, {"p.json": results})
        assert [d.label for d in found.detections] == ["cut", "pour"]
        assert f"class numbers are taken as {first} = cut, {first + 1} = pour" in found.notes
    unknown = given(tmp_path, {"p.json": {"a": [{"label": 7, "score": 0.9, "segment": [1, 3]}], "b": []}})
    assert unknown.detections[0].label == "7"  # judged as an unknown class
