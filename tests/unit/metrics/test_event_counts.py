"""Counts of events, by hand."""

from __future__ import annotations

import math

import pytest

from augrgb.core.types import Detection, Event
from augrgb.metrics.event_counts import Collar, Overlap, count_events, covered_s, match_events, poisson_upper


def detection(start_s: float, end_s: float, score: float) -> Detection:
    return Detection("v", "x", start_s, end_s, score)


EVENTS = [Event("x", 0, 10), Event("x", 20, 30)]


def test_higher_scores_choose_first_one_to_one() -> None:
    found = [detection(0, 10, 0.5), detection(1, 10, 0.9), detection(50, 60, 0.8)]
    assert match_events(found, EVENTS) == [None, 0, None]
    assert match_events([detection(0, 10, 0.4), *found[1:]], EVENTS)[1:] == match_events(found[1:], EVENTS)


def test_overlap_and_collar() -> None:
    short = [detection(0, 2, 0.9)]
    assert match_events(short, EVENTS) == [None]  # tIoU 0.2
    assert match_events(short, EVENTS, Overlap(0.2)) == [0]
    assert match_events(short, EVENTS, Collar(0.5)) == [0]
    assert match_events(short, EVENTS, Collar(0.5, 1.0)) == [None]
    assert match_events([detection(18.9, 30, 0.9)], EVENTS, Collar(1.0)) == [None]


def test_rates_by_hand() -> None:
    found = [[detection(1, 10, 0.9), detection(40, 50, 0.8), detection(22, 30, 0.7)], [detection(0, 1, 0.2)]]
    counts = count_events(found, [EVENTS, [Event("x", 5, 6)]], hours=2.0, clean_hours=1.5)
    assert (counts.events, counts.hits, counts.false_alarms) == (3, 2, 2)
    assert (counts.precision, counts.recall, counts.f1) == pytest.approx((0.5, 2 / 3, 4 / 7))
    assert counts.false_alarms_per_hour == pytest.approx(2 / 1.5)
    assert counts.false_alarms_per_hour_bound == pytest.approx(6.2958 / 1.5, abs=1e-3)
    assert counts.misses_per_hour == 0.5
    assert counts.delays_s == (1, 2) and counts.delay_s(0.5) == 1.5


def test_delay_of_decision_counts_from_the_start_of_the_event() -> None:
    found = [[detection(0, 9, 0.9), detection(40, 50, 0.8), detection(22, 30, 0.7)]]
    counts = count_events(found, [EVENTS], hours=1.0, clean_hours=1.0, decided_s=[[3.0, 41.0, 26.0]])
    assert counts.delays_s == (0, 2) and counts.decisions_s == (3, 6) and counts.decision_s(0.5) == 4.5
    assert math.isnan(count_events(found, [EVENTS], 1.0, 1.0).decision_s(0.5))  # nobody said when


def test_nothing_at_all() -> None:
    counts = count_events([[]], [[]], hours=0.0, clean_hours=0.0)
    values = (counts.precision, counts.recall, counts.false_alarms_per_hour, counts.misses_per_hour)
    assert all(map(math.isnan, (*values, counts.delay_s(0.5))))


def test_the_rule_of_three_and_tables() -> None:
    # Garwood's one-sided 95 % limits, as tabulated.
    assert [round(poisson_upper(k), 2) for k in (0, 1, 5, 10)] == [3.0, 4.74, 10.51, 16.96]
    assert poisson_upper(500) == pytest.approx(538.6, abs=0.5)


def test_spans_count_once() -> None:
    assert covered_s([(0, 2), (1, 3), (8, 20)], 0, 10) == 5
    assert covered_s([], 0, 10) == 0
