from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.annotations.labels import legacy_uniform, rasterise
from augrgb.core.errors import AugrgbError
from augrgb.core.timeline import Clock
from augrgb.core.types import Event

CLASSES = ("walk", "drink", "sit")
times = st.integers(-8, 80).map(lambda quarter: quarter / 4)
events = st.lists(st.builds(Event, st.sampled_from(CLASSES), times, times), max_size=8)


@settings(max_examples=60, deadline=None)
@given(events, st.integers(1, 12), st.integers(1, 12), st.integers(0, 5), st.integers(0, 40))
def test_center_rule_equals_a_naive_loop(events: Any, window: Any, stride: Any, offset: Any, count: Any) -> None:
    clock = Clock(fps=8.0, window=window, stride=stride, offset=offset)
    expected = np.zeros((count, 3), np.float32)
    for t, center in enumerate(clock.centers_s(count)):
        for event in events:
            if event.start_s <= center < event.end_s:
                expected[t, CLASSES.index(event.label)] = 1
    labels = rasterise(events, CLASSES, clock, count)
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels, expected)


@settings(max_examples=60, deadline=None)
@given(events, st.integers(1, 60))
def test_legacy_rule_equals_a_naive_loop(events: Any, count: Any) -> None:
    fps = count / 17.5
    expected = np.zeros((count, 3), np.float32)
    for i in range(count):
        for event in events:
            if i / fps > event.start_s and i / fps < event.end_s:
                expected[i, CLASSES.index(event.label)] = 1
    np.testing.assert_array_equal(legacy_uniform(events, CLASSES, 17.5, count), expected)


def test_half_open_borders_are_exact() -> None:
    clock = Clock(fps=16.0, window=8, stride=8)  # centers at 0.25, 0.75, 1.25, ...
    labels = rasterise([Event("walk", 0.75, 1.25)], CLASSES, clock, 4)
    assert labels[:, 0].tolist() == [0, 1, 0, 0]


def test_unknown_class_names_the_nearest() -> None:
    with pytest.raises(AugrgbError, match=r"E-ANN-003.*did you mean 'drink'"):
        rasterise([Event("drnk", 0.0, 1.0)], CLASSES, Clock(8.0, 8, 8), 3)
