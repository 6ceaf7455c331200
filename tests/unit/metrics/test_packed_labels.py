"""Packed labels hold exactly what a naive loop over snippets and events gives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augrgb.annotations.label_spans import center_spans, legacy_uniform_spans
from augrgb.core.errors import InputRefused
from augrgb.core.seeds import rng_at
from augrgb.core.timeline import Clock
from augrgb.core.types import Event
from augrgb.metrics.packed_labels import PackedLabels

CLASSES = tuple(f"c{k}" for k in range(11))  # more than a byte
times = st.one_of(st.integers(-8, 80).map(lambda quarter: quarter / 4), st.floats(-3, 40, allow_subnormal=False))
events = st.lists(st.builds(Event, st.sampled_from(CLASSES), times, times), max_size=6)
clocks = st.builds(Clock, st.sampled_from([7.5, 8.0, 29.97]), st.integers(1, 12), st.integers(1, 12), st.integers(0, 5))


def naive(events: Any, snippet_times: Any, covers: Any) -> Any:
    """Labels snippet by snippet, event by event."""
    labels = np.zeros((len(snippet_times), len(CLASSES)), np.float32)
    for t, time in enumerate(snippet_times):
        for event in events:
            labels[t, CLASSES.index(event.label)] += covers(event, time)
    return np.minimum(labels, 1)


def in_half_open(event: Any, time: Any) -> Any:
    return event.start_s <= time < event.end_s


def strictly_in(event: Any, time: Any) -> Any:
    return event.start_s < time < event.end_s


def pack_legacy(videos: Any) -> Any:
    """Videos are (events, duration, count)."""
    return PackedLabels.of(
        legacy_uniform_spans([v[0] for v in videos], CLASSES, [v[1] for v in videos], [v[2] for v in videos])
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(events, clocks, st.integers(0, 40)), max_size=4))
def test_center_rule(videos: Any) -> None:
    spans = center_spans([v[0] for v in videos], CLASSES, [v[1] for v in videos], [v[2] for v in videos])
    packed = PackedLabels.of(spans)
    for index, (own, clock, count) in enumerate(videos):
        np.testing.assert_array_equal(packed.video(index), naive(own, clock.centers_s(count), in_half_open))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(events, st.floats(0.5, 60), st.integers(0, 60)), max_size=4))
def test_legacy_rule(videos: Any) -> None:
    packed = pack_legacy(videos)
    expected = [
        naive(own, [i / (count / duration) for i in range(count)], strictly_in) for own, duration, count in videos
    ]
    for index, labels in enumerate(expected):
        np.testing.assert_array_equal(packed.video(index), labels)
    dense = np.concatenate(expected) if expected else np.zeros((0, len(CLASSES)))
    np.testing.assert_array_equal(packed.dense(), dense.astype(bool))


def test_events_on_the_very_times_of_snippets() -> None:
    rng = rng_at(0, "on the border")
    videos, grids = [], []
    for _ in range(40):
        count, duration = int(rng.integers(1, 200)), float(rng.uniform(1, 300))
        grid = np.arange(count) / (count / duration)
        own = [Event(CLASSES[k % 11], float(a), float(b)) for k, (a, b) in enumerate(rng.choice(grid, (5, 2)))]
        videos.append((own, duration, count))
        grids.append(grid)
    packed = pack_legacy(videos)
    for index, (own, _, _) in enumerate(videos):
        np.testing.assert_array_equal(packed.video(index), naive(own, grids[index], strictly_in))


def test_unknown_class_names_the_nearest() -> None:
    with pytest.raises(InputRefused, match=r"E-ANN-003.*did you mean 'c10'"):
        legacy_uniform_spans([[Event("c100", 0, 1)]], CLASSES, [4.0], [4])
