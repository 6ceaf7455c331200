from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.metrics.event_map import event_reports
from augrgb.metrics.segments import Segments
from augrgb.metrics.tiou import candidate_pairs, hull_overlap, paired_tiou, tiou


def random_segments(rng: Any, count: Any, *, classes: Any = 3, videos: Any = 4, ties: Any = False) -> Any:
    start = rng.integers(0, 40, count).astype(float)
    score = rng.integers(0, 5, count) / 4 if ties else rng.random(count)
    return Segments(
        rng.integers(0, videos, count),
        rng.integers(0, classes, count),
        start,
        start + rng.integers(1, 15, count),
        score,
    )


def naive_ap(found: Any, truth: Any, theta: Any) -> Any:
    """AP of one pool, following the published description step by step; rows are (video, label, start, end, score)."""

    def overlap(p: Any, g: Any) -> Any:
        if p[:2] != g[:2]:
            return 0.0
        return (min(p[3], g[3]) - max(p[2], g[2])) / (max(p[3], g[3]) - min(p[2], g[2]))

    found = sorted(found, key=lambda p: p[4])
    taken, counts = [], [0] * len(truth)
    for p in found:
        best, where = -1.0, -1
        for i, g in enumerate(truth):
            if overlap(p, g) >= theta and overlap(p, g) >= best:
                best, where = overlap(p, g), i
        taken.append(where)
        if where >= 0:
            counts[where] += 1
    hits = sum(c > 0 for c in counts)

    def rates(n: Any) -> Any:
        return (hits / n, hits / len(truth)) if n and truth else (0.0, 0.0)

    left = len(found)
    best_precision, old_recall = rates(left)
    f1 = 2 * best_precision * old_recall / (best_precision + old_recall) if hits else float("nan")
    score = 0.0
    for where in taken:
        left -= 1
        if where < 0:
            continue
        counts[where] -= 1
        if counts[where] == 0:
            hits -= 1
        precision, recall = rates(left)
        best_precision = max(best_precision, precision)
        score += best_precision * (old_recall - recall)
        old_recall = recall
    return score, f1


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 40), st.integers(1, 25), st.booleans(), st.sampled_from([0.1, 0.3, 0.5]))
def test_equals_a_plain_reading_of_the_protocol(seed: Any, count: Any, events: Any, ties: Any, theta: Any) -> None:
    rng = np.random.default_rng(seed)
    found, truth = random_segments(rng, count, ties=ties), random_segments(rng, events)

    def rows(table: Any, keep: Any = lambda v, k: True) -> Any:
        every = zip(*(c.tolist() for c in (table.video, table.label, table.start, table.end, table.score)), strict=True)
        return sorted((r for r in every if keep(r[0], r[1])), key=lambda r: r[0])

    (report,) = event_reports(found, truth, num_classes=3, num_videos=4, thetas=(theta,))
    for k in range(3):
        expected, _ = naive_ap(rows(found, lambda v, c: c == k), rows(truth, lambda v, c: c == k), theta)  # noqa: B023
        assert report.ap_action[k] == pytest.approx(expected, abs=1e-12)
    for v in range(4):
        expected, _ = naive_ap(rows(found, lambda w, c: w == v), rows(truth, lambda w, c: w == v), theta)  # noqa: B023
        assert report.ap_video[v] == pytest.approx(expected, abs=1e-12)
    by_class = [sorted(rows(t), key=lambda r: r[1]) for t in (found, truth)]
    expected, f1 = naive_ap(*by_class, theta)  # type: ignore[call-arg]
    assert report.ap == pytest.approx(expected, abs=1e-12)
    assert report.f1 == pytest.approx(f1, abs=1e-12, nan_ok=True)


def test_no_detections_no_truth_and_a_division_by_zero() -> None:
    nothing, truth = Segments.of([]), Segments.of([(0, 0, 1.0, 2.0, 1.0)])
    for found, true in ((nothing, truth), (truth, nothing), (nothing, nothing)):
        (report,) = event_reports(found, true, num_classes=2, num_videos=1, thetas=(0.5,))
        assert report.map_action == report.map_video == report.ap == report.ap_2d == 0 and np.isnan(report.f1)
    point = Segments.of([(0, 0, 1.0, 1.0, 1.0)])
    (broken,) = event_reports(point, point, num_classes=2, num_videos=1, thetas=(0.5,))
    assert np.isnan(broken.ap_action[0]) and broken.ap_action[1] == 0 and np.isnan(broken.map_action)
    (tsu,) = event_reports(point, point, num_classes=2, num_videos=1, thetas=(0.5,), on_empty_hull="zero")
    assert tsu.map_action == 0


def test_an_overlap_exactly_at_the_threshold_counts() -> None:
    truth = Segments.of([(0, 0, 0.0, 10.0, 1.0)])
    for tenths in range(1, 11):
        found = Segments.of([(0, 0, 0.0, float(tenths), 1.0)])
        (report,) = event_reports(found, truth, num_classes=1, num_videos=1, thetas=(tenths / 10,))
        assert report.map_action == 1.0, tenths


def test_a_detection_may_take_an_event_again_but_not_its_second_best() -> None:
    truth = Segments.of([(0, 0, 0.0, 10.0, 1.0), (0, 0, 8.0, 18.0, 1.0)])
    found = Segments.of([(0, 0, 0.0, 10.0, 0.9), (0, 0, 3.0, 12.0, 0.8)])
    (report,) = event_reports(found, truth, num_classes=1, num_videos=1, thetas=(0.1,))
    assert report.map_action == 0.5


def test_tiou_values_and_empty_segments() -> None:
    np.testing.assert_allclose(tiou([[0, 10]], [[0, 10], [5, 15], [10, 20], [4, 4]]), [[1, 5 / 15, 0, 0]])
    zero = np.zeros(1)
    assert paired_tiou(zero, zero, zero, zero)[0] == 0 and np.isnan(hull_overlap(zero, zero, zero, zero)[0])
    assert hull_overlap(zero, zero + 1, zero + 3, zero + 4)[0] == -0.5


def test_candidate_pairs_come_in_pieces_that_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    found, truth = random_segments(rng, 200), random_segments(rng, 50)
    expected = [
        (d, g)
        for d in range(200)
        for g in range(50)
        if found.video[d] == truth.video[g] and found.label[d] == truth.label[g]
    ]
    for size in (1, 7, 10**6):
        monkeypatch.setattr("augrgb.metrics.tiou._PAIRS_AT_ONCE", size)
        pieces = list(candidate_pairs(found, truth))
        assert [(int(d), int(g)) for a, b in pieces for d, g in zip(a, b, strict=True)] == expected
        borders = [set(a.tolist()) for a, _ in pieces]
        assert sum(map(len, borders)) == len(set().union(*borders))
