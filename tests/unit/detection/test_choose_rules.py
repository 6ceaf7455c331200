"""Rules chosen on known videos: against the search over every pair, and what the data cannot show."""

from __future__ import annotations

import numpy as np
import pytest

from augrgb.core.errors import UsageFault
from augrgb.core.timeline import Clock
from augrgb.core.types import Event
from augrgb.detection.choose_rules import KnownVideo, _grid, choose_rules, counts_of
from augrgb.detection.event_rule import EventRule

CLOCK = Clock(fps=1, window=1, stride=1)


def video(seed: int, count: int = 60, unknown: tuple[tuple[float, float], ...] = ()) -> KnownVideo:
    rng = np.random.default_rng(seed)
    starts = sorted(rng.choice(np.arange(0, count, 10), 3, replace=False).tolist())
    events = tuple(Event("x", float(s), float(s + rng.integers(2, 7))) for s in starts)
    truth = np.array([any(e.start_s <= t < e.end_s for e in events) for t in range(count)])
    scores = np.clip(0.3 + 0.35 * truth + rng.normal(0, 0.15, count), 0.01, 0.99)
    return KnownVideo(f"v{seed}", np.stack([scores, rng.random(count)], 1), float(count), events, unknown)


@pytest.mark.parametrize("seed", range(3))
def test_no_threshold_is_better_than_the_chosen_one(seed: int) -> None:
    videos = [video(10 * seed + i) for i in range(3)]
    chosen = choose_rules(videos, CLOCK, ["x", "y"])["x"]
    values = np.concatenate([v.scores[:, 0] for v in videos])
    best = 0.0
    for off in _grid(values):
        for on in np.unique(values[values >= off]):
            f1 = counts_of(videos, CLOCK, ["x", "y"], "x", EventRule(float(on), off)).f1
            best = max(best, f1)
    assert chosen.counts.f1 == pytest.approx(best) and not chosen.pooled


def test_of_equal_rules_the_one_that_lies_where_the_events_are() -> None:
    """In short clips one event over all of a clip matches too."""
    scores = np.where((np.arange(10) >= 4) & (np.arange(10) < 9), 0.9, 0.02)[:, None]
    clips = [KnownVideo(f"v{i}", scores + 0.001 * i, 10.0, (Event("x", 4.0, 9.0),)) for i in range(6)]
    chosen = choose_rules(clips, CLOCK, ["x"])["x"]
    assert chosen.counts.f1 == 1 and (chosen.rule.off or 0.0) > 0.03 and chosen.counts.delays_s == (0.0,) * 6


def test_few_events_get_the_pooled_rule() -> None:
    videos = [video(i) for i in range(3)]
    chosen = choose_rules(videos, CLOCK, ["x", "y"])
    assert chosen["y"].pooled and "0 events are too few to measure" in chosen["y"].why
    lonely = choose_rules(videos[:1], CLOCK, ["x", "y"], base=EventRule(0.4))
    assert lonely["x"].pooled and lonely["x"].rule == EventRule(0.4)


def test_a_target_that_the_hours_cannot_show_is_refused() -> None:
    videos = [video(i) for i in range(3)]
    with pytest.raises(UsageFault, match=r"E-DET-015.*takes 71\.9 hours.*state at least"):
        choose_rules(videos, CLOCK, ["x", "y"], false_alarms_per_day=1)
    with pytest.raises(UsageFault, match="E-DET-014"):
        choose_rules(videos, CLOCK, ["x"], false_alarms_per_day=0)


def test_a_target_that_they_can_show_is_kept_to() -> None:
    videos = [video(i, 600) for i in range(8)]
    per_day = 24 * 8.0
    strict = choose_rules(videos, CLOCK, ["x", "y"], false_alarms_per_day=per_day)["x"].counts
    assert 24 * strict.false_alarms_per_hour_bound <= per_day and strict.hits > 0


def test_what_is_unknown_counts_for_and_against_nothing() -> None:
    videos = [video(i) for i in range(3)]
    spans = ((0.0, 60.0),)
    hidden = [*videos, video(7, unknown=spans)]
    assert choose_rules(hidden, CLOCK, ["x", "y"])["x"] == choose_rules(videos, CLOCK, ["x", "y"])["x"]


def test_the_delay_of_decision_is_when_the_rule_was_certain() -> None:
    scores = np.array([0.1, 0.4, 0.4, 0.9, 0.9, 0.1])[:, None]
    one = KnownVideo("v", scores, 6.0, (Event("x", 0.5, 5.0),))
    counts = counts_of([one], CLOCK, ["x"], "x", EventRule(on=0.8, off=0.3))
    assert counts.delays_s == (0.5,) and counts.decisions_s == (
        3.5,
    )  # from 1 s; `on` reached in the cell that ends at 4
    longer = counts_of([one], CLOCK, ["x"], "x", EventRule(on=0.35, off=0.3, min_duration=3.0))
    assert longer.decisions_s == (3.5,)  # `on` at once, but three seconds only at 4
