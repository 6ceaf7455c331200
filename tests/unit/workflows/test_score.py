"""`augrgb.evaluate` with paths, datasets, arrays and detections gives what the command line gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.dataset_file import load_dataset, save_dataset
from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Event, VideoRecord
from augrgb.detection.predictions import Predictions, save_predictions
from augrgb.workflows.evaluate_files import evaluate_files
from augrgb.workflows.score import evaluate

CLOCK = Clock(fps=10, window=10, stride=10)
PROTOCOLS = ("tsu/frame", "frame-map/present", "event-map", "tsu/event@0.5")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    videos = {}
    for name in ("a", "b", "c"):
        starts = rng.uniform(0, 15, 4)
        events = tuple(Event("xy"[k % 2], float(s), float(s) + 4) for k, s in enumerate(starts))
        videos[name] = VideoRecord(name, 20.0, events=events)
    splits = {"S": {"train": ("c",), "test": ("a", "b")}}
    save_dataset(Dataset("toy", ("x", "y"), videos, splits), tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def scores() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {name: rng.random((20, 2)).astype(np.float32) for name in ("a", "b")}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_forms_agree(tmp_path: Path, dataset: Any, scores: Any, protocol: Any) -> None:
    folder, ours = tmp_path / "scores", tmp_path / "p.safetensors"
    folder.mkdir()
    for name, values in scores.items():
        np.save(folder / f"{name}.npy", values)
    predictions = Predictions(("x", "y"), CLOCK, scores)
    save_predictions(ours, predictions)
    expected = evaluate_files(folder, dataset, split="S", protocols=[protocol], clock=CLOCK).evaluation.results[0]
    loaded = load_dataset(dataset)
    events = {name: loaded.videos[name].events for name in scores}
    lasting = {"classes": ("x", "y"), "durations": dict.fromkeys(scores, 20.0)}
    calls = [
        {"scores": folder, "truth": dataset, "split": "S", "clock": CLOCK},
        {"scores": str(folder), "truth": str(dataset), "split": "S"},
        {"scores": ours, "truth": loaded, "split": "S"},
        {"scores": predictions, "truth": loaded, "videos": ["a", "b"]},
        {"scores": scores, "truth": dataset, "split": "S", "clock": CLOCK},
        {"scores": scores, "truth": events, "clock": CLOCK, **lasting},
        {"scores": ours, "truth": events, **lasting},
        {"scores": scores, "truth": loaded, "clock": CLOCK, "missing": "leave-out"},
    ]
    for call in calls:
        assert evaluate(protocol, **call).value == pytest.approx(expected.value), call


def test_detections_from_a_file_and_as_tuples(tmp_path: Path, dataset: Any) -> None:
    rows = {"a": [("x", 1.0, 5.0, 0.9)], "b": [("y", 2.0, 6.0, 0.8)]}
    results = {
        video: [{"label": label, "segment": [start, end], "score": score} for label, start, end, score in own]
        for video, own in rows.items()
    }
    path = tmp_path / "found.json"
    path.write_text(json.dumps({"version": "VERSION 1.3", "results": results, "external_data": {}}))
    loaded = load_dataset(dataset)
    values = [
        evaluate("event-map", detections=path, truth=dataset, split="S").value,
        evaluate("event-map", scores=path, truth=loaded, split="S").value,
        evaluate("event-map", detections=rows, truth=loaded, split="S").value,
    ]
    assert len(set(values)) == 1


def test_refusals(dataset: Any, scores: Any) -> None:
    for arguments in ({}, {"scores": scores, "detections": []}):
        with pytest.raises(AugrgbError, match="E-MET-011"):
            evaluate("tsu/frame", truth=dataset, **arguments)
    with pytest.raises(AugrgbError, match="E-MET-010"):
        evaluate("tsu/frame", scores=scores, truth=dataset, clock=CLOCK)
    with pytest.raises(AugrgbError, match="E-MET-012"):
        evaluate("tsu/frames", scores=scores, truth=dataset)
