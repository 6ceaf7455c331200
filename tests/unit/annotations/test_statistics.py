from typing import Any

import numpy as np
import pytest

from augrgb.annotations.annotation_set import AnnotationSet
from augrgb.annotations.statistics import commonest_pairs, data_stats
from augrgb.core.types import Event, VideoRecord


def example() -> Any:
    videos = {
        "a": VideoRecord(
            "a",
            10.0,
            events=(Event("walk", 0, 4), Event("talk", 2, 6), Event("walk", 3, 5), Event("sit", 8, 9)),
            subset="training",
        ),
        "b": VideoRecord("b", 10.0, events=(Event("sit", 0, 2),), ignored=(Event("?", 3, 4),), subset="testing"),
        "c": VideoRecord("c", 20.0, events=(), subset="testing"),
        "d": VideoRecord("d", 5.0),
    }
    return AnnotationSet(("walk", "talk", "sit", "fly"), videos)


def test_numbers_by_hand() -> None:
    stats = data_stats(example())
    assert (stats.videos, stats.annotated, stats.empty, stats.events, stats.ignored) == (4, 3, 1, 5, 1)
    walk, _, sit, fly = stats.classes
    assert (walk.videos, walk.events, walk.total_s, walk.median_s, walk.longest_s) == (1, 2, 6.0, 3.0, 4.0)
    assert (sit.videos, sit.events) == (2, 2) and (fly.events, fly.median_s) == (0, 0.0)
    assert stats.together_s[0, 1] == stats.together_s[1, 0] == 3.0  # walk 0-5, talk 2-6
    assert stats.together_s[0, 0] == 5.0 and stats.together_s[1, 2] == 0.0
    assert stats.action_s == 9.0 and stats.overlap_share == pytest.approx(3 / 9)
    assert stats.labelled_share == pytest.approx(9 / 40)
    assert stats.split_sizes == {"given": {"train": (1, 4), "test": (2, 1)}}
    assert commonest_pairs(stats) == [("walk", "talk", 3.0)]


def test_against_a_naive_count_on_a_grid() -> None:
    rng = np.random.default_rng(0)
    events = []
    for _ in range(40):
        start = int(rng.integers(0, 90))
        events.append(Event("abc"[rng.integers(3)], float(start), float(start + rng.integers(1, 10))))
    stats = data_stats(AnnotationSet(("a", "b", "c"), {"v": VideoRecord("v", 100.0, events=tuple(events))}))
    grid = np.zeros((100, 3), bool)
    depth = np.zeros(100, int)
    for event in events:
        grid[int(event.start_s) : int(event.end_s), "abc".index(event.label)] = True
        depth[int(event.start_s) : int(event.end_s)] += 1
    np.testing.assert_allclose(stats.together_s, grid.T.astype(float) @ grid)
    assert stats.action_s == (depth > 0).sum()
    assert stats.overlap_share == pytest.approx((depth > 1).sum() / (depth > 0).sum())


def test_nothing_annotated() -> None:
    stats = data_stats(AnnotationSet(("a",), {"v": VideoRecord("v")}))
    assert (stats.events, stats.overlap_share, stats.labelled_share) == (0, 0.0, None)
