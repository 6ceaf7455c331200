from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.core.errors import InputRefused
from augrgb.metrics.segments import Segments
from augrgb.metrics.tiou import tiou
from augrgb.metrics.tiou_map import clean_truth, interpolated_area, tiou_report


def random_segments(rng: Any, count: Any, classes: Any = 3, videos: Any = 3) -> Any:
    start = rng.uniform(0, 30, count)
    return Segments(
        rng.integers(0, videos, count),
        rng.integers(0, classes, count),
        start,
        start + rng.uniform(1, 15, count),
        rng.random(count),
    )


def naive_ap(found: Any, truth: Any, threshold: Any) -> Any:
    """One class: greedy, one detection after the other."""
    order, free, hits = np.argsort(-found.score), np.ones(len(truth), bool), []
    for d in order:
        overlap = tiou([[found.start[d], found.end[d]]], np.stack([truth.start, truth.end], 1))[0]
        overlap[(truth.video != found.video[d]) | ~free] = -1
        hits.append(len(truth) > 0 and overlap.max() >= threshold)
        if hits[-1]:
            free[np.argmax(overlap)] = False
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return sum(max(precision[i:]) for i in range(len(hits)) if hits[i]) / len(truth)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60), st.integers(1, 30))
def test_equals_the_greedy_definition(seed: Any, count: Any, events: Any) -> None:
    rng = np.random.default_rng(seed)
    found, truth = random_segments(rng, count, classes=4), random_segments(rng, events)
    report = tiou_report(found, truth, thresholds=(0.1, 0.3, 0.6))
    assert report.labels.tolist() == sorted(set(truth.label.tolist()))
    for c, k in enumerate(report.labels):
        for i, threshold in enumerate(report.thresholds):
            expected = naive_ap(found.take(found.label == k), truth.take(truth.label == k), threshold)
            assert report.ap[i, c] == pytest.approx(expected, abs=1e-12)


def test_perfect_detections_a_missed_class_and_stray_labels() -> None:
    truth = Segments.of([(0, 2, 0.0, 5.0, 1.0), (1, 5, 1.0, 4.0, 1.0)])
    report = tiou_report(truth, truth)
    assert report.average_map == 1 and report.recall.min() == 1
    stray = Segments.of([(0, 2, 0.0, 5.0, 0.5), (0, 9, 0.0, 5.0, 0.9), (1, 0, 1.0, 4.0, 0.9)])
    report = tiou_report(stray, truth)
    assert report.ap[0].tolist() == [1.0, 0.0] and report.average_map == 0.5
    assert tiou_report(Segments.of([]), truth).average_map == 0


def test_recall_counts_the_best_few_of_each_video() -> None:
    truth = Segments.of([(0, 0, 0.0, 10.0, 1.0)])
    wrong = [(0, 0, 50.0 + i, 60.0 + i, 0.9 - 0.01 * i) for i in range(4)]
    found = Segments.of([*wrong, (0, 0, 0.0, 10.0, 0.1)])
    recall = tiou_report(found, truth, thresholds=(0.5,), recall_at=(1, 4, 5)).recall
    assert recall.tolist() == [[0.0, 0.0, 1.0]]
    assert tiou_report(Segments.of([*wrong, *wrong]), truth, thresholds=(0.5,)).recall.tolist() == [[0.0, 0.0]]


def test_thresholds_are_met_by_equality() -> None:
    truth = Segments.of([(0, 0, 0.0, 10.0, 1.0)])
    for tenths in range(1, 10):
        found = Segments.of([(0, 0, 0.0, float(tenths), 1.0)])
        assert tiou_report(found, truth, thresholds=(tenths / 10,)).average_map == 1, tenths


def test_order_of_detections_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    found, truth = random_segments(rng, 300), random_segments(rng, 60)
    one, two = tiou_report(found, truth), tiou_report(found.take(rng.permutation(300)), truth)
    assert one.ap.tobytes() == two.ap.tobytes() and one.recall.tobytes() == two.recall.tobytes()


def test_clean_truth_drops_short_and_repeated_events() -> None:
    truth = Segments.of(
        [(0, 0, 1.0, 2.0, 1), (0, 0, 1.0005, 2.0, 1), (0, 1, 1.0, 2.0, 1), (1, 0, 1.0, 2.0, 1), (0, 0, 5.0, 5.0005, 1)]
    )
    assert clean_truth(truth).start.tolist() == [1.0, 1.0, 1.0]
    assert clean_truth(truth).video.tolist() == [0, 0, 1]


def test_no_truth_is_refused() -> None:
    with pytest.raises(InputRefused, match="no event"):
        tiou_report(Segments.of([]), Segments.of([]))


def test_area_of_many_curves_at_once() -> None:
    precision, recall = np.array([[1.0, 0.5], [0.0, 0.5]]), np.array([[0.5, 0.5], [0.0, 1.0]])
    assert interpolated_area(precision, recall).tolist() == [0.5, 0.5]
