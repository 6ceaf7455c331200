"""The event rule: by hand, and properties that hold whatever the scores are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.core.errors import InputRefused, UsageFault
from augrgb.core.timeline import Clock
from augrgb.detection.event_rule import DecidedEvent, EventFinder, EventRule, find_events

CLOCK = Clock(fps=2, window=2, stride=2)  # cells of one second, from 0


def found(scores: list[float], rule: EventRule, duration_s: float | None = None) -> list[tuple[float, float, float]]:
    column = np.array(scores, float)[:, None]
    return [(e.start_s, e.end_s, e.score) for e in find_events(column, CLOCK, ["x"], "v", duration_s, rules=rule)]


@pytest.mark.parametrize(
    ("scores", "rule", "expected"),
    [
        ([0.1, 0.6, 0.7, 0.1], EventRule(0.5, 0.5), [(1, 3, 0.7)]),
        ([0.1, 0.4, 0.7, 0.4, 0.1, 0.4, 0.1], EventRule(0.5, 0.3), [(1, 4, 0.7)]),  # the second never reaches `on`
        ([0.6, 0.1, 0.6], EventRule(0.5, 0.5), [(0, 1, 0.6), (2, 3, 0.6)]),
        ([0.6, 0.1, 0.8], EventRule(0.5, 0.5, min_gap=1), [(0, 3, 0.8)]),
        ([0.6, 0.1, 0.1, 0.8], EventRule(0.5, 0.5, min_gap=1), [(0, 1, 0.6), (3, 4, 0.8)]),
        ([0.6, 0.1, 0.6, 0.6], EventRule(0.5, 0.5, min_duration=2), [(2, 4, 0.6)]),
        ([0.6, 0.1, 0.6], EventRule(0.5, 0.5, min_duration=2, min_gap=1), [(0, 3, 0.6)]),  # joined, then measured
        ([0.1, 0.1, 0.6, 0.1, 0.1], EventRule(0.5, 0.5, pad_before=1.5, pad_after=0.5), [(0.5, 3.5, 0.6)]),
        ([0.6, 0.1, 0.1, 0.6], EventRule(0.5, 0.5, pad_before=5), [(0, 1, 0.6), (1, 4, 0.6)]),
        ([0.6, 0.1, 0.7], EventRule(0.5, 0.5, pad_after=1), [(0, 4, 0.7)]),  # begins in the padding: one event
        ([0.6, 0.1, 0.6, 0.1, 0.6], EventRule(0.5, 0.5, cooldown=2), [(0, 1, 0.6), (4, 5, 0.6)]),
        ([], EventRule(), []),
        ([0.0, 0.0], EventRule(0.0), [(0, 2, 0.0)]),
    ],
)
def test_by_hand(scores: list[float], rule: EventRule, expected: list[tuple[float, float, float]]) -> None:
    assert found(scores, rule) == expected if scores else find_events(np.zeros((0, 1)), CLOCK, ["x"], "v") == []


def test_events_end_with_the_video() -> None:
    assert found([0.1, 0.9, 0.9], EventRule(0.5, pad_after=3), 2.5) == [(1, 2.5, 0.9)]
    assert found([0.1, 0.9, 0.1, 0.9], EventRule(0.5), 1.25) == [(1, 1.25, 0.9)]


def test_an_event_says_when_it_was_certain() -> None:
    rule = EventRule(0.5, 0.3, min_duration=3)
    finder = EventFinder(CLOCK, ["x"], rule)
    finder.push(np.array([[0.4], [0.6]]))
    assert finder.ongoing() == {}
    finder.push(np.array([[0.4]]))
    assert finder.ongoing() == {"x": 0.0}
    (event,) = finder.push(np.array([[0.4], [0.1]]))
    assert (event.start_s, event.end_s, event.decided_at_s, event.score) == (0, 4, 3, 0.6)
    (late,) = EventFinder(CLOCK, ["x"], EventRule(0.5, 0.3)).push(np.array([[0.4], [0.4], [0.5], [0.1]]))
    assert (late.start_s, late.decided_at_s) == (0, 3)


RULES = st.builds(
    lambda on, share, *seconds: EventRule(on, on * share, *seconds),
    st.floats(0.1, 1),
    st.floats(0, 1),
    *[st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5])] * 5,
)
SCORES = st.lists(st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.7, 0.9, 1.0]), min_size=2, max_size=2), max_size=40)


@settings(max_examples=200, deadline=None)
@given(SCORES, RULES, st.lists(st.integers(1, 7), max_size=12))
def test_pieces_do_not_matter(rows: list[list[float]], rule: EventRule, sizes: list[int]) -> None:
    scores = np.array(rows, float).reshape(-1, 2)
    whole = EventFinder(CLOCK, ["x", "y"], rule)
    expected = whole.push(scores) + whole.close(float(len(scores)))
    finder, events, place = EventFinder(CLOCK, ["x", "y"], rule), [], 0
    for size in [*sizes, len(scores)]:
        events += finder.push(scores[place : place + size])
        place += size
    events += finder.close(float(len(scores)))

    def place_of(event: DecidedEvent) -> tuple[str, float]:
        return event.label, event.start_s

    assert sorted(events, key=place_of) == sorted(expected, key=place_of)


@settings(max_examples=200, deadline=None)
@given(SCORES, RULES)
def test_what_holds_for_all_events(rows: list[list[float]], rule: EventRule) -> None:
    scores = np.array(rows, float).reshape(-1, 2)
    events = find_events(scores, CLOCK, ["x", "y"], "v", float(len(scores)), rules=rule)
    for label in "xy":
        own = [event for event in events if event.label == label]
        for event in own:
            assert 0 <= event.start_s < event.end_s <= len(scores)
            assert event.score >= rule.on
            cells = scores[int(event.start_s) : int(np.ceil(event.end_s)), "xy".index(label)]
            assert event.score in cells  # the published score is one that crossed the line
        for one, other in itertools.pairwise(own):
            assert other.start_s >= one.end_s
    if rule.cooldown == 0:
        higher = rule.with_on(min(1.0, rule.on + 0.2))
        again = find_events(scores, CLOCK, ["x", "y"], "v", float(len(scores)), rules=higher)
        if rule.pad_before == 0:
            assert again == [event for event in events if event.score >= higher.on]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"on": 1.5}, "E-DET-014 on"),
        ({"on": 0.5, "off": 0.6}, "E-DET-014 off"),
        ({"min_gap": -1.0}, "E-DET-014 min_gap"),
        ({"cooldown": float("nan")}, "E-DET-014 cooldown"),
    ],
)
def test_rules_out_of_range_are_refused(values: dict[str, float], code: str) -> None:
    with pytest.raises(UsageFault, match=code):
        EventRule(**values)


def test_scores_and_classes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputRefused, match="E-DET-002"):
        find_events(np.zeros((3, 2)), CLOCK, ["x"], "v")
    with pytest.raises(InputRefused, match="E-DET-003"):
        find_events([[np.nan]], CLOCK, ["x"], "v")
    with pytest.raises(UsageFault, match=r"E-DET-004.*no such class"):
        find_events([[0.1]], CLOCK, ["x"], "v", rules={"y": EventRule()})
    with pytest.raises(UsageFault, match=r"E-DET-004.*none for x"):
        find_events([[0.1]], CLOCK, ["x"], "v", rules={})
