from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from augrgb.annotations.labels import legacy_uniform, rasterise
from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Dataset, Detection, Event, VideoRecord
from augrgb.metrics import PROTOCOLS, evaluate, find_protocol
from augrgb.metrics.evaluation import VideoScores

CLOCK = Clock(fps=8.0, window=4, stride=4)  # two snippets a second
CLASSES = ("walk", "sit", "never")
EVENTS = {
    "a": (Event("walk", 1.0, 6.0), Event("sit", 4.0, 9.0), Event("walk", 15.0, 18.0)),
    "b": (Event("sit", 2.0, 5.0),),
    "empty": (),
}
DATASET = Dataset(
    "toy",
    CLASSES,
    {
        **{name: VideoRecord(name, 20.0, events=events) for name, events in EVENTS.items()},
        "unlabelled": VideoRecord("unlabelled", 20.0),
    },
)
IDS = ["a", "b", "empty"]
INDEX = {name: k for k, name in enumerate(CLASSES)}
FRAME_LABELS = [name for name in PROTOCOLS if name.startswith(("mstcn/", "asformer/"))]  # one label per frame
SCORED = [name for name, p in PROTOCOLS.items() if p.needs == "scores" and name not in FRAME_LABELS]
DETECTED = [name for name, protocol in PROTOCOLS.items() if protocol.needs == "detections"]


def perfect_scores(rule: Any = "center") -> Any:
    def labels(name: Any) -> Any:
        if rule == "center":
            return rasterise(EVENTS[name], INDEX, CLOCK, 40)
        return legacy_uniform(EVENTS[name], INDEX, 20.0, 40)

    return {name: VideoScores(labels(name).astype(np.float32) * 0.9, CLOCK) for name in IDS}


def perfect_detections() -> Any:
    return [Detection(v, e.label, e.start_s, e.end_s, 0.9) for v, events in EVENTS.items() for e in events]


@pytest.mark.parametrize("name", SCORED)
def test_perfect_scores(name: Any) -> None:
    rule = "center" if name.startswith(("frame-map", "charades/25-even")) else "uniform"
    result = evaluate(name, DATASET, IDS, scores=perfect_scores(rule))
    if "all-classes" in name or name == "multithumos/frame":
        assert result.value == pytest.approx(2 / 3) and result.per_class["never"] == 0
    elif name in ("charades/localize", "charades/gsig-map", "charades/gsig-charades-map"):
        assert np.isnan(result.value) and "never" not in result.per_class
    elif name.startswith("action-conditional/published"):
        assert np.isnan(result.value)  # the published program stops where a class is never a condition
    elif name == "charades/localize-present":
        assert result.value > 0.9  # its points lie beside snippet centers
    elif name.startswith("action-conditional"):
        assert result.value == 1.0
    else:
        assert result.value == 1.0 and sorted(result.per_class) == ["sit", "walk"]
    assert result.coverage == "3 of 3 videos scored" and result.protocol == name
    json.dumps(asdict(result)["details"], allow_nan=False)


@pytest.mark.parametrize("name", DETECTED)
def test_perfect_detections(name: Any) -> None:
    result = evaluate(name, DATASET, IDS, detections=perfect_detections(), scored=IDS)
    assert result.value == pytest.approx(2 / 3 if "event@" in name else 1.0)
    assert (result.videos_scored, result.videos_total) == (3, 3)
    json.dumps(asdict(result)["details"], allow_nan=False)
    nothing = evaluate(name, DATASET, IDS, detections=[], scored=IDS)
    assert nothing.value == 0
    json.dumps(asdict(nothing)["details"], allow_nan=False)


def test_names_and_kinds_are_checked() -> None:
    assert find_protocol("tsu/event@0.25").name == "tsu/event@0.25"
    assert find_protocol("action-conditional@-5").name == "action-conditional@-5"
    with pytest.raises(UsageFault, match="did you mean 'frame-map/present'"):
        find_protocol("frame-map/presnt")
    with pytest.raises(UsageFault, match="no such protocol"):
        find_protocol("tsu/event@0.0")
    with pytest.raises(UsageFault, match="needs detections"):
        evaluate("event-map", DATASET, IDS, scores=perfect_scores())
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name and protocol.summary and protocol.source
        assert not protocol.instead or protocol.instead in PROTOCOLS


def test_missing_videos_are_refused_unless_allowed() -> None:
    scores = perfect_scores()
    del scores["b"]
    with pytest.raises(InputRefused, match="1 of 3 videos have no predictions: b"):
        evaluate("frame-map/present", DATASET, IDS, scores=scores)
    left_out = evaluate("frame-map/present", DATASET, IDS, scores=scores, missing="leave-out")
    assert left_out.value == 1 and left_out.coverage == "2 of 3 videos scored"
    zero = evaluate("frame-map/present", DATASET, IDS, scores=scores, missing="zero")
    assert zero.value < 1 and zero.coverage == "2 of 3 videos scored" and zero.details["missing"] == "zero"
    assert zero.details["snippets"] == 120
    detections = [d for d in perfect_detections() if d.video_id == "a"]
    with pytest.raises(InputRefused, match="2 of 3 videos have no predictions: b, empty"):
        evaluate("event-map", DATASET, IDS, detections=detections)
    assert evaluate("event-map", DATASET, IDS, detections=detections, missing="zero").value == 0.75


@pytest.mark.parametrize(
    "values, message",
    [
        (np.full((40, 3), np.nan), "NaN or outside"),
        (np.full((40, 3), 1.5), "Apply a sigmoid"),
        (np.zeros((40, 2)), r"expected \(T, 3\)"),
        (np.zeros((0, 3)), r"T > 0"),
    ],
)
def test_bad_scores_are_refused(values: Any, message: Any) -> None:
    with pytest.raises(InputRefused, match=message):
        evaluate("frame-map/present", DATASET, IDS, scores={**perfect_scores(), "a": VideoScores(values, CLOCK)})


@pytest.mark.parametrize(
    "detection, message",
    [
        (Detection("A", "walk", 0, 1, 0.5), "'A'"),
        (Detection("a", "Walk", 0, 1, 0.5), "unknown class 'Walk'. did you mean 'walk'"),
        (Detection("a", "walk", 2, 1, 0.5), "ends before it starts"),
        (Detection("a", "walk", 0, float("inf"), 0.5), "not finite"),
        (Detection("a", "walk", 0, 1, float("nan")), "not finite"),
    ],
)
def test_bad_detections_are_refused(detection: Any, message: Any) -> None:
    with pytest.raises(InputRefused, match=message):
        evaluate("event-map", DATASET, IDS, detections=[detection], scored=IDS)


def test_unknown_never_annotated_and_repeated_videos() -> None:
    with pytest.raises(InputRefused, match="the dataset does not have"):
        evaluate("frame-map/present", DATASET, IDS, scores={**perfect_scores(), "x": perfect_scores()["a"]})
    with pytest.raises(InputRefused, match="never annotated"):
        evaluate("event-map", DATASET, ["unlabelled"], detections=[], scored=["unlabelled"])
    with pytest.raises(InputRefused, match="none or some twice"):
        evaluate("event-map", DATASET, ["a", "a"], detections=[], scored=["a"])


def test_predictions_of_videos_not_asked_for_are_left_aside_and_counted() -> None:
    result = evaluate("event-map", DATASET, ["a"], detections=perfect_detections(), scored=IDS)
    assert result.value == 1 and result.details["videos_not_asked_for"] == 2
    assert evaluate("frame-map/present", DATASET, ["a"], scores=perfect_scores()).details["videos_not_asked_for"] == 2


def test_unsorted_and_duplicate_detections() -> None:
    found = perfect_detections()
    once = evaluate("event-map", DATASET, IDS, detections=found, scored=IDS).value
    assert evaluate("event-map", DATASET, IDS, detections=found[::-1], scored=IDS).value == once == 1
    # Every duplicate of a hit is a false alarm: walk, two events at equal score, finds hit, copy, hit, copy.
    twice = evaluate("event-map", DATASET, IDS, detections=found + found, scored=IDS)
    assert twice.per_class["walk"] == 1.0 and twice.details["detections"] == 8
    doubled = [d for d in found for _ in range(2)]
    assert evaluate("event-map", DATASET, IDS, detections=doubled, scored=IDS).per_class["walk"] == pytest.approx(5 / 6)


def test_label_rules_differ_only_at_borders() -> None:
    events = [Event("walk", 0.0, 2.0)]
    assert np.flatnonzero(rasterise(events, INDEX, CLOCK, 8)[:, 0]).tolist() == [0, 1, 2, 3]
    assert np.flatnonzero(legacy_uniform(events, INDEX, 4.0, 8)[:, 0]).tolist() == [1, 2, 3]
    reversed_and_empty = [Event("walk", 2.0, 1.0), Event("walk", 1.25, 1.25)]
    assert not rasterise(reversed_and_empty, INDEX, CLOCK, 8).any()
    assert not legacy_uniform(reversed_and_empty, INDEX, 4.0, 8).any()
