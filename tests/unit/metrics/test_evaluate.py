"""`metrics.evaluate` on arrays, tensors, events and label arrays."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Detection, Event, VideoRecord
from augrgb.metrics import PROTOCOLS, VideoScores, evaluate, frame_ap, mean_present_classes

CLOCK = Clock(fps=25, window=16, stride=8)


@pytest.fixture
def scores() -> Any:
    rng = np.random.default_rng(0)
    return {video: rng.random((length, 3)).astype(np.float32) for video, length in (("a", 30), ("b", 41))}


@pytest.fixture
def labels(scores: Any) -> Any:
    rng = np.random.default_rng(1)
    return {video: (rng.random(values.shape) < 0.3).astype(np.int64) for video, values in scores.items()}


def test_label_arrays_are_taken_as_they_are(scores: Any, labels: Any) -> None:
    expected = mean_present_classes(
        frame_ap(np.concatenate(list(scores.values())), np.concatenate(list(labels.values())))
    )
    for protocol in ("tsu/frame", "frame-map/present", "charades/frame"):
        result = evaluate(protocol, labels, scores=scores)
        assert result.value == pytest.approx(expected)
        assert result.details["labels"] == "as given" and list(result.per_class) == ["0", "1", "2"]


def test_tensors_are_as_good_as_arrays(scores: Any, labels: Any) -> None:
    tensors = {video: torch.from_numpy(values).requires_grad_() for video, values in scores.items()}
    truth = {video: torch.from_numpy(values) for video, values in labels.items()}
    assert evaluate("tsu/frame", truth, scores=tensors).value == evaluate("tsu/frame", labels, scores=scores).value


def test_every_protocol_that_takes_labels_runs_on_label_arrays_and_the_others_refuse(scores: Any, labels: Any) -> None:
    for name, protocol in PROTOCOLS.items():
        if name.startswith(("mstcn/", "asformer/")):
            continue  # one label per frame: test_frame_labels
        if protocol.takes_labels:
            evaluate(name, labels, scores=scores)
        else:
            with pytest.raises(UsageFault, match="E-MET-016"):
                evaluate(name, labels, scores=scores, detections=[])


def test_events_of_any_form_give_what_a_dataset_gives(scores: Any) -> None:
    events = {"a": [("sit", 0.0, 4.0), ("walk", 2.0, 9.0)], "b": [("run", 1.0, 3.0), ("sit", 2.0, 12.0)]}
    classes = ("walk", "sit", "run")
    durations = {video: (len(values) - 1) * 8 / 25 + 16 / 25 for video, values in scores.items()}
    records = {v: VideoRecord(v, durations[v], events=tuple(Event(*e) for e in own)) for v, own in events.items()}
    dataset = Dataset("d", classes, records)
    given = {video: VideoScores(values, CLOCK) for video, values in scores.items()}
    numbered = {v: [(classes.index(label), s, e) for label, s, e in own] for v, own in events.items()}
    for protocol in ("tsu/frame", "frame-map/present", "charades/localize"):
        expected = evaluate(protocol, dataset, ["a", "b"], scores=given)
        for truth in (events, {v: records[v].events for v in records}):
            result = evaluate(protocol, truth, scores=scores, classes=classes, clock=CLOCK)
            assert (
                result.value == pytest.approx(expected.value) and result.per_class.keys() == expected.per_class.keys()
            )
        assert evaluate(protocol, numbered, scores=scores, clock=CLOCK).value == pytest.approx(expected.value)
        assert evaluate(protocol, dataset, scores=scores, clock=CLOCK).value == expected.value


def test_without_a_clock_snippets_are_spread_over_known_durations(scores: Any) -> None:
    events = {"a": [("x", 0.0, 4.0)], "b": [("y", 1.0, 3.0)]}
    classes = ["x", "y", "z"]
    even = evaluate("frame-map/present", events, scores=scores, classes=classes, durations={"a": 6.0, "b": 10.0})
    clocks = {"a": Clock(30 / 6, 1, 1), "b": Clock(41 / 10, 1, 1)}
    timed = {video: VideoScores(values, clocks[video]) for video, values in scores.items()}
    assert even.value == evaluate("frame-map/present", events, scores=timed, classes=classes).value
    with pytest.raises(UsageFault, match="E-MET-014"):
        evaluate("frame-map/present", events, scores=scores, classes=classes)
    with pytest.raises(InputRefused, match="E-FEA-004"):
        evaluate(
            "frame-map/present", events, scores=scores, classes=classes, clock=CLOCK, durations={"a": 60.0, "b": 10.0}
        )


def test_detections_as_tuples_and_as_objects() -> None:
    truth = {"a": [("run", 0.0, 2.0)], "b": [("jump", 1.0, 2.0)], "c": []}
    tuples = {"a": [("run", 0.1, 2.0, 0.9)], "b": [("jump", 0.0, 0.5, 0.8)], "c": []}
    objects = [Detection(v, *row) for v, own in tuples.items() for row in own]
    result = evaluate("event-map", truth, detections=tuples)
    assert result.videos_scored == 3 and result.value == 0.5
    assert evaluate("event-map", truth, detections=objects, scored=["a", "b", "c"]).value == result.value
    assert str(result) == "event-map: 50.00 % (3 of 3 videos scored)"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"truth": {}}, "E-MET-008"),
        ({"truth": {"a": [("x", 0, 1)], "b": np.zeros((41, 3))}}, "E-MET-015"),
        ({"truth": {"a": np.zeros((29, 3)), "b": np.zeros((41, 3))}}, "E-MET-001: a|E-MET-001 a"),
        ({"truth": {"a": np.zeros((30, 3)), "b": np.zeros((41, 4))}}, "E-MET-001"),
        ({"truth": Dataset("d", ("x",), {}), "classes": ["x"]}, "E-MET-015"),
        ({"truth": {"a": [(7, 0, 1)], "b": []}, "classes": ["x"]}, "E-MET-004"),
    ],
)
def test_what_does_not_fit_is_refused(scores: Any, arguments: Any, code: Any) -> None:
    with pytest.raises((InputRefused, UsageFault), match=code):
        evaluate("frame-map/present", scores=scores, clock=CLOCK, **arguments)


def test_metrics_do_not_import_torch() -> None:
    program = "import sys, augrgb.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
