"""Hand-worked cases of the diagnosis of mistakes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augrgb.core.errors import InputRefused
from augrgb.metrics.error_analysis import (
    KINDS,
    confusion,
    diagnose,
    map_by_duration,
    precision_recall,
    seconds_together,
)
from augrgb.metrics.segments import Segments
from augrgb.metrics.tiou_map import tiou_report

TRUTH = Segments.of([(0, 0, 0, 10, 1), (0, 1, 20, 30, 1), (1, 0, 0, 4, 1)])


def kind_of(video: int, label: int, start: float, end: float) -> str:
    """Kind of a detection that comes after a perfect one of the first event."""
    found = Segments.of([(0, 0, 0, 10, 0.99), (video, label, start, end, 0.5)])
    counts = diagnose(found, TRUTH).kinds.sum(axis=0)
    counts[KINDS.index("true positive")] -= 1
    return KINDS[int(counts.argmax())]


@pytest.mark.parametrize(
    ("segment", "kind"),
    [
        ((0, 1, 20, 29), "true positive"),
        ((0, 0, 0, 9), "double detection"),
        ((0, 1, 20, 23), "localization error"),
        ((0, 1, 0, 10), "wrong label"),
        ((0, 1, 0, 3), "confusion"),
        ((0, 1, 50, 60), "background"),
        ((1, 1, 20, 30), "background"),  # the event is in the other video
    ],
)
def test_kinds(segment: tuple[int, int, float, float], kind: str) -> None:
    assert kind_of(*segment) == kind


def test_an_event_of_the_own_class_goes_first() -> None:
    around = Segments.of([(0, 0, 0, 10, 1), (0, 1, 0, 12, 1)])
    found = Segments.of([(0, 0, 0, 12, 0.9)])  # tIoU 0.83 with its class, 1.0 with the other
    assert diagnose(found, around).kinds[0].tolist() == [1, 0, 0, 0, 0, 0]


def test_only_the_best_of_each_class_are_looked_at() -> None:
    found = Segments.of([(0, 1, 100 + i, 101 + i, 0.5) for i in range(30)])
    kinds = diagnose(found, TRUTH, most=3).kinds
    assert kinds.sum(axis=1).tolist() == [1, 1, 1]  # class 1 has one event


def test_errors_of_boundaries_are_detected_minus_annotated() -> None:
    found = Segments.of([(0, 0, 1, 9, 0.9), (0, 1, 18, 30.5, 0.8)])
    diagnosis = diagnose(found, TRUTH)
    assert diagnosis.start_error_s.tolist() == [1, -2]
    assert diagnosis.end_error_s.tolist() == [-1, 0.5]


def test_a_kind_costs_what_is_gained_without_it() -> None:
    found = Segments.of(
        [
            (0, 0, 50, 60, 0.9),
            (0, 0, 0, 10, 0.8),
            (0, 0, 0, 9, 0.7),
            (1, 0, 0, 4, 0.6),
            (0, 1, 0, 10, 0.9),
            (0, 1, 20, 29, 0.5),
        ]
    )
    costs = dict(zip(KINDS, diagnose(found, TRUTH).costs.tolist(), strict=True))

    def mean_ap(left_out: tuple[int, ...]) -> float:
        kept = found.take(np.array([place not in left_out for place in range(len(found))]))
        return float(np.mean([curve.ap for curve in precision_recall(kept, TRUTH)]))

    assert costs["background"] == pytest.approx(mean_ap((0,)) - mean_ap(()))
    assert costs["double detection"] == pytest.approx(mean_ap((2,)) - mean_ap(()))
    assert costs["wrong label"] == pytest.approx(mean_ap((4,)) - mean_ap(()))
    assert costs["background"] > costs["double detection"] > 0 == costs["true positive"] == costs["confusion"]


def test_durations_outside_the_range_do_not_count() -> None:
    found = Segments.of([(0, 0, 0, 10, 0.9), (1, 0, 0, 4, 0.8), (1, 0, 50, 80, 0.95)])
    short, long = map_by_duration(found, TRUTH, [0, 5, 20])
    assert short == (1.0, 1)  # the false alarm of 30 s and the long event are left out
    assert long == (0.5, 2)  # class 0 found, class 1 missed; the false alarm is longer than the range
    assert math.isnan(map_by_duration(found, TRUTH, [100, 200])[0][0])


def test_confusion() -> None:
    found = Segments.of([(0, 0, 0, 9, 1), (0, 0, 20, 30, 1), (0, 1, 60, 70, 1)])
    assert confusion(found, TRUTH, 2).tolist() == [[1, 1, 0], [0, 0, 1], [1, 1, 0]]


def test_seconds_together() -> None:
    assert seconds_together(Segments.of([(0, 0, 0, 10, 1), (0, 1, 8, 12, 1), (0, 1, 9, 11, 1)]), 2).tolist() == [
        [10, 2],
        [2, 4],
    ]


def test_nothing_detected() -> None:
    none = Segments.of([])
    assert diagnose(none, TRUTH).kinds.sum() == 0
    assert [curve.ap for curve in precision_recall(none, TRUTH)] == [0, 0]
    assert map_by_duration(none, TRUTH, [0, 5, 20]) == ((0.0, 1), (0.0, 2))
    assert confusion(none, TRUTH, 2).tolist() == [[0, 0, 0], [0, 0, 0], [2, 1, 0]]


@pytest.mark.parametrize("analyze", [diagnose, precision_recall, lambda d, t: map_by_duration(d, t, [0, 1])])
def test_a_truth_without_events_is_refused(analyze: object) -> None:
    with pytest.raises(InputRefused) as refused:
        analyze(TRUTH, Segments.of([]))  # type: ignore[operator]
    assert refused.value.code == "E-MET-007"


rows = st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 20), st.integers(1, 9), st.integers(0, 5))


@given(st.lists(rows, max_size=25), st.lists(rows, min_size=1, max_size=10))
def test_ap_and_hits_agree_with_the_metric(found: list[tuple[int, ...]], events: list[tuple[int, ...]]) -> None:
    def table(values: list[tuple[int, ...]]) -> Segments:
        return Segments.of([(v, c, float(s), float(s + d), p / 5) for v, c, s, d, p in values])

    detections, truth = table(found), table(events)
    report = tiou_report(detections, truth, thresholds=(0.5,))
    curves = precision_recall(detections, truth)
    assert [curve.label for curve in curves] == report.labels.tolist()
    np.testing.assert_allclose([curve.ap for curve in curves], report.ap[0])
    everything = map_by_duration(detections, truth, [0, 100])[0]
    np.testing.assert_allclose(everything[0], report.map[0])
    assert diagnose(detections, truth, most=1000).kinds.sum() == np.isin(detections.label, truth.label).sum()
